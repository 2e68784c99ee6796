"""What is to be decided: variables, objective, constraints and how to train or approximate.

These ops state the problem over tensor values; `poly` holds the same problem as packed polynomials.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.nn import Function
from qevo_compiler.dialects.nn.ops import tensor
from qevo_compiler.ir import Array, EnumAttribute, Invalid, Op, Type, Value


class Domain(EnumAttribute):
    """What values a decision variable takes."""

    BINARY = "binary"
    SPIN = "spin"
    INTEGER = "int"
    REAL = "real"
    CHOICE = "choice"


class Encoding(EnumAttribute):
    """How a variable's values are written in bits; `docs/encodings.md` says what each costs.

    ORDER is the literature's name, for integers, of the bits of DOMAIN_WALL.
    """

    LOG = "log"
    BOUNDED = "bounded"
    UNARY = "unary"
    ONE_HOT = "onehot"
    DOMAIN_WALL = "domainwall"
    ORDER = "order"

    @property
    def ordered(self) -> bool:
        """Whether bits must fall from 1 to 0 along the code."""
        return self in (Encoding.DOMAIN_WALL, Encoding.ORDER)


class Sense(EnumAttribute):
    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


class Relation(EnumAttribute):
    """How the body of a constraint (left side minus right side) compares with zero."""

    EQ = "=="
    LE = "<="
    GE = ">="


@dataclass(frozen=True)
class VariableOp(Op):
    """An array of decision variables.

    `shape` is the source's shape. `lower` and `upper` (integer and real) are scalars or have that
    shape. `bits` (real) gives 2^bits equally spaced points, both ends included. `labels` (choice)
    name the alternatives; the value of a choice is one indicator a label, along a new last axis.
    `positions` names the elements of a larger tensor `symbol` of shape `tensor_shape` that this flat
    variable stands for; None means that the variable is the whole of `symbol`.
    """

    name: ClassVar[str] = "problem.variable"
    pure: ClassVar[bool] = False
    symbol: str
    domain: Domain
    shape: tuple[int, ...]
    lower: Array | None = None
    upper: Array | None = None
    bits: int | None = None
    labels: tuple[str, ...] = ()
    encoding: Encoding | None = None
    positions: Array | None = None
    tensor_shape: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """How many source variables: elements of `shape`."""
        return prod(self.shape)

    @property
    def width(self) -> int:
        """How many polynomial variables: a choice has one indicator a label."""
        return self.size * (len(self.labels) if self.domain is Domain.CHOICE else 1)

    def result_types(self) -> tuple[Type, ...]:
        return tensor((*self.shape, len(self.labels)) if self.domain is Domain.CHOICE else self.shape)

    def verify(self) -> None:
        if self.domain in (Domain.INTEGER, Domain.REAL) and (self.lower is None or self.upper is None):
            raise Invalid(f"`{self.symbol}` has no range")
        if (self.domain is Domain.CHOICE) != bool(self.labels):
            raise Invalid(f"`{self.symbol}`: labels belong to a choice, and a choice needs them")
        if (self.domain is Domain.REAL) != (self.bits is not None):
            raise Invalid(f"`{self.symbol}`: bits belong to a real variable, and a real needs them")


@dataclass(frozen=True)
class ListedOp(VariableOp):
    """An array of integers that polynomials know by their values: every value has a 0/1 variable, as a label of a
    choice has, in ascending order and element by element."""

    name: ClassVar[str] = "problem.listed"

    @property
    def lowest(self) -> NDArray[np.float64]:
        """The least value of every element, [size]."""
        assert self.lower is not None
        return np.broadcast_to(np.ceil(self.lower.values.astype(np.float64)), self.shape).reshape(-1)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many values every element has, [size]."""
        assert self.upper is not None
        highest = np.broadcast_to(np.floor(self.upper.values.astype(np.float64)), self.shape).reshape(-1)
        return (highest - self.lowest).astype(np.int64) + 1

    @property
    def width(self) -> int:
        return int(self.lengths.sum())

    @property
    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For every polynomial variable its element, and how far its value lies above the element's least."""
        lengths = self.lengths
        element = np.repeat(np.arange(self.size), lengths)
        return element, np.arange(len(element)) - np.repeat(np.cumsum(lengths) - lengths, lengths)

    def indicators(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """`values` [..., size] as polynomial variables [..., width]."""
        element, place = self.places
        return np.asarray(values[..., element] == self.lowest[element] + place, np.float64)

    def verify(self) -> None:
        super().verify()
        if self.domain is not Domain.INTEGER:
            raise Invalid(f"`{self.symbol}`: only integers are listed by their values")


@dataclass(frozen=True)
class ObjectiveOp(Op):
    """The scalar to minimise or maximise."""

    name: ClassVar[str] = "problem.objective"
    x: Value
    sense: Sense = Sense.MINIMIZE


@dataclass(frozen=True)
class ConstraintOp(Op):
    """A family of constraints `body relation 0`, one for each element of the flat operand.

    `indices` [rows, k] are the values of the index variables, for names such as `visit[3]`.
    A `weight` makes the family soft: violation squared times weight is added to the objective, in row r also times
    `factors[r]`. `bounding` rows hold the variable that stands for an extreme (see `bound-extremes`); they are
    penalised by how far they are violated, so that the variable's price is weight enough.
    """

    name: ClassVar[str] = "problem.constraint"
    body: Value
    symbol: str
    relation: Relation
    indices: Array
    weight: float | None = None
    factors: Array | None = None
    bounding: bool = False


@dataclass(frozen=True)
class ApproximateOp(Op):
    """Use a polynomial of `degree` on [lower, upper] for `function`."""

    name: ClassVar[str] = "problem.approximate"
    function: Function
    degree: int
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True)
class TrainOp(Op):
    """Stochastic gradient descent with torch.optim.SGD's hyper-parameters; `batch` 0 means all data.

    The rate is multiplied by `decay` every `decay_every` steps (0: never), as torch's StepLR does.
    """

    name: ClassVar[str] = "problem.train"
    rate: float
    steps: int
    momentum: float = 0.0
    nesterov: bool = False
    dampening: float = 0.0
    weight_decay: float = 0.0
    batch: int = 0
    seed: int = 0
    decay_every: int = 0
    decay: float = 1.0


class Pivot(EnumAttribute):
    """The point about which training dynamics are expanded."""

    ORIGIN = "origin"
    START = "start"
    MINIMISER = "minimiser"


class Activations(EnumAttribute):
    """How a step of training is made polynomial in its state: products of weights multiplied out, or coordinates of
    their own (`state`); `auto` takes the smaller lift."""

    AUTO = "auto"
    EXPANDED = "expanded"
    STATE = "state"


@dataclass(frozen=True)
class LinearizeOp(Op):
    """Ask for the Carleman system of the training dynamics, by order or by tolerance."""

    name: ClassVar[str] = "problem.linearize"
    order: int | None
    tolerance: float | None
    pivot: Pivot
    reupload: int | None
    activations: Activations = Activations.AUTO

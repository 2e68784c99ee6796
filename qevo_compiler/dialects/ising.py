"""Quadratic models over bits and spins, and which symbol every bit comes from.

One sign convention throughout: E = offset + sum h_i s_i + sum_{i<j} J_ij s_i s_j, to be minimised.
A bit x and its spin s are related by s = 2x - 1. Targets convert where a format wants another sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.auxiliaries import Auxiliaries
from qevo_compiler.dialects.coupling_order import verify_pairs
from qevo_compiler.dialects.poly import AffineMap, Vartype
from qevo_compiler.dialects.problem import Domain, Encoding
from qevo_compiler.ir import Array, EnumAttribute, Invalid, Op


class Role(EnumAttribute):
    """Why a bit exists."""

    DECISION = "decision"
    SLACK = "slack"
    AUXILIARY = "auxiliary"


@dataclass(frozen=True)
class RegisterOp(Op):
    """The block of bits `first .. first + count` and what it stands for.

    decision: `affine` gives the values of the variable's elements (for a choice: its indicators)
    from the bits, numbered from the block's start; the other fields repeat the variable's declaration.
    slack: `symbol` is the constraint, `affine` gives the slack of each of its rows (same numbering).
    auxiliary: `auxiliaries` says what each bit of the block stands for, a function of lower-numbered bits.
    """

    name: ClassVar[str] = "ising.register"
    pure: ClassVar[bool] = False
    symbol: str
    role: Role
    vartype: Vartype
    first: int
    count: int
    affine: AffineMap | None = None
    auxiliaries: Auxiliaries | None = None
    domain: Domain | None = None
    encoding: Encoding | None = None
    shape: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    positions: Array | None = None
    tensor_shape: tuple[int, ...] = ()

    def verify(self) -> None:
        if (self.role is Role.AUXILIARY) != (self.auxiliaries is not None):
            raise Invalid(f"`{self.symbol}`: auxiliaries, and only they, say what they stand for")
        if self.auxiliaries is not None:
            if self.auxiliaries.count != self.count:
                raise Invalid(f"`{self.symbol}`: {self.auxiliaries.count} auxiliaries in {self.count} bits")
            self.auxiliaries.verify(self.first)
        if self.affine is not None and self.affine.bits.most >= max(self.count, 1):
            raise Invalid(f"`{self.symbol}`: a bit outside the block")


@dataclass(frozen=True)
class SettledOp(Op):
    """Bits (numbers of the registers, ascending) that have the values `ones`, 0 or 1, at every feasible point.

    Where `weight` is positive, objective and penalties of the energy are those at these values, and each of the bits
    with its other value costs `weight` besides; where it is 0 they are those of all values.
    """

    name: ClassVar[str] = "ising.settled"
    pure: ClassVar[bool] = False
    bits: Array
    ones: Array
    weight: float = 0.0

    def verify(self) -> None:
        if self.bits.size != self.ones.size or not (np.diff(self.bits.values) > 0).all():
            raise Invalid("settled bits are ascending, with a value each")
        if not np.isin(self.ones.values, (0, 1)).all():
            raise Invalid("a bit is 0 or 1")
        if not (np.isfinite(self.weight) and self.weight >= 0):
            raise Invalid("what another value costs is a number of at least 0")


@dataclass(frozen=True)
class ReductionOp(Op):
    """Bits that a presolve eliminated: each follows from the others at every state that matters.

    Bits carry the registers' numbers. Elimination k (in order; those of one round depend only on bits that
    the round left) removed bit `eliminated[k]`: as spins, it is +1 where

        biases[k] + sum_m weights[m] s[members[m]] < 0,   m in starts[k] .. starts[k + 1],

    and -1 elsewhere. `rounds` holds the first elimination of each round and, last, their number. The model's
    spins are the bits that are left, in ascending order.
    """

    name: ClassVar[str] = "ising.reduction"
    pure: ClassVar[bool] = False
    eliminated: Array
    rounds: Array
    starts: Array
    members: Array
    weights: Array
    biases: Array

    def verify(self) -> None:
        count = self.eliminated.size
        if self.starts.size != count + 1 or self.biases.size != count or self.members.size != self.weights.size:
            raise Invalid("the reduction's arrays do not fit each other")
        found = self.eliminated.values
        if not (found[1:] > found[:-1]).all() and not np.diff(np.sort(found)).all():
            raise Invalid("a bit is eliminated twice")

    def kept(self, bits: int) -> NDArray[np.int64]:
        """The numbers of the bits that are left, of `bits` in all."""
        left = np.ones(bits, bool)
        left[self.eliminated.values] = False
        return np.flatnonzero(left)

    def expand(self, spins: NDArray[np.int8], bits: int) -> NDArray[np.int8]:
        """States [reads, bits] of all bits from states [reads, kept] of those that are left."""
        states = np.full((len(spins), bits), -1, np.int8)
        states[:, self.kept(bits)] = spins
        rounds, starts, members = self.rounds.values, self.starts.values, self.members.values
        for first, last in zip(rounds[-2::-1].tolist(), rounds[:0:-1].tolist(), strict=True):
            parts = slice(int(starts[first]), int(starts[last]))
            owner = np.repeat(np.arange(last - first), np.diff(starts[first : last + 1]))
            fields = np.tile(self.biases.values[first:last], (len(spins), 1))
            for read, state in enumerate(states):
                products = self.weights.values[parts] * state[members[parts]]
                fields[read] += np.bincount(owner, products, last - first)
            states[:, self.eliminated.values[first:last]] = np.where(fields < 0, 1, -1)
        return states


class PenaltyRule(EnumAttribute):
    """How a penalty weight was found; `docs/penalties.md` has the proofs and the references.

    RANGE, INCUMBENT, REPAIR, FLIP and RAISE are proved to dominate the objective. SOFT is the user's weight, GIVEN one
    that the user sets for a hard family. The rest may be too small: VLM and MOMC are rules of the literature,
    UNBALANCED and LAGRANGIAN weigh forms that are no exact penalties, TUNED was found by sampling.
    """

    RANGE = "range"
    INCUMBENT = "incumbent"
    REPAIR = "repair"
    FLIP = "flip"
    RAISE = "raise"
    SOFT = "soft"
    GIVEN = "given"
    VLM = "vlm"
    MOMC = "momc"
    UNBALANCED = "unbalanced"
    LAGRANGIAN = "lagrangian"
    TUNED = "tuned"
    HEURISTIC = "heuristic"

    @property
    def proved(self) -> bool:
        """Whether a minimum of the energy is known to be feasible and optimal."""
        return self in _PROVED


_PROVED = (PenaltyRule.RANGE, PenaltyRule.INCUMBENT, PenaltyRule.REPAIR, PenaltyRule.FLIP, PenaltyRule.RAISE)


class PenaltyForm(EnumAttribute):
    """The penalty of a row as a function of its residual u, a multiple of the row's unit.

    SQUARE is u^2, LINEAR is u (never negative), TRIANGLE is u (u + 1) / 2, which is 0 at u = -1 and u = 0.
    LOGIC counts the row's violated clauses: the row, over bits, says that of some sets of one to three literals
    not all are true, and the penalty is the sum of the sets' products. SLOPED is u^2 + slope u, which may be
    negative. MIXED has a form a row.
    """

    SQUARE = "square"
    LINEAR = "linear"
    TRIANGLE = "triangle"
    LOGIC = "logic"
    SLOPED = "sloped"
    MIXED = "mixed"


FORMS = (PenaltyForm.SQUARE, PenaltyForm.LINEAR, PenaltyForm.TRIANGLE, PenaltyForm.LOGIC, PenaltyForm.SLOPED)
"""The forms by the number that `PenaltyOp.forms` has for them."""


@dataclass(frozen=True)
class PenaltyOp(Op):
    """The weight that multiplies the penalty of one constraint family in the energy (before scaling).

    Row r of a family `body relation 0` (`>=` negated to `<=`) adds `weight * form(u)` with
    `u = (body + shifts[r] + slack) / units[r]`, in absolute value for `==`; a row with unit 0 is always
    satisfied and adds nothing. None means units of 1 and shifts of 0. `forms` [rows] (numbers into `FORMS`)
    belong to MIXED, `slopes` [rows] to SLOPED and MIXED. `caps` [rows] cut the coefficients of the body over bits
    first (see `analyses.structure.tightening`; inf: as stated, None: all rows), where the first of `shared` [2, terms]
    lose what the second do, labels of one choice (None: none). `factors` [rows] multiply the weight of soft rows. A
    slack register encoded as domain wall adds, besides, `weight` for every bit that is set behind one that is not.
    `implied` marks the family that the encoding of the variable `symbol` adds.
    """

    name: ClassVar[str] = "ising.penalty"
    pure: ClassVar[bool] = False
    symbol: str
    weight: float
    rule: PenaltyRule
    form: PenaltyForm = PenaltyForm.SQUARE
    units: Array | None = None
    shifts: Array | None = None
    implied: bool = False
    forms: Array | None = None
    slopes: Array | None = None
    caps: Array | None = None
    shared: Array | None = None
    factors: Array | None = None

    def row_weights(self, rows: int) -> NDArray[np.float64]:
        """What multiplies the penalty of every row."""
        return self.weight * (np.ones(rows) if self.factors is None else self.factors.values)

    def row_forms(self, rows: int) -> NDArray[np.int64]:
        """The form of every row, as numbers into `FORMS`."""
        if self.forms is not None:
            return np.asarray(self.forms.values, np.int64)
        return np.full(rows, FORMS.index(self.form))

    def verify(self) -> None:
        if (self.form is PenaltyForm.MIXED) != (self.forms is not None):
            raise Invalid(f"`{self.symbol}`: a form a row belongs to a mixed penalty, and that needs it")


@dataclass(frozen=True)
class ModelOp(Op):
    """A spin model. `scale` is what the problem's energy was multiplied by to get it."""

    name: ClassVar[str] = "ising.model"
    pure: ClassVar[bool] = False
    offset: float
    fields: Array
    rows: Array
    columns: Array
    couplings: Array
    scale: float = 1.0

    @property
    def size(self) -> int:
        return self.fields.size

    def verify(self) -> None:
        verify_pairs(self.rows, self.columns, self.couplings, self.size)
        if not (self.fields.is_finite and np.isfinite(self.offset)):
            raise Invalid("a field or the offset is not finite")


@dataclass(frozen=True)
class QuboOp(Op):
    """E = offset + sum linear_i x_i + sum_{i<j} quadratic_ij x_i x_j over bits."""

    name: ClassVar[str] = "ising.qubo"
    pure: ClassVar[bool] = False
    offset: float
    linear: Array
    rows: Array
    columns: Array
    quadratic: Array

    @property
    def size(self) -> int:
        return self.linear.size

    def verify(self) -> None:
        verify_pairs(self.rows, self.columns, self.quadratic, self.size)
        if not (self.linear.is_finite and np.isfinite(self.offset)):
            raise Invalid("a linear coefficient or the offset is not finite")


@dataclass(frozen=True)
class FamilyOp(Op):
    """Independent binary models that share one matrix: the rounding of a layer, one model an output row.

    Member r has energy `offsets[r] + linear[r] . x + factors[r] * x^T gram x` over x in {0,1}^d, where
    `gram` [d, d] is symmetric (its diagonal counts as linear, x^2 = x). Element (r, i) of the weight
    matrix becomes `scales[r] * (base[r, i] + x_i)`; `weight_shape` is the shape in the state dict, whose
    first axis holds this family's members from `first_row` on (a grouped convolution has a family a group).
    """

    name: ClassVar[str] = "ising.family"
    pure: ClassVar[bool] = False
    symbol: str
    bits: int
    gram: Array
    linear: Array
    offsets: Array
    factors: Array
    scales: Array
    base: Array
    weight_shape: tuple[int, ...]
    first_row: int = 0

    @property
    def members(self) -> int:
        return self.offsets.size

    @property
    def width(self) -> int:
        """Bits of each member."""
        return int(self.linear.shape[1])

    def verify(self) -> None:
        if self.gram.shape != (self.width, self.width) or self.base.shape != self.linear.shape:
            raise Invalid(f"`{self.symbol}`: shapes of gram, linear and base do not fit")
        size = prod(self.weight_shape[1:])
        if self.width != size or not 0 <= self.first_row <= self.weight_shape[0] - self.members:
            raise Invalid(f"`{self.symbol}`: {self.members} rows of {self.width} in a weight of {self.weight_shape}")

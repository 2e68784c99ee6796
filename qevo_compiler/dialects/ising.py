"""Quadratic models over bits and spins, and which symbol every bit comes from.

One sign convention throughout: E = offset + sum h_i s_i + sum_{i<j} J_ij s_i s_j, to be minimised.
A bit x and its spin s are related by s = 2x - 1. Targets convert where a format wants another sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qevo_compiler.dialects.auxiliaries import Auxiliaries
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
        if self.affine is not None and self.affine.bits.size and self.affine.bits.values.max() >= self.count:
            raise Invalid(f"`{self.symbol}`: a bit outside the block")


class PenaltyRule(EnumAttribute):
    """How a penalty weight was found.

    RANGE, INCUMBENT and REPAIR are proved to dominate the objective; SOFT is the user's weight;
    HEURISTIC may be too small.
    """

    RANGE = "range"
    INCUMBENT = "incumbent"
    REPAIR = "repair"
    SOFT = "soft"
    HEURISTIC = "heuristic"


class PenaltyForm(EnumAttribute):
    """The penalty of a row as a function of its residual u, a multiple of the row's unit.

    SQUARE is u^2, LINEAR is u (never negative), TRIANGLE is u (u + 1) / 2, which is 0 at u = -1 and u = 0.
    """

    SQUARE = "square"
    LINEAR = "linear"
    TRIANGLE = "triangle"


@dataclass(frozen=True)
class PenaltyOp(Op):
    """The weight that multiplies the penalty of one constraint family in the energy (before scaling).

    Row r of a family `body relation 0` (`>=` negated to `<=`) adds `weight * form(u)` with
    `u = (body + shifts[r] + slack) / units[r]`, in absolute value for `==`; a row with unit 0 is always
    satisfied and adds nothing. None means units of 1 and shifts of 0. `implied` marks the family that
    the encoding of the variable `symbol` adds.
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


def _verify_pairs(rows: Array, columns: Array, values: Array, size: int) -> None:
    i, j = rows.values, columns.values
    if not len(i) == len(j) == values.size:
        raise Invalid("rows, columns and values differ in length")
    if not len(i):
        return
    if (i == j).any():
        raise Invalid(f"coupling {(int(i[i == j][0]),) * 2} is on the diagonal")
    if i.min() < 0 or (i > j).any() or j.max() >= size:
        raise Invalid("a coupling is not strictly upper triangular or names a missing variable")
    if (np.diff(i.astype(np.int64) * size + j) <= 0).any():
        raise Invalid("couplings are not sorted or repeat")
    if not np.isfinite(values.values).all():
        raise Invalid("a coupling is not finite")


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
        _verify_pairs(self.rows, self.columns, self.couplings, self.size)
        if not (np.isfinite(self.fields.values).all() and np.isfinite(self.offset)):
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
        _verify_pairs(self.rows, self.columns, self.quadratic, self.size)
        if not (np.isfinite(self.linear.values).all() and np.isfinite(self.offset)):
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
        size = int(np.prod(self.weight_shape[1:], dtype=np.int64))
        if self.width != size or not 0 <= self.first_row <= self.weight_shape[0] - self.members:
            raise Invalid(f"`{self.symbol}`: {self.members} rows of {self.width} in a weight of {self.weight_shape}")

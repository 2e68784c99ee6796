"""Quadratic models over bits and spins. A bit x and its spin s are related by s = 2x - 1."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from qevo_compiler.dialects.ising.coupling_order import verify_pairs
from qevo_compiler.ir import Array, Invalid, Op


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

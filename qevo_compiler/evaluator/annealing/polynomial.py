"""A polynomial over spins or bits as the kernels want it: for every site the terms that it is in, without it.

E = offset + sum_i h_i x_i + sum_t c_t prod_{i in t} x_i, with x of -1 and +1 (spins) or 0 and 1 (bits).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials, Vartype
from qevo_compiler.dialects.poly.arithmetic import reduce_powers
from qevo_compiler.evaluator.annealing.model import Floats, Indices, are_integers, unit_of

# Sums of integers stay exact in 32-bit floats below this.
_EXACT = 1 << 24


@dataclass(frozen=True)
class Entries:
    """Terms by site, in a site by degree: segment `site * degrees + k` holds entries `starts[.]` to `starts[. + 1]`.

    The other members of a segment's entries lie one entry after the other in `members` from `places[segment]` on;
    `values` are coefficients, not in units.
    """

    starts: Indices
    places: NDArray[np.int64]
    members: Indices
    values: Floats


@dataclass(frozen=True)
class PolynomialModel:
    """`blocks` are the variables [m, d] and coefficients [m] of the terms of each degree d >= 2, without powers."""

    vartype: Vartype
    offset: float
    fields: Floats
    blocks: tuple[tuple[Indices, Floats], ...]

    @staticmethod
    def of(polynomial: Polynomials, vartype: Vartype, size: int) -> PolynomialModel:
        """A model of the one row of `polynomial` over variables 0 .. size - 1; powers are reduced.

        Raises `ValueError` for more rows or variables out of range.
        """
        if polynomial.rows != 1:
            raise ValueError("one polynomial is annealed at a time")
        if any(b.degree and b.variables.values.max(initial=-1) >= size for b in polynomial.terms):
            raise ValueError("a variable is out of range")
        reduced = reduce_powers(polynomial, vartype)
        _, alone, linear = reduced.block(1)
        fields = np.bincount(alone[:, 0], linear, size).astype(np.float64)
        blocks = tuple((b.variables.values, b.coefficients.values) for b in reduced.terms if b.degree > 1)
        return PolynomialModel(vartype, float(reduced.constants()[0]), fields, blocks)

    @property
    def size(self) -> int:
        return len(self.fields)

    @property
    def degrees(self) -> tuple[int, ...]:
        """The degrees of terms from 2 on, ascending."""
        return tuple(variables.shape[1] for variables, _ in self.blocks)

    @property
    def members(self) -> int:
        """The sum of the degrees of all terms: what a sweep goes through."""
        return sum(variables.size for variables, _ in self.blocks)

    @cached_property
    def unit(self) -> float:
        """All coefficients are integers times this, where `integral`; else the largest of them."""
        return unit_of(self._values)

    @cached_property
    def integral(self) -> bool:
        """Whether every local field is an integer times `unit` that 32-bit floats hold exactly."""
        return are_integers(self._values, self.unit) and float(self.field_bounds.max(initial=0.0)) < _EXACT * self.unit

    @cached_property
    def field_bounds(self) -> Floats:
        """|h_i| + sum of |c_t| over the terms of every site."""
        bounds = np.abs(self.fields)
        for variables, coefficients in self.blocks:
            each = np.repeat(np.abs(coefficients), variables.shape[1])
            bounds = bounds + np.bincount(variables.reshape(-1), each, self.size)
        return bounds

    @property
    def _values(self) -> Floats:
        return np.concatenate([self.fields, *(coefficients for _, coefficients in self.blocks)])

    @cached_property
    def entries(self) -> Entries:
        """Every term once for each of its members. Cost: one sort of the members of each degree."""
        parts = []
        for variables, coefficients in self.blocks:
            degree = variables.shape[1]
            others = [np.delete(variables, k, axis=1) for k in range(degree)]
            order = np.argsort(variables.T.reshape(-1), kind="stable")
            sites = variables.T.reshape(-1)[order]
            parts.append((sites, np.concatenate(others)[order], np.tile(coefficients, degree)[order]))
        return _joined(self.size, parts)

    @cached_property
    def leading(self) -> Entries:
        """Every term once, at its first member."""
        parts = []
        for variables, coefficients in self.blocks:
            order = np.argsort(variables[:, 0], kind="stable")
            parts.append((variables[order, 0], variables[order, 1:], coefficients[order]))
        return _joined(self.size, parts)


def _joined(size: int, parts: list[tuple[Indices, Indices, Floats]]) -> Entries:
    """Entries (site, other members, coefficient) of each degree, sorted by site, joined site by site."""
    kinds = len(parts)
    counts = np.zeros((size, kinds), np.int64)
    for k, (sites, _, _) in enumerate(parts):
        counts[:, k] = np.bincount(sites, minlength=size)
    lengths = counts * np.array([others.shape[1] for _, others, _ in parts], np.int64)
    starts = np.concatenate([[0], np.cumsum(counts.reshape(-1))])
    places = np.concatenate([[0], np.cumsum(lengths.reshape(-1))])
    values, members = np.empty(starts[-1], np.float64), np.empty(places[-1], np.int32)
    for k, (sites, others, coefficients) in enumerate(parts):
        rank = np.arange(len(sites)) - np.repeat(np.cumsum(counts[:, k]) - counts[:, k], counts[:, k])
        segment = sites.astype(np.int64) * kinds + k
        values[starts[segment] + rank] = coefficients
        first = places[segment] + rank * others.shape[1]
        members[first[:, None] + np.arange(others.shape[1])] = others
    return Entries(starts.astype(np.int32), places, members, values)

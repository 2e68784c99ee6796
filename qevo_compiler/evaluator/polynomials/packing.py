"""Polynomials as the flat arrays that the kernels read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.evaluator.polynomials.sorting import sort_permutation


@dataclass(frozen=True)
class Packed:
    """The monomials of one degree d, sorted by row: `starts` [rows + 1], `variables` [m, d], `factors` [m]."""

    degree: int
    starts: NDArray[np.int64]
    variables: NDArray[np.int32]
    factors: NDArray[Any]

    def offsets(self, points: int) -> NDArray[np.int32]:
        """Byte offsets [m, d] of the variables in a tile of that many points. Raises `OverflowError` beyond 2 GiB."""
        size = points * self.factors.itemsize
        if self.variables.size and int(self.variables.max()) * size > np.iinfo(np.int32).max:
            raise OverflowError("a tile of points is larger than 2 GiB")
        return self.variables * np.int32(size)


def packed(polynomials: Polynomials, dtype: type[np.floating[Any]]) -> tuple[Packed, ...]:
    """One `Packed` a degree that occurs, with coefficients in `dtype`."""
    parts = []
    for block in polynomials.terms:
        row, variables = block.row.values, block.variables.values
        factors = block.coefficients.values
        if (row[1:] < row[:-1]).any():
            order = sort_permutation(row)
            row, variables, factors = row[order], variables[order], factors[order]
        starts = np.zeros(polynomials.rows + 1, np.int64)
        np.cumsum(np.bincount(row, minlength=polynomials.rows), out=starts[1:])
        parts.append(Packed(block.degree, starts, np.ascontiguousarray(variables, np.int32), factors.astype(dtype)))
    return tuple(parts)

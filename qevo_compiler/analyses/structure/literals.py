"""Linear rows over bits as sums of literals with positive weights.

sum c_i x_i + c_0 <= 0 is the same as sum a_i l_i <= b with a_i = |c_i|, the literal l_i = x_i where c_i > 0
and 1 - x_i where c_i < 0, and b = -c_0 - sum of the negative c_i. Every literal pushes its row towards violation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Literals:
    """The literals of `rows` rows, row by row and in each row by falling weight, then by bit.

    `starts` [rows + 1] bounds each row; `bit`, `weight` and `negated` belong to a literal (negated: 1 - x);
    `capacity` [rows] is b.
    """

    starts: Integers
    bit: Integers
    weight: Floats
    negated: Flags
    capacity: Floats

    @property
    def rows(self) -> int:
        return len(self.capacity)

    @property
    def row(self) -> Integers:
        """The row of every literal."""
        return np.repeat(np.arange(self.rows), self.lengths)

    @property
    def lengths(self) -> Integers:
        return np.diff(self.starts)

    def head_sums(self) -> Floats:
        """For every literal the sum of the weights of its row up to and with it."""
        total = np.cumsum(self.weight)
        before = np.concatenate([[0.0], total])[self.starts[:-1]]
        return np.asarray(total - np.repeat(before, self.lengths))


def row_literals(p: Polynomials) -> Literals:
    """The literals of rows of degree at most 1, each meaning `<= 0`. Cost: one sort of the terms."""
    row, names, coefficients = p.block(1)
    bit, weight = names[:, 0].astype(np.int64), np.abs(coefficients)
    order = np.lexsort([-weight, row])
    starts = np.zeros(p.rows + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=p.rows), out=starts[1:])
    capacity = -p.constants() - np.bincount(row, np.minimum(coefficients, 0), p.rows)
    return Literals(starts, bit[order], weight[order], (coefficients < 0)[order], capacity)

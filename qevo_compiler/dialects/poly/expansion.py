"""Unmerged sums of terms: what tensor expressions are expanded in before their terms are collected once.

An `Expansion` holds its terms in parts. A part with `row` None has one term for each row in order, so
that gathers and scalings of such parts are plain array operations. What a rule gives (`ir.deferred.Repeated`) stays
one through them, until somebody asks for the numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.dialects.poly.polynomials import (
    Floats,
    Ints,
)
from qevo_compiler.ir.counting import counting
from qevo_compiler.ir.deferred import Repeated, one_number

Positions = NDArray[np.integer]
Target = Callable[[Positions, Positions], Positions]
Column = Ints | Repeated
Weights = Floats | Repeated


@dataclass(frozen=True)
class Part:
    """Terms of one degree d: `row` [m] (None: row k has term k), `names` [m, d], `coefficients` [m] or a scalar.

    Names may be given as d columns [m]: they are put together only where all of them are asked for at once. Columns
    and `factors`, the coefficients as they are given, may be rules.
    """

    row: Positions | None
    given: Ints | tuple[Column, ...]
    factors: Weights

    @cached_property
    def names(self) -> Ints:
        if not isinstance(self.given, tuple):
            return self.given
        columns = self.columns
        return columns[0][:, None] if len(columns) == 1 else np.stack(columns, axis=1)

    @property
    def columns(self) -> tuple[Ints, ...]:
        """The names of each place in the terms, [m] each."""
        return tuple(map(formed, self.given_columns))

    @property
    def given_columns(self) -> tuple[Column, ...]:
        given = self.given
        return given if isinstance(given, tuple) else tuple(given[:, place] for place in range(given.shape[1]))

    @property
    def coefficients(self) -> Floats:
        return formed(self.factors)

    @property
    def degree(self) -> int:
        return len(self.given) if isinstance(self.given, tuple) else self.given.shape[1]

    def __len__(self) -> int:
        return len(self.given[0]) if isinstance(self.given, tuple) else len(self.given)

    def rows(self) -> Positions:
        return np.arange(len(self), dtype=np.int32) if self.row is None else self.row

    def weights(self) -> Floats:
        given = self.coefficients
        return given if given.ndim else one_number(len(self), float(given), np.float64)


def formed(given: NDArray[Any] | Repeated) -> NDArray[Any]:
    """The numbers themselves."""
    return given.elements() if isinstance(given, Repeated) else given


@dataclass(frozen=True)
class Expansion:
    """`rows` polynomials; `sorted` says that parts have rows in ascending order and equal terms are merged."""

    rows: int
    parts: tuple[Part, ...]
    sorted: bool = False

    @property
    def dense(self) -> bool:
        """Whether every part has exactly one term a row."""
        return all(part.row is None for part in self.parts)

    def __len__(self) -> int:
        """How many terms there are, unmerged."""
        return sum(map(len, self.parts))

    def counts(self) -> NDArray[np.int64]:
        """How many terms each row has."""
        if self.dense:
            return np.full(self.rows, len(self.parts))
        counts = np.zeros(self.rows, np.int64)
        for part in self.parts:
            counts += 1 if part.row is None else np.bincount(part.row, minlength=self.rows)
        return counts


def constants(values: ArrayLike) -> Expansion:
    """One constant a row; `values` is flat."""
    array = np.asarray(values, np.float64)
    return Expansion(array.size, (Part(None, np.zeros((array.size, 0), np.int32), array),))


def variables(first: int, count: int) -> Expansion:
    """The variables `first .. first + count`, one a row."""
    names = counting(count) if first == 0 else np.arange(first, first + count, dtype=np.int32)
    return Expansion(count, (Part(None, (names,), np.array(1.0)),))


def add(*summands: Expansion) -> Expansion:
    """The sum row by row."""
    return Expansion(summands[0].rows, tuple(part for summand in summands for part in summand.parts))


def scale(x: Expansion, factors: Weights) -> Expansion:
    """Each row times its factor (or one scalar for all)."""
    if _is_one(factors):
        return x
    parts = []
    for part in x.parts:
        factor = factors if not factors.shape or part.row is None else formed(factors)[part.row]
        parts.append(Part(part.row, part.given, times(part.factors, factor)))
    return Expansion(x.rows, tuple(parts), x.sorted)


def regroup(x: Expansion, groups: Positions, count: int, whole: bool = False) -> Expansion:
    """`count` rows: row i of `x` is added to row `groups[i]`; -1 drops it, and does not occur in `whole` groups."""
    parts = []
    for part in x.parts:
        row = groups if part.row is None else groups[part.row]
        if not whole and len(row) and row.min() < 0:
            keep = row >= 0
            part = Part(None, part.names[keep], part.weights()[keep])
            row = row[keep]
        parts.append(Part(row, part.given, part.factors))
    return Expansion(count, tuple(parts))


def square_pairs(x: Expansion) -> int:
    """How many terms `square` makes."""
    counts = x.counts()
    return int((counts * (counts + 1) // 2).sum())


def product_pairs(x: Expansion, y: Expansion) -> int:
    """How many terms `multiply` makes."""
    if x.dense and y.dense:
        return x.rows * len(x.parts) * len(y.parts)
    return int(x.counts() @ y.counts())


def spread(x: Expansion, keys: Positions, table: tuple[Positions, Floats], target: Target, count: int) -> Expansion:
    """Each term of row r once for every entry k in `starts[keys[r]] .. starts[keys[r] + 1]`, times `weights[k]`.

    `table` is (starts, weights); `target(rows, entries)` gives the new rows, of which there are `count`.
    """
    starts, weights = table
    parts = []
    for part in x.parts:
        row = part.rows()
        counts = np.diff(starts)[keys[row]]
        entry = ranges(starts[keys[row]], counts)
        source = np.repeat(np.arange(len(row)), counts)
        parts.append(Part(target(row[source], entry), part.names[source], part.weights()[source] * weights[entry]))
    return Expansion(count, tuple(parts))


def ranges(starts: Positions, counts: Positions) -> NDArray[np.int64]:
    """The concatenated ranges starts[i] .. starts[i] + counts[i]."""
    ends = np.cumsum(counts, dtype=np.int64)
    within = np.arange(ends[-1] if len(ends) else 0)
    return np.asarray(within + np.repeat(starts - (ends - counts), counts), np.int64)


def times(x: Weights, y: Weights) -> Weights:
    """The product; where one is the number 1 it is the other itself."""
    if _is_one(x):
        return y
    return x if _is_one(y) else formed(x) * formed(y)


def _is_one(x: Weights) -> bool:
    return not isinstance(x, Repeated) and x.ndim == 0 and x == 1

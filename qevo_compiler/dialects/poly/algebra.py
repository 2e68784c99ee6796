"""Products and collection of expansions by the rules of their variables: x^2 = x, s^2 = 1, some exclude each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly.expansion import Expansion, Part, Positions, formed, ranges, times
from qevo_compiler.dialects.poly.polynomials import (
    Floats,
    Ints,
    Polynomials,
    pack,
    sorted_within_terms,
    without_zeros,
)
from qevo_compiler.ir.counting import is_counting
from qevo_compiler.ir.deferred import Repeated

MERGE_ABOVE = 4  # parts; more are collected before a product, which multiplies their numbers


@dataclass(frozen=True)
class Algebra:
    """The rules of the variables: `binary` and `spin` [n] mark them; equal `choice` [n] >= 0 exclude each other."""

    binary: NDArray[np.bool_]
    spin: NDArray[np.bool_]
    choice: Ints

    @cached_property
    def excludes(self) -> bool:
        """Whether any variables exclude each other."""
        choice = self.choice if any(self.choice.strides) else self.choice[:1]
        return bool(choice.max(initial=-1) >= 0)

    def polynomials(self, x: Expansion) -> Polynomials:
        """The collected terms in canonical form."""
        if x.sorted:
            terms = (without_zeros(part.rows(), part.names, part.weights()) for part in x.parts)
            return Polynomials(x.rows, tuple(block for block in terms if len(block)))
        blocks = [block for part in x.parts for block in self.reduced(part)]
        return pack(x.rows, blocks)

    def merged(self, x: Expansion) -> Expansion:
        """The same rows with equal terms merged and sorted by row."""
        if x.sorted:
            return x
        blocks = self.polynomials(x).terms
        parts = (Part(b.row.values, b.variables.values, b.coefficients.values) for b in blocks)
        return Expansion(x.rows, tuple(parts), sorted=True)

    def take(self, x: Expansion, given: Positions | Repeated, whole: bool = False) -> Expansion:
        """The rows at these positions in that order; -1 gives zero, and does not occur where they are known `whole`.

        Where rows are single variables in their order, positions that a rule gives are names that a rule gives.
        """
        if not x.dense:
            x = self.merged(x)
        if whole and isinstance(given, Repeated) and all(_is_list_of_variables(part) for part in x.parts):
            return Expansion(len(given), tuple(Part(None, (given,), part.factors) for part in x.parts))
        positions = formed(given)
        whole = whole or not len(positions) or bool(positions.min() >= 0)
        return Expansion(len(positions), tuple(_taken(part, positions, x.rows, whole) for part in x.parts))

    def multiply(self, x: Expansion, y: Expansion) -> Expansion:
        """The product row by row. Cost: the number of pairs of terms that share a row."""
        x, y = self._few_parts(x), self._few_parts(y)
        if not (x.dense and y.dense):
            x, y = self.merged(x), self.merged(y)
        return Expansion(x.rows, tuple(_product(a, b, x.rows) for a in x.parts for b in y.parts))

    def square(self, x: Expansion) -> Expansion:
        """Each row squared: every unordered pair of its terms once."""
        x = self._few_parts(x)
        if not x.dense:
            x = self.merged(x)
        parts = []
        for index, part in enumerate(x.parts):
            parts.append(_square(part, x.rows))
            doubled = Part(part.row, part.given, times(np.array(2.0), part.factors))
            parts += [_product(doubled, other, x.rows) for other in x.parts[index + 1 :]]
        return Expansion(x.rows, tuple(parts))

    def _few_parts(self, x: Expansion) -> Expansion:
        return self.merged(x) if len(x.parts) > MERGE_ABOVE else x

    def reduced(self, part: Part) -> list[tuple[Positions, Ints, Floats]]:
        """The part's nonzero terms with the variables' rules applied, as blocks (rows, names, coefficients)."""
        row, names, coefficients = part.rows(), part.names, part.weights()
        if not part.coefficients.all():
            keep = coefficients != 0
            row, names, coefficients = row[keep], names[keep], coefficients[keep]
        if names.shape[1] < 2 or not len(names):
            return [(row, names, coefficients)]
        names = sorted_within_terms(names)
        left, right = names[:, :-1], names[:, 1:]
        touched = left == right
        if self.excludes:
            touched |= (self.choice[left] == self.choice[right]) & (self.choice[left] >= 0)
        if not touched.any():
            return [(row, names, coefficients)]
        some = touched.any(axis=1)
        rest = ~some
        blocks = [(row[rest], names[rest], coefficients[rest])]
        return blocks + self._reduced_terms(row[some], names[some], coefficients[some])

    def _reduced_terms(self, row: Positions, names: Ints, coefficients: Floats) -> list[tuple[Positions, Ints, Floats]]:
        """Apply the variables' rules to terms whose names ascend."""
        left, right = names[:, :-1], names[:, 1:]
        excluded = ((self.choice[left] == self.choice[right]) & (self.choice[left] >= 0) & (left != right)).any(axis=1)
        row, names, coefficients = row[~excluded], names[~excluded].copy(), coefficients[~excluded]
        for column in range(1, names.shape[1]):
            here, before = names[:, column], names[:, column - 1]
            again = (here == before) & (here >= 0)
            spin = again & self.spin[here]
            names[again & self.binary[here] | spin, column - 1] = -1
            names[spin, column] = -1
        degrees = (names >= 0).sum(axis=1)
        blocks = []
        for degree in np.unique(degrees).tolist():
            some = degrees == degree
            kept = names[some]
            blocks.append((row[some], kept[kept >= 0].reshape(len(kept), degree), coefficients[some]))
        return blocks


def _taken(part: Part, positions: Positions, rows: int, whole: bool) -> Part:
    if part.row is None:
        if not whole:
            new_row = np.flatnonzero(positions >= 0).astype(np.int32)
            positions = positions[new_row]
        coefficients = part.coefficients.take(positions) if part.coefficients.ndim else part.coefficients
        columns = tuple(_at(column, positions) for column in part.columns)
        given = columns if columns else np.zeros((len(positions), 0), np.int32)
        return Part(None if whole else new_row, given, coefficients)
    starts = _row_starts(part.row, rows)
    counts = np.where(positions >= 0, np.diff(starts)[positions], 0) if rows else np.zeros(len(positions), np.int64)
    taken = ranges(starts[np.maximum(positions, 0)], counts)
    new_row = np.repeat(np.arange(len(positions), dtype=np.int32), counts)
    return Part(new_row, part.names[taken], part.weights()[taken])


def _is_list_of_variables(part: Part) -> bool:
    """Whether row k is variable k times a number that is the same for all."""
    if part.row is not None or part.degree != 1 or part.factors.shape:
        return False
    (column,) = part.given_columns
    return not isinstance(column, Repeated) and is_counting(column)


def _at(column: Ints, positions: Positions) -> Ints:
    """`column[positions]`; where column k holds k, that is the positions themselves."""
    if positions.dtype == np.int32 and is_counting(column):
        return positions.astype(np.int32, copy=False)
    return column.take(positions)


def _row_starts(row: Positions, rows: int) -> NDArray[np.int64]:
    starts = np.zeros(rows + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=rows), out=starts[1:])
    return starts


def _product(a: Part, b: Part, rows: int) -> Part:
    """Products of the terms of equal rows; both dense, or both sorted by row."""
    if a.row is None and b.row is None:
        if not (a.degree and b.degree):
            return Part(None, a.given if a.degree else b.given, times(a.factors, b.factors))
        return Part(None, (*a.given_columns, *b.given_columns), times(a.factors, b.factors))
    starts = _row_starts(b.rows(), rows)
    row = a.rows()
    counts = np.diff(starts)[row]
    left, right = np.repeat(np.arange(len(row)), counts), ranges(starts[row], counts)
    return Part(row[left], _joined(a.names[left], b.names[right]), a.weights()[left] * b.weights()[right])


def _square(part: Part, rows: int) -> Part:
    if part.row is None:
        return _product(part, part, rows)
    first = np.arange(len(part.row))
    counts = _row_starts(part.row, rows)[1:][part.row] - first
    left, right = np.repeat(first, counts), ranges(first, counts)
    coefficients = (2.0 * part.weights())[left] * part.weights()[right]
    # The first pair of each group is a term with itself, which the square holds once.
    coefficients[np.cumsum(counts) - counts] *= 0.5
    return Part(part.row[left], _joined(part.names[left], part.names[right]), coefficients)


def _joined(left: Ints, right: Ints) -> Ints:
    if not left.shape[1]:
        return right
    return np.concatenate([left, right], axis=1) if right.shape[1] else left

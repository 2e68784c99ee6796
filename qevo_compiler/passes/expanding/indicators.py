"""Comparisons as exact polynomials: the sum, over the assignments that satisfy one, of products of indicators.

A row `c + sum a x` is a sum of factors: a choice (one of its labels is 1), a bit or a spin. Assignments are built
factor by factor for all rows at once. As soon as the rest can change nothing, the product so far stands for all that
would follow, because the indicators of a factor sum to 1; what cannot come true any more is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.nn import TOLERANCE, Condition
from qevo_compiler.dialects.poly.algebra import Algebra
from qevo_compiler.dialects.poly.expansion import ranges
from qevo_compiler.dialects.poly.polynomials import Floats, Ints, Polynomials, pack, sorted_within_terms

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

# More assignments of one row are refused.
MOST = 1 << 14
# Rows are worked through in blocks of about so many assignments.
BLOCK = 1 << 21


class Unlisted(Exception):
    """The rows cannot be compared: `reason` says why, `number` which variable is to blame (-1: none)."""

    def __init__(self, reason: str, number: int = -1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.number = number


@dataclass(frozen=True)
class _Factors:
    """Factors by row: `starts` [rows + 1]; factor f has the options `first[f] .. first[f + 1]`.

    An option adds `value` to the row and multiplies the term by `sign` and by the variable `name` (-1: by none).
    `least` and `most` [factors] bound what the factors behind one, in its row, still add.
    """

    starts: Integers
    first: Integers
    name: Ints
    value: Floats
    sign: Floats
    least: Floats
    most: Floats


@dataclass(frozen=True)
class _Assigned:
    """Assignments of the first factors of some rows, with what they sum to and their term."""

    row: Integers
    sum: Floats
    names: Ints
    sign: Floats

    def at(self, chosen: Flags) -> _Assigned:
        return _Assigned(self.row[chosen], self.sum[chosen], self.names[chosen], self.sign[chosen])


def indicators(condition: Condition, rows: Polynomials, algebra: Algebra) -> Polynomials:
    """1 where a row meets the condition, else 0. Raises `Unlisted` for rows that are not sums of few-valued factors.

    Cost: the assignments of all factors of a row but one, which are at most `MOST`.
    """
    if rows.degree > 1:
        raise Unlisted("products of decisions are compared")
    factors = _factors(rows, algebra)
    counts = _assignments(factors)
    if counts.max(initial=0) > MOST:
        raise Unlisted(f"its variables take more than {MOST} combinations of values")
    ends = np.flatnonzero(np.diff(np.cumsum(counts) // BLOCK, append=np.inf)) + 1
    blocks = []
    first = 0
    for last in ends.tolist():
        blocks += list(_block(condition, factors, rows.constants(), np.arange(first, last)))
        first = last
    return pack(rows.rows, blocks)


def _factors(rows: Polynomials, algebra: Algebra) -> _Factors:
    row, variables, value = rows.block(1)
    name = variables[:, 0]
    grouped, spin = algebra.choice[name] >= 0, algebra.spin[name]
    plain = ~(grouped | spin | algebra.binary[name])
    if plain.any():
        raise Unlisted("not listed by its values", int(name[plain][0]))
    key = np.where(grouped, algebra.choice[name], -1 - name)
    new = np.concatenate([[True], (row[1:] != row[:-1]) | (key[1:] != key[:-1])]) if len(name) else np.zeros(0, bool)
    begin, owner = np.flatnonzero(new), np.cumsum(new) - 1
    member, size = _members(algebra)
    group = np.where(grouped[begin], algebra.choice[name[begin]], 0)
    options = np.where(grouped[begin], size[group], np.where(spin[begin], 4, 3)).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(options)])
    place = np.arange(first[-1]) - np.repeat(first[:-1], options)
    names, values, signs = np.full(first[-1], -1, np.int32), np.zeros(first[-1]), np.ones(first[-1])
    within = np.repeat(grouped[begin], options)
    names[within] = (np.repeat(member[group], options) + place)[within]
    values[first[owner[grouped]] + name[grouped] - member[algebra.choice[name[grouped]]]] = value[grouped]
    single = begin[~grouped[begin]]
    _bits(first[:-1][~grouped[begin]], name[single], value[single], spin[single], (names, values, signs))
    counts = np.bincount(row[begin], minlength=rows.rows)
    starts = np.concatenate([[0], np.cumsum(counts)])
    filled = len(first) > 1
    least, most = (
        _behind(bound.reduceat(values, first[:-1]) if filled else np.zeros(0), starts)
        for bound in (np.minimum, np.maximum)
    )
    return _Factors(starts, first, names, values, signs, least, most)


def _members(algebra: Algebra) -> tuple[Integers, Integers]:
    """For every choice its first variable and how many it has."""
    among = np.flatnonzero(algebra.choice >= 0)
    found = algebra.choice[among]
    size = np.bincount(found, minlength=1)
    first = np.zeros(len(size), np.int64)
    first[found[::-1]] = among[::-1]
    return first, size


def _bits(first: Integers, name: Ints, value: Floats, spin: Flags, options: tuple[Ints, Floats, Floats]) -> None:
    """Write the options of bits, x or 1 - x, and of spins, (1 + s) / 2 or (1 - s) / 2."""
    names, values, signs = options
    for place, (add, named, sign) in enumerate(((1.0, True, 1.0), (0.0, False, 1.0), (0.0, True, -1.0))):
        at = first[~spin] + place
        values[at], signs[at] = add * value[~spin], sign
        names[at] = name[~spin] if named else -1
    for place, (add, named, sign) in enumerate(((1, True, 0.5), (1, False, 0.5), (-1, True, -0.5), (-1, False, 0.5))):
        at = first[spin] + place
        values[at], signs[at] = add * value[spin], sign
        names[at] = name[spin] if named else -1


def _behind(bounds: Floats, starts: Integers) -> Floats:
    """For each factor the sum of the bounds from it to the end of its row; one 0 more for rows that are through."""
    sums = np.concatenate([[0.0], np.cumsum(bounds)])
    return np.append(sums[np.repeat(starts[1:], np.diff(starts))] - sums[:-1], 0.0)


def _assignments(factors: _Factors) -> Floats:
    """How many assignments each row has, at most."""
    logs = np.concatenate([[0.0], np.cumsum(np.log2(np.maximum(np.diff(factors.first), 1)))])
    return np.asarray(np.exp2(logs[factors.starts[1:]] - logs[factors.starts[:-1]]))


def _block(
    condition: Condition, factors: _Factors, constants: Floats, rows: Integers
) -> Iterator[tuple[Integers, Ints, Floats]]:
    """The terms of some rows, by degree."""
    state = _Assigned(rows, constants[rows], np.zeros((len(rows), 0), np.int32), np.ones(len(rows)))
    depth = 0
    while len(state.row):
        at = factors.starts[state.row] + depth
        at[at == factors.starts[state.row + 1]] = len(factors.first) - 1
        true, false = _decided(condition, state.sum + factors.least[at], state.sum + factors.most[at])
        yield from _terms(state.at(true))
        open_ = ~(true | false)
        state = _extended(state.at(open_), factors, at[open_])
        depth += 1


def _decided(condition: Condition, low: Floats, high: Floats) -> tuple[Flags, Flags]:
    """Where the condition is met, and where it is not, whatever lies between."""
    if condition is Condition.POSITIVE:
        return low > TOLERANCE, high <= TOLERANCE
    return (low >= -TOLERANCE) & (high <= TOLERANCE), (low > TOLERANCE) | (high < -TOLERANCE)


def _extended(state: _Assigned, factors: _Factors, at: Integers) -> _Assigned:
    """Every assignment with each option of its next factor `at`."""
    counts = factors.first[at + 1] - factors.first[at]
    option = ranges(factors.first[at], counts)
    before = np.repeat(np.arange(len(at)), counts)
    names = np.concatenate([state.names[before], factors.name[option][:, None]], axis=1)
    return _Assigned(
        state.row[before], state.sum[before] + factors.value[option], names, state.sign[before] * factors.sign[option]
    )


def _terms(state: _Assigned) -> Iterator[tuple[Integers, Ints, Floats]]:
    degrees = (state.names >= 0).sum(axis=1)
    for degree in np.unique(degrees).tolist():
        here = degrees == degree
        names = state.names[here]
        kept = names[names >= 0].reshape(len(names), degree)
        yield state.row[here], sorted_within_terms(kept) if degree > 1 else kept, state.sign[here]

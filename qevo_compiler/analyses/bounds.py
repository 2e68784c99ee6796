"""Bounds of multilinear polynomials over bits that know which bits exclude each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Numbers in a table by bit and group that are worth their room whatever the number of terms.
_TABLE = 1 << 20


@dataclass(frozen=True)
class Groups:
    """Sets of bits of which exactly one is 1 in every valid state.

    `of_bit` [bits] is the group of each bit. Bits without a group have one of their own (of size 1,
    `exact` False: such a bit may also be 0). `size` and `exact` are by group.
    """

    of_bit: Integers
    size: Integers
    exact: NDArray[np.bool_]

    @staticmethod
    def none(bits: int) -> Groups:
        return Groups(np.arange(bits), np.ones(bits, np.int64), np.zeros(bits, bool))

    @cached_property
    def is_none(self) -> bool:
        """Whether every bit stands alone and none has to be set."""
        return not self.exact.any()

    @staticmethod
    def of(bits: int, labels: Integers) -> Groups:
        """From a label for each bit; -1 for bits without a group."""
        grouped = int(labels.max(initial=-1)) + 1
        if not grouped:
            return Groups.none(bits)
        loose = labels < 0
        of_bit = labels.copy()
        of_bit[loose] = grouped + np.arange(int(loose.sum()))
        count = grouped + int(loose.sum())
        return Groups(of_bit, np.bincount(of_bit, minlength=count), np.arange(count) < grouped)


def group_bounds(p: Polynomials, groups: Groups, exactly: bool = True) -> tuple[Floats, Floats]:
    """Lower and upper bound of every row over states with one bit (or, unless `exactly`, at most one) a group.

    Terms over the same groups exclude each other, so only the least and the largest of them count.
    """
    if groups.is_none:
        return free_bounds(p)
    low = p.constants()
    high = low.copy()
    for block in p.terms:
        if not block.degree:
            continue
        row, coefficients = block.row.values, block.coefficients.values
        keys = np.sort(groups.of_bit[block.variables.values], axis=1)
        order = np.lexsort([*keys.T[::-1], row])
        row, keys, coefficients = row[order], keys[order], coefficients[order]
        changed = np.ones(len(row), bool)
        changed[1:] = (row[1:] != row[:-1]) | (keys[1:] != keys[:-1]).any(axis=1)
        starts = np.flatnonzero(changed)
        least = np.minimum.reduceat(coefficients, starts)
        most = np.maximum.reduceat(coefficients, starts)
        # Unless every member has a term, the one that is set may be one without.
        full = _full(groups, keys[starts], np.diff(np.append(starts, len(row)))) & exactly
        low += np.bincount(row[starts], np.where(full, least, np.minimum(least, 0)), p.rows)
        high += np.bincount(row[starts], np.where(full, most, np.maximum(most, 0)), p.rows)
    return low, high


def free_bounds(p: Polynomials) -> tuple[Floats, Floats]:
    """Lower and upper bound of every row over all states, as if no two terms excluded each other."""
    low = p.constants()
    high = low.copy()
    for block in p.terms:
        if block.degree:
            row, coefficients = block.row.values, block.coefficients.elements()
            low += np.bincount(row, np.minimum(coefficients, 0), p.rows)
            high += np.bincount(row, np.maximum(coefficients, 0), p.rows)
    return low, high


def _full(groups: Groups, keys: Integers, counts: Integers) -> NDArray[np.bool_]:
    exact = groups.exact[keys].all(axis=1) & (keys[:, 1:] != keys[:, :-1]).all(axis=1)
    full: NDArray[np.bool_] = exact & (groups.size[keys].prod(axis=1) == counts)
    return full


def largest_drop(p: Polynomials, bits: int) -> Floats:
    """How much the total of all rows can at most fall when a bit goes from 0 to 1, by bit (at least 0)."""
    drop = np.zeros(bits)
    for block in p.terms:
        falls = np.maximum(-block.coefficients.values, 0)
        for column in block.variables.values.T:
            drop += np.bincount(column, falls, bits)
    return drop


def largest_rise(p: Polynomials, groups: Groups) -> Floats:
    """The same for a rise, over states with at most one bit set in every group; by bit, may be negative."""
    bits = len(groups.of_bit)
    rise = np.zeros(bits)
    for block in p.terms:
        if not block.degree:
            continue
        names, degree = block.variables.values, block.degree
        if degree == 1:
            rise += np.bincount(names[:, 0], block.coefficients.values, bits)
            continue
        if degree == 2:
            rise += _pair_rise(names, block.coefficients.values, groups)
            continue
        bit = names.T.reshape(-1)
        others = np.concatenate([np.sort(groups.of_bit[np.delete(names, k, axis=1)], axis=1) for k in range(degree)])
        order = np.lexsort([*others.T[::-1], bit])
        bit, others = bit[order], others[order]
        changed = np.ones(len(bit), bool)
        changed[1:] = (bit[1:] != bit[:-1]) | (others[1:] != others[:-1]).any(axis=1)
        starts = np.flatnonzero(changed)
        most = np.maximum.reduceat(np.tile(block.coefficients.values, degree)[order], starts)
        rise += np.bincount(bit[starts], np.maximum(most, 0), bits)
    return rise


def _pair_rise(names: NDArray[np.int32], coefficients: Floats, groups: Groups) -> Floats:
    """For every bit the sum over groups of its largest positive coupling to one of the group's bits."""
    bits, count = len(groups.of_bit), len(groups.size)
    label = groups.of_bit
    positive = coefficients > 0
    if not positive.all():
        names, coefficients = names[positive], coefficients[positive]
    keys = [names[:, k].astype(np.int64) * count + label[names[:, 1 - k]] for k in (0, 1)]
    if bits * count <= max(_TABLE, 4 * len(coefficients)):
        table = np.zeros(bits * count)
        for key in keys:
            np.maximum.at(table, key, coefficients)
        return np.asarray(table.reshape(bits, count).sum(axis=1))
    key, values = np.concatenate(keys), np.tile(coefficients, 2)
    order = np.argsort(key)
    key, values = key[order], values[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    most = np.maximum.reduceat(values, starts) if len(starts) else values
    return np.bincount(key[starts] // count, most, bits).astype(np.float64)

"""A quadratic energy under reduction, over bits 0/1 or spins -1/+1, and the eliminations that it allows.

    E = offset + sum linear_i x_i + sum_{i<j} quadratic_ij x_i x_j

Every rule keeps the least energy. `fixable` and `followers` are persistencies (Boros and Hammer, "Pseudo-Boolean
optimization", 2002, section 4): they hold at every state of the other bits, so all of a round hold together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Integers = NDArray[np.integer]
DUST = 8 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Energy:
    """`rows < columns`, sorted, without repeats; `spins` tells the domain of all bits; `alive` which are left."""

    spins: bool
    offset: float
    linear: Floats
    rows: Ints
    columns: Ints
    quadratic: Floats
    alive: NDArray[np.bool_]

    @property
    def size(self) -> int:
        return len(self.linear)

    def doubled(self) -> tuple[Integers, Integers, Floats]:
        """Every coupling from both ends: own end, other end, value."""
        return (
            np.concatenate([self.rows, self.columns]),
            np.concatenate([self.columns, self.rows]),
            np.concatenate([self.quadratic, self.quadratic]),
        )

    def fields(self) -> tuple[Floats, Floats]:
        """For each bit, least and largest change of energy (half of it for spins) when it rises, over all states."""
        reach = self.summed(np.abs(self.quadratic))
        if self.spins:
            return self.linear - reach, self.linear + reach
        middle = self.linear + self.summed(self.quadratic) / 2
        return middle - reach / 2, middle + reach / 2

    def summed(self, values: Floats) -> Floats:
        """For each bit the sum of one value a coupling over its couplings."""
        total = np.bincount(self.rows, values, self.size) + np.bincount(self.columns, values, self.size)
        return total.astype(np.float64)

    def push(self) -> Floats:
        """The field of each bit as a spin, times 4 for bits: 4 h_i = 2 linear_i + sum quadratic_ik, 4 J = quadratic."""
        if self.spins:
            return self.linear
        found: Floats = 2 * self.linear + self.summed(self.quadratic)
        return found

    def symmetric(self) -> Integers:
        """One bit of every connected part that no flip of all its bits changes: the one with most couplings."""
        if not (self.alive & (self.push() == 0)).any():
            return np.zeros(0, np.int64)
        graph = sparse.coo_array((np.ones(len(self.rows), np.int8), (self.rows, self.columns)), shape=(self.size,) * 2)
        count, part = connected_components(graph, directed=False)
        broken = np.bincount(part, (self.push() != 0) | ~self.alive, count) > 0
        degree = np.bincount(np.concatenate([self.rows, self.columns]), minlength=self.size)
        order = np.lexsort((np.arange(self.size), -degree, part))
        first = order[np.diff(part[order], prepend=-1) > 0]
        chosen: Integers = np.sort(first[~broken[part[first]] & (degree[first] > 0)])
        return chosen

    def fixable(self) -> tuple[Integers, Integers]:
        """Bits whose best value is the same at every state of the others, and that value as a spin."""
        least, most = self.fields()
        down = self.alive & (least >= 0)
        up = self.alive & (most <= 0) & ~down
        bits = np.flatnonzero(down | up)
        return bits, np.where(up[bits], 1, -1)

    def followers(self) -> tuple[Integers, Integers, Integers]:
        """Bits that best follow one neighbour at every state of the others: bit, neighbour, +1 equal or -1 opposite.

        In spins bit i follows j when |J_ij| >= |h_i| + sum of its other |J_ik|. No bit returned is a neighbour
        named by another one, so that all may be replaced at once.
        """
        size = np.abs(self.quadratic)
        # Twice the coupling against the bit's field and all its couplings together, at either end.
        least_needed = np.abs(self.push()) + self.summed(size)
        first = np.flatnonzero(2 * size >= least_needed[self.rows])
        second = np.flatnonzero(2 * size >= least_needed[self.columns])
        own = np.concatenate([self.rows[first], self.columns[second]])
        other = np.concatenate([self.columns[first], self.rows[second]])
        value = self.quadratic[np.concatenate([first, second])]
        strong = np.arange(len(own))
        # A bit with two such neighbours takes the one of lowest number.
        strong = strong[np.lexsort([other[strong], own[strong]])]
        strong = strong[np.diff(own[strong], prepend=-1) > 0]
        bits, leaders = own[strong], other[strong]
        candidate = np.zeros(self.size, bool)
        candidate[bits] = True
        both = candidate[leaders]
        least = np.arange(self.size)
        np.minimum.at(least, bits[both], leaders[both].astype(np.int64))
        np.minimum.at(least, leaders[both], bits[both].astype(np.int64))
        take: NDArray[np.bool_] = least[bits] == bits
        return bits[take], leaders[take], np.where(value[strong[take]] < 0, 1, -1)

    def fix(self, bits: Integers, spins: Integers) -> Energy:
        """The energy with `bits` at the given values."""
        state = np.zeros(self.size)
        state[bits] = spins if self.spins else (spins + 1) // 2
        gone = np.zeros(self.size, bool)
        gone[bits] = True
        a, b, value = self.rows, self.columns, self.quadratic
        first, second = gone[a], gone[b]
        offset = self.offset + float(self.linear[bits] @ state[bits])
        offset += float(value[first & second] @ (state[a] * state[b])[first & second])
        linear = np.where(gone, 0.0, self.linear)
        linear += np.bincount(b[first & ~second], (value * state[a])[first & ~second], self.size)
        linear += np.bincount(a[second & ~first], (value * state[b])[second & ~first], self.size)
        keep = ~(first | second)
        return replace(
            self,
            offset=offset,
            linear=linear,
            rows=a[keep],
            columns=b[keep],
            quadratic=value[keep],
            alive=self.alive & ~gone,
        )

    def follow(self, bits: Integers, leaders: Integers, signs: Integers) -> Energy:
        """The energy with each of `bits` replaced by its leader or the leader's opposite (1 - x, or -s)."""
        leader = np.arange(self.size, dtype=np.int32)
        leader[bits] = leaders
        sign = np.ones(self.size)
        sign[bits] = signs
        gone = np.zeros(self.size, bool)
        gone[bits] = True
        linear = np.where(gone, 0.0, self.linear)
        a, b, value = self.rows, self.columns, self.quadratic
        offset = self.offset
        shift = np.zeros(self.size) if self.spins else (1 - sign) / 2  # x = shift + sign * leader
        offset += float(self.linear[bits] @ shift[bits])
        linear += np.bincount(leaders, self.linear[bits] * sign[bits], self.size)
        offset += float(value @ (shift[a] * shift[b]))
        linear += np.bincount(leader[a], value * sign[a] * shift[b], self.size)
        linear += np.bincount(leader[b], value * sign[b] * shift[a], self.size)
        product = value * sign[a] * sign[b]
        a, b = leader[self.rows], leader[self.columns]
        same = a == b
        if self.spins:
            offset += float(product[same].sum())
        else:
            linear += np.bincount(a[same], product[same], self.size)
        rest = ~same & (product != 0)
        rows, columns, quadratic = _merged(np.minimum(a, b)[rest], np.maximum(a, b)[rest], product[rest], self.size)
        alive = self.alive & ~gone
        return replace(self, offset=offset, linear=linear, rows=rows, columns=columns, quadratic=quadratic, alive=alive)

    def contractible(self) -> tuple[Integers, Integers, Floats]:
        """Bits with exactly two neighbours, no two of them adjacent: bits, neighbours [n, 2], couplings [n, 2]."""
        own, other, value = self.doubled()
        degree = np.bincount(own, minlength=self.size)
        order = np.lexsort([other, own])
        own, other, value = own[order], other[order], value[order]
        two = degree == 2
        # The lowest number among two-neighbour bits that touch each other goes first.
        touching = two[own] & two[other]
        least = np.arange(self.size)
        np.minimum.at(least, own[touching], other[touching].astype(np.int64))
        chosen = two & self.alive & (least == np.arange(self.size))
        inside = chosen[own]
        return np.flatnonzero(chosen), other[inside].reshape(-1, 2), value[inside].reshape(-1, 2)

    def contract(self, bits: Integers, neighbours: Integers, couplings: Floats) -> Energy:
        """Minimise over each of `bits` given its two neighbours: what is left is a quadratic form of those."""
        states = np.array([(1, 1), (1, -1), (-1, 1), (-1, -1)] if self.spins else [(1, 1), (1, 0), (0, 1), (0, 0)])
        force = self.linear[bits][:, None] + couplings @ states.T
        least = -np.abs(force) if self.spins else np.minimum(force, 0)
        e11, e10, e01, e00 = least.T
        if self.spins:
            parts = ((e11 + e10 + e01 + e00) / 4, (e11 + e10 - e01 - e00) / 4, (e11 - e10 + e01 - e00) / 4)
            product = (e11 - e10 - e01 + e00) / 4
        else:
            parts = (e00, e10 - e00, e01 - e00)
            product = e11 - e10 - e01 + e00
        # Where the force keeps its sign the four values lie in a plane: what is left of it is rounding.
        product = np.where(np.abs(product) <= DUST * np.abs(force).max(axis=1, initial=0.0), 0.0, product)
        gone = np.zeros(self.size, bool)
        gone[bits] = True
        linear = np.where(gone, 0.0, self.linear)
        for side in (0, 1):
            linear += np.bincount(neighbours[:, side], parts[1 + side], self.size)
        keep = ~(gone[self.rows] | gone[self.columns])
        new = product != 0
        rows = np.concatenate([self.rows[keep], neighbours.min(axis=1)[new]])
        columns = np.concatenate([self.columns[keep], neighbours.max(axis=1)[new]])
        merged = _merged(rows, columns, np.concatenate([self.quadratic[keep], product[new]]), self.size)
        offset = self.offset + float(parts[0].sum())
        return replace(
            self,
            offset=offset,
            linear=linear,
            rows=merged[0],
            columns=merged[1],
            quadratic=merged[2],
            alive=self.alive & ~gone,
        )


def _merged(rows: Integers, columns: Integers, values: Floats, size: int) -> tuple[Ints, Ints, Floats]:
    """Sorted couplings with repeats summed and exact zeros dropped."""
    keys = rows.astype(np.int64) * size + columns
    unique, place = np.unique(keys, return_inverse=True)
    total = np.bincount(place, values, len(unique)).astype(np.float64)
    keep = total != 0
    found_rows, found_columns = np.divmod(unique[keep], size)
    return found_rows.astype(np.int32), found_columns.astype(np.int32), total[keep]

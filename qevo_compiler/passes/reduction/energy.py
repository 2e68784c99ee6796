"""A quadratic energy under reduction, over bits 0/1 or spins -1/+1, and the eliminations that it allows.

    E = offset + sum linear_i x_i + sum_{i<j} quadratic_ij x_i x_j

Every rule keeps the least energy. `fixable` and `followers` are persistencies (Boros and Hammer, "Pseudo-Boolean
optimization", 2002, section 4): they hold at every state of the other bits. Each has a test that costs one look at
every bit; couplings are read once for all tests of a round.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.evaluator.terms.couplings import Incidence
from qevo_compiler.evaluator.terms.followers import binding_neighbours, follow_chains, follow_leaders
from qevo_compiler.passes.reduction.couplings import Couplings, Listed

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Integers = NDArray[np.integer]
DUST = 8 * float(np.finfo(np.float64).eps)
NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Energy:
    """`spins` tells the domain of all bits; `alive` which are left."""

    spins: bool
    offset: float
    linear: Floats
    couplings: Couplings
    alive: NDArray[np.bool_]

    @property
    def size(self) -> int:
        return len(self.linear)

    @property
    def pairs(self) -> Ints:
        """[m, 2], ascending, without repeats."""
        return self.couplings.pairs

    @property
    def quadratic(self) -> Floats:
        return self.couplings.values

    @property
    def rows(self) -> Ints:
        return self.pairs[:, 0]

    @property
    def columns(self) -> Ints:
        return self.pairs[:, 1]

    @cached_property
    def at(self) -> Incidence:
        """The couplings at each bit."""
        return self.couplings.incidence(self.size)

    def forget(self) -> None:
        """Let go of what was found about the bits: the energy is about to be replaced by a smaller one."""
        for known in ("at", "push"):
            self.__dict__.pop(known, None)

    @cached_property
    def push(self) -> Floats:
        """The field of each bit as a spin, times 4 for bits: 4 h_i = 2 linear_i + sum quadratic_ik, 4 J = quadratic."""
        if self.spins:
            return self.linear
        found: Floats = 2 * self.linear + self.at.total
        return found

    def fields(self) -> tuple[Floats, Floats]:
        """For each bit, least and largest change of energy (half of it for spins) when it rises, over all states."""
        if self.spins:
            return self.linear - self.at.reach, self.linear + self.at.reach
        middle, reach = self.at.total / 2, self.at.reach / 2
        middle += self.linear
        return middle - reach, middle + reach

    def symmetric(self) -> Integers:
        """One bit of every connected part that no flip of all its bits changes: the one with most couplings."""
        free = self.alive & (self.push == 0) & (self.at.degree > 0)
        if not free.any():
            return NONE
        part = self.couplings.parts(self.size, int(np.count_nonzero(self.at.degree)))
        broken = np.zeros(self.size, bool)
        broken[part[~free]] = True
        some = np.flatnonzero(free & ~broken[part])[::-1]  # descending, so that the lowest number stays
        most = np.zeros(self.size)
        np.maximum.at(most, part[some], self.at.degree[some])
        some = some[self.at.degree[some] == most[part[some]]]
        chosen = np.full(self.size, -1)
        chosen[part[some]] = some
        found: Integers = np.sort(chosen[chosen >= 0])
        return found

    def fixable(self) -> tuple[Integers, Integers]:
        """Bits whose best value is the same at every state of the others, and that value as a spin."""
        least, most = self.fields()
        down = self.alive & (least >= 0)
        up = self.alive & (most <= 0) & ~down
        bits = np.flatnonzero(down | up)
        return bits, np.where(up[bits], 1, -1)

    def followers(self) -> tuple[Integers, Integers, Integers]:
        """Bits that best follow another at every state of the rest: bit, leader, +1 equal or -1 opposite.

        In spins bit i follows j when |J_ij| >= |h_i| + sum of its other |J_ik|. Such relations hold together where
        they form no circle: setting each bit after the one that it follows never raises the energy. So every bit
        gets the end of its chain of leaders, which stays.
        """
        # Twice the coupling against the bit's field and all its couplings together.
        needed = np.abs(self.push) + self.at.reach
        strong = self.alive & (2 * self.at.largest >= needed) & (self.at.degree > 0)
        if not strong.any():
            return NONE, NONE, NONE
        ends, product = follow_chains(*binding_neighbours(self.pairs, self.quadratic, np.where(strong, needed, np.inf)))
        bits = np.flatnonzero(ends != np.arange(self.size))
        return bits, ends[bits], product[bits].astype(np.int64)

    def fix(self, bits: Integers, spins: Integers) -> Energy:
        """The energy with `bits` at the given values."""
        state = np.zeros(self.size)
        state[bits] = spins if self.spins else (spins + 1) // 2
        gone = np.zeros(self.size, bool)
        gone[bits] = True
        couplings, gain, constant = self.couplings.fixed(gone, state)
        offset = self.offset + float(self.linear[bits] @ state[bits]) + constant
        linear = np.where(gone, 0.0, self.linear) + gain
        alive = self.alive & ~gone
        return replace(self, offset=offset, linear=linear, couplings=couplings, alive=alive)

    def follow(self, bits: Integers, leaders: Integers, signs: Integers) -> Energy:
        """The energy with each of `bits` replaced by its leader or the leader's opposite (1 - x, or -s)."""
        leader, sign = np.arange(self.size), np.ones(self.size)
        leader[bits], sign[bits] = leaders, signs
        alive = self.alive.copy()
        alive[bits] = False
        found = follow_leaders(self.pairs, self.quadratic, self.linear, leader, sign, self.spins)
        couplings = _merged(found.pairs, found.values)
        offset = self.offset + found.constant
        return replace(self, offset=offset, linear=found.linear, couplings=couplings, alive=alive)

    def contractible(self) -> tuple[Integers, Integers, Floats]:
        """Bits with exactly two neighbours, no two of them adjacent: bits, neighbours [n, 2], couplings [n, 2]."""
        own = np.concatenate([self.rows, self.columns])
        other = np.concatenate([self.columns, self.rows])
        value = np.concatenate([self.quadratic, self.quadratic])
        degree = self.at.degree
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
        pairs = np.concatenate([self.pairs[keep], neighbours[new].astype(np.int32)])
        merged = _merged(pairs, np.concatenate([self.quadratic[keep], product[new]]))
        offset = self.offset + float(parts[0].sum())
        alive = self.alive & ~gone
        return replace(self, offset=offset, linear=linear, couplings=merged, alive=alive)


def _merged(pairs: Integers, values: Floats) -> Listed:
    """Ascending couplings with repeats summed and exact zeros dropped."""
    _, names, found = pack(1, [(np.zeros(len(values), np.int32), pairs, values)]).block(2)
    return Listed(names, found)

"""Search for one good feasible state, with a fixed amount of work and no randomness.

Tabu search over decision bits on `strength * violation + objective`: single flips, moves inside a
one-hot group, and exchanges of two assignments (two set bits of a grid replaced by the two across).
What it finds is used only as an upper bound of the optimum, so it need not be good to be right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.tolerances import OF_UNIT
from qevo_compiler.dialects.poly import Polynomials, arithmetic

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

WORK = 4e7
# Where fewer moves than these are within `WORK`, they would lead nowhere and cost as much as the rest of the pass.
WORTHWHILE = 8
PATIENCE = 60


@dataclass(frozen=True)
class SearchSpace:
    """What is searched: bits, objective, hard rows `u == 0` or `u <= 0` in whole units, and one-hot structure.

    `group` labels the bits by disjoint one-hot groups (-1: none); `grid` [k, k] holds the bit that group
    i shares with group j of a second, crossing family, or None.
    """

    bits: int
    objective: Polynomials
    rows: Polynomials
    equal: Flags
    group: Integers
    grid: Integers | None = None


@dataclass(frozen=True)
class _Moves:
    """Candidate moves: the bits that each flips (padded with -1) and the value it leads to."""

    flips: Integers
    violation: Floats
    objective: Floats


def find_incumbent(space: SearchSpace, steps: int) -> NDArray[np.int8] | None:
    """The best feasible state met in at most `steps` moves, or None.

    Work is limited by `WORK` elementary operations. Where that allows less than `WORTHWHILE` moves only the start is
    looked at, and a problem whose first step is beyond it is not searched.
    """
    terms = len(space.objective) + len(space.rows)
    cost = terms * 4 + space.bits * space.rows.rows * 2 + (0 if space.grid is None else 64 * len(space.grid) ** 2)
    affordable = int(WORK / max(cost, 1))
    if min(steps, affordable) < 1 or not space.bits:
        return None
    return _Search(space).run(min(steps, affordable) if affordable >= WORTHWHILE else 0)


class _Search:
    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._couplings = _Couplings(space.objective, space.bits)
        self.best: NDArray[np.int8] | None = None
        self._best_value = np.inf

    def run(self, steps: int) -> NDArray[np.int8] | None:
        state = self._start()
        # Bits that occur nowhere would be flipped for ever, at no loss.
        until = np.where(self._used(), 0, steps)
        strength, idle = self._strength(), 0
        for step in range(steps):
            idle = 0 if self._keep(state) else idle + 1
            if self.best is not None and idle > PATIENCE:
                break
            moves = self._moves(state)
            merit = strength * moves.violation + moves.objective
            allowed = (np.where(moves.flips >= 0, until[moves.flips], 0) <= step).all(axis=1)
            better = (moves.violation < OF_UNIT) & (moves.objective < self._best_value - 1e-9 * abs(self._best_value))
            merit[~(allowed | better)] = np.inf
            chosen = moves.flips[int(np.argmin(merit))]
            chosen = chosen[chosen >= 0]
            state[chosen] = 1 - state[chosen]
            # A varying tenure breaks the cycles that a constant one falls into.
            until[chosen] = step + 2 + step % 7
        self._keep(state)
        return self.best

    @cached_property
    def _jacobian(self) -> Floats | None:
        """Derivatives of linear rows, which are the same at every state."""
        rows = self._space.rows
        return _gradient(rows, np.zeros(self._space.bits)) if rows.degree <= 1 else None

    def _start(self) -> Floats:
        state = np.zeros(self._space.bits)
        if self._space.grid is not None:
            state[np.diagonal(self._space.grid)] = 1
            return state
        group = self._space.group
        grouped = np.flatnonzero(group >= 0)
        costs = _gradient(self._space.objective, state)[0][grouped]
        order = grouped[np.lexsort([costs, group[grouped]])]
        state[order[np.flatnonzero(np.diff(group[order], prepend=-1))]] = 1
        return state

    def _used(self) -> Flags:
        """Which bits the objective or a row has."""
        used = np.zeros(self._space.bits, bool)
        for block in (*self._space.objective.terms, *self._space.rows.terms):
            used[block.variables.values] = True
        return used

    def _strength(self) -> float:
        """At least the largest change of the objective by one flip."""
        ceiling = np.zeros(self._space.bits)
        for block in self._space.objective.terms:
            for column in block.variables.values.T:
                ceiling += np.bincount(column, np.abs(block.coefficients.values), self._space.bits)
        return max(float(ceiling.max(initial=0.0)), 1.0)

    def _keep(self, state: Floats) -> bool:
        """Remember the state if it is feasible and the best so far."""
        residuals = arithmetic.evaluate(self._space.rows, state)
        if float(self._violation(residuals[:, None])[0]) > OF_UNIT:
            return False
        value = float(arithmetic.evaluate(self._space.objective, state)[0])
        if value >= self._best_value:
            return False
        self.best, self._best_value = state.astype(np.int8), value
        return True

    def _violation(self, residuals: Floats) -> Floats:
        """Summed violation of columns of row residuals [rows, moves]."""
        excess = np.where(self._space.equal[:, None], np.abs(residuals), np.maximum(residuals, 0))
        total: Floats = np.minimum(excess, 1e6).sum(axis=0)
        return total

    def _moves(self, state: Floats) -> _Moves:
        space = self._space
        direction = 1 - 2 * state
        residuals = arithmetic.evaluate(space.rows, state)
        jacobian = _gradient(space.rows, state) if self._jacobian is None else self._jacobian
        slope = _gradient(space.objective, state)[0]
        value = float(arithmetic.evaluate(space.objective, state)[0])
        flips = [np.arange(space.bits)[:, None], *self._shifts(state), *self._exchanges(state)]
        padded = [np.pad(f, ((0, 0), (0, 4 - f.shape[1])), constant_values=-1) for f in flips]
        violation, objective = [], []
        for move in flips:
            change = (jacobian[:, move] * direction[move]).sum(axis=2)
            violation.append(self._violation(residuals[:, None] + change))
            objective.append(value + self._couplings.change(move, direction, slope))
        return _Moves(np.concatenate(padded), np.concatenate(violation), np.concatenate(objective))

    def _shifts(self, state: Floats) -> list[Integers]:
        """Moves of the set bit of a group to another bit of it."""
        group = self._space.group
        ones = np.flatnonzero((state > 0) & (group >= 0))
        if not len(ones):
            return []
        holder = np.full(int(group.max()) + 1, -1)
        holder[group[ones]] = ones
        zeros = np.flatnonzero((state == 0) & (group >= 0))
        zeros = zeros[holder[group[zeros]] >= 0]
        return [np.stack([holder[group[zeros]], zeros], axis=1)] if len(zeros) else []

    def _exchanges(self, state: Floats) -> list[Integers]:
        grid = self._space.grid
        if grid is None:
            return []
        i, j = np.nonzero(state[grid])
        a, b = np.triu_indices(len(i), 1)
        crossing = (i[a] != i[b]) & (j[a] != j[b])
        a, b = a[crossing], b[crossing]
        corners = [grid[i[a], j[a]], grid[i[b], j[b]], grid[i[a], j[b]], grid[i[b], j[a]]]
        # Bits across must be free, or flipping them would not be an exchange.
        free = (state[corners[2]] == 0) & (state[corners[3]] == 0)
        return [np.stack(corners, axis=1)[free]] if free.any() else []


class _Couplings:
    """How much the objective changes by flipping several bits: slopes plus the couplings between them."""

    def __init__(self, objective: Polynomials, bits: int) -> None:
        _, names, coefficients = objective.block(2)
        self._bits = bits
        self._keys = names[:, 0].astype(np.int64) * bits + names[:, 1]
        self._values = coefficients

    def change(self, move: Integers, direction: Floats, slope: Floats) -> Floats:
        """Exact for quadratic objectives, else the change to second order in the quadratic terms only."""
        steps = direction[move]
        total: Floats = (slope[move] * steps).sum(axis=1)
        for left in range(move.shape[1]):
            for right in range(left + 1, move.shape[1]):
                total += steps[:, left] * steps[:, right] * self._between(move[:, left], move[:, right])
        return total

    def _between(self, a: Integers, b: Integers) -> Floats:
        if not len(self._keys):
            return np.zeros(len(a))
        key = np.minimum(a, b) * self._bits + np.maximum(a, b)
        place = np.minimum(np.searchsorted(self._keys, key), len(self._keys) - 1)
        return np.where(self._keys[place] == key, self._values[place], 0.0)


def _gradient(p: Polynomials, state: Floats) -> Floats:
    """Partial derivatives [rows, bits] of multilinear rows at a state."""
    result = np.zeros(p.rows * len(state))
    for block in p.terms:
        names, row = block.variables.values, block.row.values.astype(np.int64)
        for column in range(block.degree):
            others = state[np.delete(names, column, axis=1)].prod(axis=1)
            result += np.bincount(row * len(state) + names[:, column], block.coefficients.values * others, len(result))
    return result.reshape(p.rows, len(state))

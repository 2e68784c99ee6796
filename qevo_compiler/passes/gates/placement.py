"""Placing the spins of a circuit on the qubits of a device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Graph = Sequence[Sequence[int]]

# Steps of the exact search for a placement without routing; beyond them routing is cheaper than waiting.
_STEPS = 20_000


def place(spins: Graph, device: Graph, far: NDArray[np.int32]) -> Ints:
    """The qubit of every spin: all couplings on couplers where a short search finds that, else near ones."""
    order = _order(spins)
    return np.array(_exact(spins, device, order) or _near(spins, far, order), np.int64)


def _order(spins: Graph) -> list[int]:
    """Spins so that each but the first of a component follows a neighbour; busy ones first."""
    by_degree = sorted(range(len(spins)), key=lambda v: (-len(spins[v]), v))
    order: list[int] = []
    seen: set[int] = set()
    for root in by_degree:
        front = [] if root in seen else [root]
        seen.add(root)
        while front:
            spin = front.pop(0)
            order.append(spin)
            new = sorted((v for v in spins[spin] if v not in seen), key=lambda v: (-len(spins[v]), v))
            seen.update(new)
            front += new
    return order


def _exact(spins: Graph, device: Graph, order: list[int]) -> list[int] | None:
    """A placement with every coupling on a coupler, by backtracking within `_STEPS` steps."""
    where = [-1] * len(spins)
    taken = [False] * len(device)
    choices: list[list[int]] = []
    for _ in range(_STEPS):
        depth = len(choices)
        if depth == len(order):
            return where
        choices.append(_candidates(spins, device, where, taken, order[depth]))
        while choices and not choices[-1]:
            choices.pop()
            if choices:
                _lift(where, taken, order[len(choices) - 1])
        if not choices:
            return None
        spin = order[len(choices) - 1]
        where[spin] = choices[-1].pop()
        taken[where[spin]] = True
    return None


def _lift(where: list[int], taken: list[bool], spin: int) -> None:
    taken[where[spin]] = False
    where[spin] = -1


def _candidates(spins: Graph, device: Graph, where: list[int], taken: list[bool], spin: int) -> list[int]:
    """Free qubits next to all placed neighbours of `spin`; the last is tried first."""
    placed = [where[v] for v in spins[spin] if where[v] >= 0]
    pool = device[placed[0]] if placed else range(len(device))
    fitting = [q for q in pool if not taken[q] and all(q in device[p] for p in placed)]
    # Qubits with few free neighbours first keep the rest of the device in one piece.
    return sorted(fitting, key=lambda q: (-sum(not taken[p] for p in device[q]), -q) if placed else (0, -q))


def _near(spins: Graph, far: NDArray[np.int32], order: list[int]) -> list[int]:
    """Each spin on the free qubit nearest to its placed neighbours; the first in the device's middle."""
    where = [-1] * len(spins)
    free = np.ones(len(far), np.bool_)
    for spin in order:
        placed = [where[v] for v in spins[spin] if where[v] >= 0] or [q for q in where if q >= 0]
        cost = far[placed].sum(axis=0) if placed else far.sum(axis=0)
        where[spin] = int(np.argmin(np.where(free, cost, np.iinfo(np.int64).max)))
        free[where[spin]] = False
    return where

"""Lines and ladders of coupled qubits on a device, where networks of swaps run."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.passes.gates.device import Device

Ints = NDArray[np.int64]

# Qubits far from each other between which a device is swept.
_CORNERS = 4
# Qubits that a search for a ladder visits.
_VISITS = 20_000


def find_line(device: Device, length: int) -> Ints | None:
    """A path of `length` qubits [length]; None where the search finds none so long.

    Every path sweeps the device from one far corner to another: of the qubits next to its end it takes the one nearest
    to the first corner, but none without a way on while there are others. On lattices it goes to and fro along
    the rows: 97 of the 115 qubits of a heavy-hex lattice, 129 of 156 on one of Heron's size. O(corners^3 * size).
    """
    if length > device.size or not len(device.couplers):
        return None
    near, corners = device.qubits.lists, _corners(device)
    for start, here, there in product(corners, repeat=3):
        order = (device.far[here] - device.far[there]).tolist()
        path = _swept(near, _swept(near, [start], order, length)[::-1], order, length)
        if len(path) == length:
            return np.array(path, np.int64)
    return None


def _corners(device: Device) -> list[int]:
    """Qubits of the largest piece of the device, each as far as can be from those before it."""
    joined = device.far < device.size
    inside = joined[int(np.argmax(joined.sum(axis=1)))]
    far = np.where(joined & inside & inside[:, None], device.far, -1)
    found = [int(np.argmax(far.max(axis=1)))]
    for _ in range(_CORNERS - 1):
        found.append(int(np.argmax(far[found].min(axis=0))))
    return found


def _swept(near: list[list[int]], path: list[int], order: list[int], length: int) -> list[int]:
    used = set(path)
    while len(path) < length:
        free = [q for q in near[path[-1]] if q not in used]
        if not free:
            break
        path.append(min(free, key=lambda q: (all(p in used for p in near[q]), order[q])))
        used.add(path[-1])
    return path


def find_ladder(device: Device, length: int) -> Ints | None:
    """Two paths [2, length], each qubit of one coupled to its opposite; None where a short search finds none."""
    near = [set(found) for found in device.qubits.lists]
    left = _VISITS
    for rung in [*device.couplers.tolist(), *device.couplers[:, ::-1].tolist()]:
        rails, left = _grown(near, rung, length, left)
        if len(rails) == length:
            return np.array(rails, np.int64).T
        if left <= 0:
            break
    return None


def _grown(near: list[set[int]], rung: list[int], length: int, left: int) -> tuple[list[list[int]], int]:
    """The rungs from the first one on, by depth-first search, and how many visits are left."""
    rails, ahead, used = [rung], [_next_rungs(near, rung, set(rung))], set(rung)
    while len(rails) < length and left > 0:
        left -= 1
        if ahead[-1]:
            rails.append(ahead[-1].pop())
            used.update(rails[-1])
            ahead.append(_next_rungs(near, rails[-1], used))
        else:
            ahead.pop()
            used.difference_update(rails.pop())
            if not rails:
                break
    return rails, left


def _next_rungs(near: list[set[int]], rung: list[int], used: set[int]) -> list[list[int]]:
    return [[p, q] for p in sorted(near[rung[0]] - used) for q in sorted((near[rung[1]] & near[p]) - used)]

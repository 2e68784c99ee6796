"""Plan of a circuit's run: stages that each bring some qubits into cache-sized tiles, and what is done in a tile.

A tile holds the `low` lowest bits of the state's numbers and some chosen bits above. Groups work across the
vectors of a tile, never within one; so the bits inside vectors are exchanged with others of the tile when a group
needs them. Exchanges are not undone: the plan keeps where each qubit stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from qevo_compiler.evaluator.statevector.fusion import Group
from qevo_compiler.evaluator.statevector.matrices import Matrix


@dataclass(frozen=True)
class Step:
    """A unitary on places of the tile (`matrix` None: lanes change places with these, in order)."""

    places: tuple[int, ...]
    matrix: Matrix | None


@dataclass
class Stage:
    """`bits` of the state's numbers, ascending, make the tile: bit `bits[j]` is place j when it is brought in.

    When it goes back, bit `bits[j]` is what stands at place `back[j]`; places within vectors stay.
    """

    bits: tuple[int, ...]
    steps: list[Step] = field(default_factory=list)
    back: tuple[int, ...] = ()


def plan(groups: list[Group], bits: int, tile_bits: int, low: int, lane_bits: int) -> tuple[list[Stage], list[int]]:
    """Stages, and the bit at which each qubit stands in the end; qubit q starts at bit q."""
    where = list(range(bits))
    stages = []
    remaining = groups
    while remaining:
        chosen, now, remaining = _choose(remaining, where, tile_bits, low)
        stage = Stage(tuple(sorted(chosen)))
        _fill(stage, now, remaining, where, lane_bits)
        stages.append(stage)
    return stages, where


def _choose(
    groups: list[Group], where: list[int], tile_bits: int, low: int
) -> tuple[set[int], list[Group], list[Group]]:
    """Bits of the next tile, the groups that run there, and the rest: of several greedy choices the fullest."""
    best: tuple[set[int], list[int]] | None = None
    for start in _starts(groups):
        chosen = set(range(low))
        taken = _greedy(groups, start, where, chosen, tile_bits)
        if best is None or len(taken) > len(best[1]):
            best = chosen, taken
        if len(taken) == len(groups):
            break
    assert best is not None
    chosen, taken = best
    spare = (bit for bit in range(len(where)) if bit not in chosen)
    while len(chosen) < tile_bits:
        chosen.add(next(spare))
    runs = set(taken)
    now = [groups[k] for k in taken]
    return chosen, now, [group for k, group in enumerate(groups) if k not in runs]


def _starts(groups: list[Group]) -> Iterable[tuple[int, ...]]:
    """Qubits to begin with: those of each group that nothing stands before, at most eight of them."""
    seen: set[int] = set()
    found = []
    for group in groups[:256]:
        if seen.isdisjoint(group.qubits):
            found.append(group.qubits)
        seen.update(group.qubits)
    step = max(1, len(found) // 8)
    return found[::step]


def _greedy(
    groups: list[Group], start: tuple[int, ...], where: list[int], chosen: set[int], tile_bits: int
) -> list[int]:
    """Take groups in order while their bits fit into the tile; a group left out blocks its qubits."""
    chosen.update(where[qubit] for qubit in start)
    blocked: set[int] = set()
    taken = []
    for k, group in enumerate(groups):
        places = {where[qubit] for qubit in group.qubits}
        if blocked.isdisjoint(group.qubits) and len(chosen | places) <= tile_bits:
            chosen |= places
            taken.append(k)
        else:
            blocked.update(group.qubits)
            if len(blocked) == len(where):
                break
    return taken


def _fill(stage: Stage, groups: list[Group], later: list[Group], where: list[int], lane_bits: int) -> None:
    """Steps for the groups in an order that exchanges lanes seldom; `where` is brought up to date.

    The qubits that `later` groups need first go back to the lowest bits, which every tile has.
    """
    place_of_bit = {bit: place for place, bit in enumerate(stage.bits)}
    place = {qubit: place_of_bit[bit] for qubit, bit in enumerate(where) if bit in place_of_bit}
    while groups:
        groups = _run_ready(stage, groups, place, lane_bits)
        if groups:
            _exchange(stage, groups, place, lane_bits)
    need = _first_uses(place, later)
    order = sorted((q for q in place if place[q] >= lane_bits), key=lambda q: (need[q], place[q]))
    stage.back = (*range(lane_bits), *(place[qubit] for qubit in order))
    slot_of_place = {now: slot for slot, now in enumerate(stage.back)}
    for qubit, now in place.items():
        where[qubit] = stage.bits[slot_of_place[now]]


def _first_uses(place: dict[int, int], groups: list[Group]) -> dict[int, int]:
    """The first of the groups that has each qubit, or their number."""
    need: dict[int, int] = {}
    for k, group in enumerate(groups):
        for qubit in group.qubits:
            need.setdefault(qubit, k)
        if len(need) >= len(place) and all(qubit in need for qubit in place):
            break
    return {qubit: need.get(qubit, len(groups)) for qubit in place}


def _run_ready(stage: Stage, groups: list[Group], place: dict[int, int], lane_bits: int) -> list[Group]:
    """Append the groups that need no lane, in order; returns the rest."""
    blocked: set[int] = set()
    rest = []
    for group in groups:
        if blocked.isdisjoint(group.qubits) and all(place[qubit] >= lane_bits for qubit in group.qubits):
            stage.steps.append(Step(tuple(place[qubit] for qubit in group.qubits), group.matrix))
        else:
            blocked.update(group.qubits)
            rest.append(group)
    return rest


def _exchange(stage: Stage, groups: list[Group], place: dict[int, int], lane_bits: int) -> None:
    """Bring the lanes' qubits out and those in that are needed last."""
    need = _first_uses(place, groups)
    outside = sorted((q for q in place if place[q] >= lane_bits), key=lambda q: (-need[q], place[q]))
    entering = sorted(outside[:lane_bits], key=lambda q: place[q])
    holder = {place[q]: q for q in place}
    stage.steps.append(Step(tuple(place[q] for q in entering), None))
    for lane, qubit in enumerate(entering):
        place[holder[lane]], place[qubit] = place[qubit], lane

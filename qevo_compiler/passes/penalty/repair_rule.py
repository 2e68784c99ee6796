"""The repair rule: how large a weight must be so that mending an infeasible state always pays.

Let f be what is to be minimised, D the most that f rises when a bit is removed (set to 0), at any state, and R the most
that it rises when one is set, at states with at most one bit in every group. Hard rows are one-hot groups over disjoint
bits, which may be crossed by others, and pairs of bits that exclude each other (from rows `at most one` and clauses).
Take any infeasible state. First remove bits until no group has two and no pair is set, then fill the groups that are
empty. The sum of all penalties before is compared with what the way costs f; no step has to pay by itself.

groups and pairs: every bit that a group has too many, every empty group and every removal from a set pair lowers the
penalties by at least P, and what is removed for a pair may empty one more group. So P must exceed D for a bit of a
group, R for filling one, and for a pair the lesser of both its bits' D + R (D for a bit without a group). A group can
be filled if it has more bits than those that the others' bits can exclude, one of each group: with B of them
excluded at most, the bit that is set is one of the B + 1 with the least R.

grids: k groups cross k others so that each two share one bit (an assignment), and no pair has one of these bits. A
state of N bits with a empty groups of the first kind and b of the second has T = N - k + a + b > 0, and penalties of at
least 2 T, as surplus and empty groups of both kinds add up to 2 T. Keeping one bit of every filled group of the first
kind, and of those one a group of the second, m <= T groups of each kind are left empty, and m + N - k <= 2 T bits were
removed. The empty groups are filled in pairs, by setting m bits. So P must exceed D + R / 2.

Where integers are raised for rows that these steps violate (`raise_rule`), D and R have what that costs added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.bounds import Groups, largest_drop, largest_rise
from qevo_compiler.analyses.structure import row_clauses, row_literals
from qevo_compiler.analyses.structure.recognise import labelled
from qevo_compiler.dialects.ising import FORMS, PenaltyForm
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.problem import Relation
from qevo_compiler.passes.penalty.family_rows import PenaltyRows
from qevo_compiler.passes.penalty.raise_rule import Lift

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_PAIRS = np.zeros((0, 2), np.int64)
# The rule is left alone where it would look at more pairs.
MOST_PAIRS = 1 << 22


@dataclass(frozen=True)
class Repair:
    """What a weight must exceed, and why in words; empty where groups alone, or grids that nothing lowers, say it."""

    need: float
    why: str = ""


def excluding_pairs(family: PenaltyRows) -> Integers | None:
    """The pairs [pairs, 2] of bits that exclude each other, if that is all that a hard family says; else None.

    Such a penalty falls by at least 1 when a bit of a set pair is removed, and never rises when any is.
    """
    if not family.dominating or family.widths is not None:
        return None
    if family.residual.degree == 2:
        return _products(family)
    if family.op.relation is Relation.EQ or not _has(family, PenaltyForm.TRIANGLE, PenaltyForm.LOGIC):
        return None
    literals = row_literals(family.residual)
    if literals.negated.any() or float((literals.lengths.astype(np.float64) ** 2).sum()) > 2 * MOST_PAIRS:
        return None
    clauses = row_clauses(literals, family.active, 2)
    if not clauses.whole[family.active].all() or len(clauses.members[0]):
        return None
    return np.unique(np.sort(literals.bit[clauses.members[1]], axis=1), axis=0)


def _products(family: PenaltyRows) -> Integers | None:
    """The pairs of rows that are sums of products with positive coefficients, each of which costs at least 1."""
    _, names, coefficients = family.residual.block(2)
    alone = sum(len(block) for block in family.residual.terms) == len(names)
    if not (alone and (coefficients >= 1).all() and _has(family, PenaltyForm.LINEAR)) or len(names) > MOST_PAIRS:
        return None
    return np.unique(names.astype(np.int64), axis=0)


def _has(family: PenaltyRows, *forms: PenaltyForm) -> bool:
    """Whether the rows with a penalty have no other forms."""
    return bool(np.isin(family.forms[family.active], [FORMS.index(form) for form in forms]).all())


def repair_need(
    energy: Polynomials, first: Integers, second: Integers, pairs: Integers, lifts: Sequence[Lift] = ()
) -> Repair | None:
    """What the shared weight of groups, crossing groups and pairs must exceed; None where the rule does not apply.

    `first` and `second` label all bits of `energy` by groups (-1: none). Cost: passes over the energy, a sort of pairs.
    """
    bits, grouped = len(first), first >= 0
    if not grouped.any() or not _are_grids(first, second, pairs):
        return None
    drop, rise = largest_drop(energy, bits), largest_rise(energy, Groups.of(bits, first))
    for labels in (second, _cliques(pairs, bits)):
        if (labels >= 0).any():
            rise = np.minimum(rise, largest_rise(energy, Groups.of(bits, labels)))
    for lift in lifts:
        drop[: len(lift.drop)] += lift.drop
        rise[: len(lift.rise)] += lift.rise
    crossed = second >= 0
    grid = _grid_need(drop[crossed], rise[crossed])
    plain = _group_need(drop, rise, np.where(crossed, -1, first), pairs)
    if plain is None:
        return None
    return max(grid, plain, key=lambda repair: repair.need)


def _grid_need(drop: Floats, rise: Floats) -> Repair:
    down, up = float(drop.max(initial=0.0)), max(float(rise.max(initial=0.0)), 0.0)
    why = f"two violations are undone by two removals, at most {down:g} each, and one setting, at most {up:g}"
    return Repair(down + up / 2, why if down else "")


def _group_need(drop: Floats, rise: Floats, group: Integers, pairs: Integers) -> Repair | None:
    grouped = group >= 0
    label = np.unique(group[grouped], return_inverse=True)[1]
    fill = _filling(rise[grouped], label, _excluded(group, pairs))
    if fill is None:
        return None
    cost = drop.copy()
    cost[grouped] += np.maximum(fill, 0.0)[label]
    one = max(float(drop[grouped].max(initial=0.0)), float(fill.max(initial=0.0)), 0.0)
    both = float(np.minimum(*cost[pairs].T).max(initial=0.0))
    why = f"one removal or one setting mends a group, at most {one:g}, both a pair, at most {both:g} together"
    return Repair(max(one, both), why if len(pairs) else "")


def _filling(rise: Floats, label: Integers, excluded: Integers) -> Floats | None:
    """The most that the cheapest bit left costs each group when `excluded` of its bits cannot be set."""
    order = np.lexsort([rise, label])
    starts, sizes = np.flatnonzero(np.diff(label[order], prepend=-1)), np.bincount(label)
    return None if (excluded >= sizes).any() else rise[order][starts + excluded]


def _excluded(group: Integers, pairs: Integers) -> Integers:
    """For every group how many of its bits the others, with at most one bit each, can exclude at once."""
    count = len(np.unique(group[group >= 0]))
    number = np.full(len(group), -1)
    number[group >= 0] = np.unique(group[group >= 0], return_inverse=True)[1]
    owner = np.where(number >= 0, number, count + np.arange(len(group)))
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[(number[both[:, 1]] >= 0) & (owner[both[:, 0]] != owner[both[:, 1]])]
    if not len(both):
        return np.zeros(count, np.int64)
    # How many bits of a group one bit excludes; the most that a bit of each owner does; the sum of these.
    found, blocked = np.unique(both[:, 0] * count + number[both[:, 1]], return_counts=True)
    bit, target = np.divmod(found, count)
    order = np.lexsort([owner[bit], target])
    keys = target[order] * (count + len(group)) + owner[bit][order]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    most = np.maximum.reduceat(blocked[order], starts)
    return np.bincount(target[order][starts], most, count).astype(np.int64)


def _cliques(pairs: Integers, bits: int) -> Integers:
    """Labels of the bits of connected parts in which all bits exclude each other (-1: of no such part)."""
    label = labelled(pairs, bits)
    sizes, edges = np.bincount(label), np.bincount(label[pairs[:, 0]], minlength=int(label.max(initial=-1)) + 1)
    whole = (sizes > 1) & (2 * edges == sizes * (sizes - 1))
    numbers = np.where(whole, np.cumsum(whole) - 1, -1)
    return numbers[label]


def _are_grids(first: Integers, second: Integers, pairs: Integers) -> bool:
    """Whether the groups of both kinds that share bits form whole grids, without pairs."""
    crossed = second >= 0
    if not crossed.any():
        return True
    touched = np.isin(first, first[crossed]) & (first >= 0)
    if (touched != crossed).any() or crossed[pairs].any():
        return False
    rows, columns = (np.unique(labels[crossed], return_inverse=True)[1] for labels in (first, second))
    height, width = int(rows.max()) + 1, int(columns.max()) + 1
    part = labelled(np.stack([rows, height + columns], axis=1), height + width)
    cells = np.bincount(part[rows], minlength=int(part.max()) + 1)
    tall, wide = (np.bincount(part[side], minlength=len(cells)) for side in (slice(height), slice(height, None)))
    alone = len(np.unique(rows * width + columns)) == len(rows)
    # With one group a side the two rows are the same, and setting their bit saves P, not 2 P.
    return bool(alone and (tall == wide).all() and (cells == tall * wide).all() and (tall > 1).all())


def all_pairs(families: Sequence[Integers]) -> Integers:
    """Several families' pairs together, each once."""
    return np.unique(np.concatenate([NO_PAIRS, *families]), axis=0)

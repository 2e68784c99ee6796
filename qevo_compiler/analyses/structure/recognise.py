"""Name what rows of constraints are, and what they make of the bits together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.granularity import row_units
from qevo_compiler.analyses.structure.clauses import row_clauses
from qevo_compiler.analyses.structure.literals import row_literals
from qevo_compiler.analyses.structure.repeats import redundant_rows
from qevo_compiler.analyses.tolerances import unit_tolerances
from qevo_compiler.dialects.poly import ConstraintOp, Polynomials, arithmetic
from qevo_compiler.dialects.problem import Relation

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

# Larger whole coefficients are not looked into.
LARGEST = 2.0**24


class RowKind(Enum):
    """What a row over bits says; the first that fits, in this order."""

    HOLDS = "always holds"
    IMPOSSIBLE = "never holds"
    FIXES = "fixes bits"
    ONE_HOT = "exactly one"
    AT_MOST_ONE = "at most one"
    IMPLICATION = "implication"
    CONFLICT = "conflict"
    COVER = "at least one"
    EQUIVALENCE = "two bits equal or opposite"
    COUNT = "exactly so many"
    COUNT_LIMIT = "at most or at least so many"
    CLAUSES = "clauses of up to three literals"
    KNAPSACK = "weighted sum with a limit"
    EQUATION = "weighted sum with a value"
    PRODUCTS = "sum with products of bits"


_KINDS = tuple(RowKind)


@dataclass(frozen=True)
class Structure:
    """What the hard constraints of a problem over bits say together.

    `kinds` counts rows by kind; `fixed` lists bits and `values` what one row alone makes them; `redundant` counts
    rows that another row implies; `chains` are the lengths of monotone chains x_1 <= x_2 <= ...; `components`
    [bits] numbers the connected components of bits under rows and couplings.
    """

    kinds: dict[RowKind, int]
    fixed: Integers
    values: Integers
    redundant: int
    chains: tuple[int, ...]
    components: Integers

    def lines(self) -> Iterator[str]:
        """The same in words."""
        for kind, count in self.kinds.items():
            yield f"{count} row{'s' * (count != 1)}: {kind.value}"
        if self.redundant:
            yield f"{self.redundant} of them implied by another row"
        if len(self.fixed):
            yield f"{len(self.fixed)} bits fixed by single rows"
        if self.chains:
            yield f"monotone chains of {', '.join(map(str, self.chains[:8]))} bits"
        parts = int(self.components.max(initial=-1)) + 1
        yield f"{parts} connected component{'' if parts == 1 else 's'}"


def recognise(constraints: Sequence[ConstraintOp], objective: Polynomials, bits: int) -> Structure:
    """The structure of hard `constraints` over 0/1 bits. Cost: some sorts of their terms."""
    counts = np.zeros(len(_KINDS), np.int64)
    fixed: list[tuple[Integers, Integers]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    arrows = [np.zeros((0, 2), np.int64)]
    bodies: list[tuple[Polynomials, Flags]] = []
    for op in constraints:
        if op.weight is not None:
            continue
        body, equal = whole_rows(op)
        kinds = row_kinds(body, equal)
        counts += np.bincount(kinds, minlength=len(_KINDS))
        fixed.append(_fixed_bits(body, equal, kinds))
        arrows.append(_implications(body, kinds))
        bodies.append((body, equal))
    found, values = (np.concatenate(column) for column in zip(*fixed, strict=True))
    found, first = np.unique(found, return_index=True)
    return Structure(
        {kind: int(n) for kind, n in zip(_KINDS, counts, strict=True) if n},
        found,
        values[first],
        _redundant(bodies),
        _chains(np.unique(np.concatenate(arrows), axis=0), bits),
        components([body for body, _ in bodies], objective, bits),
    )


def whole_rows(op: ConstraintOp) -> tuple[Polynomials, Flags]:
    """The rows as `u == 0` or `u <= 0` in units of the gcd of their coefficients, where they have one."""
    body = arithmetic.scale(op.body, -1.0) if op.relation is Relation.GE else op.body
    unit = row_units(body)
    known = np.isfinite(unit) & (unit > 0)
    unit = np.where(known, unit, 1.0)
    scaled = arithmetic.scale(body, 1 / unit)
    equal = np.full(body.rows, op.relation is Relation.EQ)
    constants = scaled.constants()
    within = np.ceil(constants - unit_tolerances(body, unit) / unit)
    rounded = np.where(known & ~equal, within, constants) - constants
    return (arithmetic.add(scaled, arithmetic.constants(rounded)) if rounded.any() else scaled), equal


def row_kinds(body: Polynomials, equal: Flags) -> Integers:
    """The kind of every row of `u == 0` or `u <= 0`, as numbers into `RowKind` in order."""
    kinds = np.full(body.rows, _KINDS.index(RowKind.PRODUCTS))
    linear = np.ones(body.rows, bool)
    for block in body.terms:
        if block.degree > 1:
            linear[block.row.values] = False
    literals = row_literals(body)
    weight, row = literals.weight, literals.row
    sums = np.bincount(row, weight, literals.rows)
    unit = np.bincount(row, weight != 1, literals.rows) == 0
    length, capacity = literals.lengths, literals.capacity
    negated = np.bincount(row, literals.negated, literals.rows)
    whole = np.bincount(row, weight != np.rint(weight), literals.rows) == 0
    whole &= (np.abs(capacity) < LARGEST) & (sums < LARGEST)
    clauses = row_clauses(literals, linear & whole & ~equal & (capacity >= 0))
    singles = np.bincount(row[clauses.members[0][:, 0]], minlength=literals.rows) > 0
    # u = sum a l - b: for equations both ends of its range matter.
    holds = np.where(equal, (sums == 0) & (capacity == 0), sums <= capacity)
    never = (capacity < 0) | (equal & (capacity > sums))
    fixes = np.where(equal, (length > 0) & ((capacity == 0) | (capacity == sums)), singles)
    one = unit & (length > 1) & np.where(negated == 0, capacity == 1, (negated == length) & (capacity == length - 1))
    plain = (negated == 0) | (negated == length)
    two = clauses.whole & (length == 2) & ~fixes
    tests = {
        RowKind.HOLDS: holds,
        RowKind.IMPOSSIBLE: never,
        RowKind.FIXES: fixes,
        RowKind.ONE_HOT: equal & one,
        RowKind.AT_MOST_ONE: ~equal & unit & (negated == 0) & (length > 2) & (capacity == 1),
        RowKind.IMPLICATION: two & (negated == 1),
        RowKind.CONFLICT: two & (negated == 0),
        RowKind.COVER: ~equal & unit & (negated == length) & (capacity == length - 1),
        RowKind.EQUIVALENCE: equal & unit & (length == 2),
        RowKind.COUNT: equal & unit & plain,
        RowKind.COUNT_LIMIT: ~equal & unit & plain,
        RowKind.CLAUSES: clauses.whole & ~equal,
        RowKind.KNAPSACK: ~equal,
        RowKind.EQUATION: equal,
    }
    for kind, test in reversed(tests.items()):
        kinds[linear & test] = _KINDS.index(kind)
    return kinds


def _fixed_bits(body: Polynomials, equal: Flags, kinds: Integers) -> tuple[Integers, Integers]:
    """Bits that rows of the kind FIXES settle, and their values."""
    literals = row_literals(body)
    row = literals.row
    sums = np.bincount(row, literals.weight, literals.rows)
    here = (kinds == _KINDS.index(RowKind.FIXES))[row]
    all_true = (equal & (literals.capacity == sums) & (sums > 0))[row]
    settled = here & (all_true | equal[row] | (literals.weight > literals.capacity[row]))
    values = np.where(all_true, ~literals.negated, literals.negated)
    return literals.bit[settled], values[settled].astype(np.int64)


def _implications(body: Polynomials, kinds: Integers) -> Integers:
    """Pairs (x, y) of rows x <= y."""
    literals = row_literals(body)
    chosen = np.flatnonzero(kinds == _KINDS.index(RowKind.IMPLICATION))
    first = literals.starts[chosen]
    pair = np.stack([literals.bit[first], literals.bit[first + 1]], axis=1)
    swapped = literals.negated[first]
    pair[swapped] = pair[swapped][:, ::-1]
    return pair


def _redundant(bodies: list[tuple[Polynomials, Flags]]) -> int:
    if not bodies:
        return 0
    rows = arithmetic.stack([body for body, _ in bodies])
    equal = np.concatenate([flags for _, flags in bodies])
    return int(redundant_rows(rows, equal, np.ones(rows.rows, bool)).sum())


def _chains(arrows: Integers, bits: int) -> tuple[int, ...]:
    """Lengths of the paths of implications whose inner bits have one neighbour each way, longest first."""
    after, before = np.bincount(arrows[:, 0], minlength=bits), np.bincount(arrows[:, 1], minlength=bits)
    single = (after[arrows[:, 0]] == 1) & (before[arrows[:, 1]] == 1)
    following = np.full(bits, -1)
    following[arrows[single, 0]] = arrows[single, 1]
    has_before = np.zeros(bits, bool)
    has_before[arrows[single, 1]] = True
    length = np.where((following >= 0) & ~has_before, 1, 0)
    # Pointer jumping: every round doubles how far a head has looked.
    distance, target = (following >= 0).astype(np.int64), following.copy()
    for _ in range(int(bits).bit_length()):
        open_ = np.flatnonzero(target >= 0)
        step = target[open_]
        distance[open_] += distance[step]
        target[open_] = target[step]
    found = np.sort(distance[length > 0] + 1)[::-1]
    return tuple(int(n) for n in found if n > 2)


def components(families: Sequence[Polynomials], objective: Polynomials, bits: int) -> Integers:
    """The connected component of every bit: bits are joined by a row of a family or a term of the objective.

    Labels are numbered by their first bit. Cost: O(terms log bits) array operations.
    """
    edges = [np.zeros((0, 2), np.int64)]
    for block in objective.terms:
        names = block.variables.values.astype(np.int64)
        edges += [names[:, [k, k + 1]] for k in range(block.degree - 1)]
    for p in families:
        found = [(b.row.values, b.variables.values[:, k]) for b in p.terms for k in range(b.degree)]
        if found:
            row, bit = (np.concatenate(column) for column in zip(*found, strict=True))
            order = np.argsort(row, kind="stable")
            row, bit = row[order], bit[order].astype(np.int64)
            same = row[1:] == row[:-1]
            edges.append(np.stack([bit[:-1][same], bit[1:][same]], axis=1))
    return labelled(np.concatenate(edges), bits)


def labelled(edges: Integers, bits: int) -> Integers:
    """The connected component of every one of `bits` bits under `edges` [edges, 2], numbered by their first bit."""
    label = np.arange(bits)
    while len(edges):
        low = np.minimum(label[edges[:, 0]], label[edges[:, 1]])
        for column in (0, 1):
            np.minimum.at(label, label[edges[:, column]], low)
        # Follow labels to their own labels until they stand still.
        while not np.array_equal(label, label[label]):
            label = label[label]
        edges = edges[label[edges[:, 0]] != label[edges[:, 1]]]
    return np.unique(label, return_inverse=True)[1].astype(np.int64)

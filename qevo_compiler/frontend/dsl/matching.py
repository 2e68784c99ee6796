"""Which steps of a new index fulfil comparisons with the rows before it: a sort-merge join."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qevo_compiler.frontend.tensors import Tensor
from qevo_compiler.frontend.tensors.align import index_dtype
from qevo_compiler.frontend.tensors.value import Values, check_size
from qevo_compiler.light import light
from qevo_compiler.source import Span


@light(eq=False)
class Match:
    """`values operator bounds`: whole numbers, one a step of the new index and one a row before it."""

    operator: str
    values: Values
    bounds: Tensor


def one_sort(matches: Sequence[Match]) -> list[Match]:
    """What one sort serves: all equations, and the inequalities that bound the same values of the new index."""
    ranges = [match for match in matches if match.operator != "=="]
    return [m for m in matches if m.operator == "==" or np.array_equal(m.values, ranges[0].values)]


def matching_pairs(matches: Sequence[Match], bounds: Sequence[Values], span: Span | None) -> tuple[Values, Values]:
    """(rows, steps) of all pairs that fulfil every match, by row and then by step.

    `bounds` are those of the matches, written out for each row. The cost for n steps, r rows and p pairs is
    O((n + r) log n + p).
    """
    equal = [(match.values, bound) for match, bound in zip(matches, bounds, strict=True) if match.operator == "=="]
    ranges = [(match, bound) for match, bound in zip(matches, bounds, strict=True) if match.operator != "=="]
    group, wanted, known = _groups(equal, len(matches[0].values), len(bounds[0]))
    if not ranges:
        order = np.argsort(group, kind="stable")
        found = np.searchsorted(group[order], (wanted, wanted + 1))
        return _pairs(order, *_runs(found, known), span)
    distinct, level = np.unique(ranges[0][0].values, return_inverse=True)
    keys = group * len(distinct) + level
    order = np.argsort(keys, kind="stable")
    found = np.searchsorted(keys[order], wanted * len(distinct) + _ends(ranges, distinct))
    rows, steps = _pairs(order, *_runs(found, known), span)
    if (level[1:] < level[:-1]).any():
        steps = steps[np.lexsort((steps, rows))]
    return rows, steps


def _groups(equal: Sequence[tuple[Values, Values]], steps: int, rows: int) -> tuple[Values, Values, Values]:
    """A number for each step, alike where all equations' values are; the number that a row wants; if there is one."""
    group, wanted, known = np.zeros(steps, np.int64), np.zeros(rows, np.int64), np.ones(rows, np.bool_)
    for values, bound in equal:
        distinct, slot = np.unique(values, return_inverse=True)
        place, met = _looked_up(distinct, bound)
        known &= met
        pairs, group = np.unique(group * len(distinct) + slot, return_inverse=True)
        wanted, met = _looked_up(pairs, wanted * len(distinct) + place)
        known &= met
    return group, wanted, known


def _looked_up(distinct: Values, wanted: Values) -> tuple[Values, Values]:
    """Where each wanted value stands among the distinct ones, and whether it does."""
    if not len(distinct):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    place = np.minimum(np.searchsorted(distinct, wanted), len(distinct) - 1)
    return place, distinct[place] == wanted


def _ends(ranges: Sequence[tuple[Match, Values]], distinct: Values) -> Values:
    """[2, rows]: the first level that fulfils all inequalities, and the one after the last."""
    rows = len(ranges[0][1])
    ends = np.array([[0], [len(distinct)]]).repeat(rows, axis=1)
    for match, bound in ranges:
        place = np.searchsorted(distinct, bound, "left" if match.operator in (">=", "<") else "right")
        if match.operator in (">=", ">"):
            np.maximum(ends[0], place, out=ends[0])
        else:
            np.minimum(ends[1], place, out=ends[1])
    return ends


def _runs(found: Values, known: Values) -> tuple[Values, Values]:
    """The first match of each row in the order of the sort, and how many there are."""
    first, last = found
    return first, np.where(known, np.maximum(last - first, 0), 0)


def _pairs(order: Values, first: Values, counts: Values, span: Span | None) -> tuple[Values, Values]:
    total = int(counts.sum(dtype=np.int64))
    check_size(total, "this index expression", span)
    dtype = index_dtype(total)
    rows = np.arange(len(counts), dtype=dtype).repeat(counts)
    starts = np.cumsum(counts) - counts
    places = np.arange(total, dtype=dtype) + (first - starts).astype(dtype).repeat(counts)
    return rows, order.astype(index_dtype(len(order)), copy=False)[places]

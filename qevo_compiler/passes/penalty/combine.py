"""The weighted sum of several one-row polynomials, with the dust of cancelled sums removed, in one sort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials, Terms
from qevo_compiler.dialects.poly.pair_arrays import GroupPairs, PairNames, PairProducts, no_rows
from qevo_compiler.dialects.poly.polynomials import Floats, Ints, group_terms
from qevo_compiler.evaluator.terms.collect import Pairs, collect_pairs
from qevo_compiler.evaluator.terms.merge_sorted import MOST, merge_sorted
from qevo_compiler.evaluator.terms.term_kernels import FEW, WORTH
from qevo_compiler.ir import Array
from qevo_compiler.ir.deferred import one_number
from qevo_compiler.passes.penalty.rounding_dust import DUST, is_dust

Weighted = tuple[Terms, float]

# Merging goes through all bits: pairs must not be much rarer.
SPARSE = 16
# So many numbers `np.add.reduceat` adds in turn.
SIDES = 8


def combine(parts: Sequence[tuple[Polynomials, float]]) -> Polynomials:
    """sum factor * polynomial over canonical one-row polynomials.

    A term that is nothing but rounding of a cancelled sum is left out. Cost: one sort of the terms of all parts;
    the products of a square stay a rule where no other part has products.
    """
    symbolic = _symbolic(parts)
    if symbolic is not None:
        crossing, rest = symbolic
        return Polynomials(1, (*combine(rest).terms, crossing))
    by_degree: dict[int, list[Weighted]] = {}
    for p, factor in parts:
        for block in p.terms:
            by_degree.setdefault(block.degree, []).append((block, factor))
    return Polynomials(1, tuple(block for degree in sorted(by_degree) if len(block := _sum(degree, by_degree[degree]))))


def _symbolic(parts: Sequence[tuple[Polynomials, float]]) -> tuple[Terms, list[tuple[Polynomials, float]]] | None:
    """The only block above degree 1, scaled, where a rule gives its coefficients; and the parts without it."""
    high = [(block, factor) for p, factor in parts for block in p.terms if block.degree > 1]
    if len(high) != 1 or not isinstance(high[0][0].coefficients, PairProducts):
        return None
    block, factor = high[0]
    scaled = high[0][0].coefficients.scaled(factor)
    rest = [(Polynomials(1, tuple(b for b in p.terms if b is not block)), f) for p, f in parts]
    return None if scaled is None else (replace(block, coefficients=scaled), rest)


def _sum(degree: int, blocks: list[Weighted]) -> Terms:
    """The sum of blocks of one degree without dust."""
    block, factor = blocks[0]
    if len(blocks) == 1 and not (isinstance(block.variables, GroupPairs) and not block.variables.formed):
        values = block.coefficients.values * factor
        return replace(block, coefficients=Array(values)) if values.all() else _terms(block.variables.values, values)
    if degree == 2 and (over := _over_same_pairs(blocks)) is not None:
        return over
    if degree == 2 and (merged := _compiled(blocks)) is not None:
        return _terms(*merged)
    if degree == 1 and (added := _side_by_side(blocks)) is not None:
        return _terms(*added)
    return _terms(*_sorted(degree, blocks))


def _over_same_pairs(blocks: list[Weighted]) -> Terms | None:
    """The sum of squares over the same bits: the pairs stay a rule, and one part's coefficients are there at a time."""
    first = blocks[0][0].variables
    if not isinstance(first, PairNames) or sum(len(block) for block, _ in blocks) < WORTH:
        return None
    for block, _ in blocks[1:]:
        other = block.variables
        if not isinstance(other, PairNames) or not np.array_equal(other.names, first.names):
            return None
    ends = [end * factor for block, factor in blocks for end in (block.coefficients.least, block.coefficients.most)]
    values, cancels = np.zeros(len(first)), min(ends) < 0 < max(ends)
    sizes = np.zeros(len(first) if cancels else 0)
    for block, factor in blocks:
        part = block.coefficients.elements() * factor
        values += part
        if cancels:
            sizes += np.abs(part, out=part)
    if cancels:
        values[is_dust(values, sizes)] = 0
    # A rule of its own: the parts may stay in the module, and would keep what is formed of theirs.
    names = PairNames(first.names)
    return Terms(no_rows(len(values)), names, Array(values)) if values.all() else _terms(names.values, values)


def _compiled(blocks: list[Weighted]) -> tuple[Ints, Floats] | None:
    """The sum of sorted lists of pairs: few lists are merged in one pass, many collected; None for few pairs.

    Fewer than `WORTH` are merged only if nothing depends on the order in which three numbers are added.
    """
    total, few = sum(len(block) for block, _ in blocks), len(blocks) <= MOST
    if few and total >= FEW and (total >= WORTH or max(b.variables.most for b, _ in blocks) < SPARSE * total):
        merged = merge_sorted([(_pairs(block), _values(block), factor) for block, factor in blocks], DUST)
        return (merged.names, merged.values) if total >= WORTH or merged.deepest < 3 else None
    return None if few or total < WORTH else _compiled_collection(blocks)


def _pairs(block: Terms) -> Ints | GroupPairs:
    """The pairs of a block: by a rule, as the kernel takes it for one number, where they are not formed."""
    names = block.variables
    if isinstance(names, PairNames) and not names.formed and _alike(block):
        count = len(names.names)
        return GroupPairs(names.names, np.full(count, count), np.arange(count))
    return names if isinstance(names, GroupPairs) and not names.formed else names.values


def _values(block: Terms) -> Floats:
    """The coefficients of a block; of a rule that makes them all alike, one number in their place."""
    rule = block.coefficients
    return one_number(len(rule), rule.least, np.float64) if _alike(block) else rule.values


def _alike(block: Terms) -> bool:
    rule = block.coefficients
    return isinstance(rule, PairProducts) and not rule.formed and rule.least == rule.most


def _compiled_collection(blocks: list[Weighted]) -> tuple[Ints, Floats]:
    scaled = [(_columns(block), block.coefficients.values * factor) for block, factor in blocks]
    names, values = _collected(scaled)
    # Sums that cancel exactly are left out, their magnitudes are not.
    among, sizes = _collected([(pairs, np.abs(weights)) for pairs, weights in scaled])
    keep = ~is_dust(values, sizes[np.searchsorted(_keys(among), _keys(names))])
    return (names, values) if keep.all() else (names.T[:, keep].T, values[keep])


def _columns(block: Terms) -> Ints:
    """The pairs of a block, by a kernel where a rule gives them."""
    names = _pairs(block)
    return (
        merge_sorted([(names, block.coefficients.values, 1.0)], 0.0).names if isinstance(names, GroupPairs) else names
    )


def _collected(lists: list[tuple[Ints, Floats]]) -> tuple[Ints, Floats]:
    parts = [Pairs(names[:, 0], names[:, 1], weights) for names, weights in lists]
    return collect_pairs(parts, max(int(part.second.max()) + 1 for part in parts))


def _keys(names: Ints) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = names[:, 0].astype(np.int64) << 32 | names[:, 1]
    return keys


def _side_by_side(blocks: list[Weighted]) -> tuple[Ints, Floats] | None:
    """The sum of a few blocks with the same variables; None for others."""
    names = blocks[0][0].variables.values
    if len(blocks) > SIDES or any(len(block) != len(names) for block, _ in blocks):
        return None
    if not all((block.variables.values == names).all() for block, _ in blocks[1:]):
        return None
    first, *rest = (block.coefficients.values * factor for block, factor in blocks)
    # In the order of `np.add.reduceat`.
    values = first + sum(rest[1:], rest[0])
    values[is_dust(values, sum(map(np.abs, rest), np.abs(first)))] = 0
    return names, values


def _sorted(degree: int, blocks: list[Weighted]) -> tuple[Ints, Floats]:
    """The sum of any blocks of one degree by sorting their terms."""
    names = np.concatenate([block.variables.values for block, _ in blocks])
    values = np.concatenate([block.coefficients.values * factor for block, factor in blocks])
    order, first = group_terms(np.zeros(len(values), np.int32), names) if degree else (None, np.zeros(1, np.int64))
    if order is not None:
        names, values = names[order], values[order]
    if len(first) < len(values):
        sizes = np.add.reduceat(np.abs(values), first)
        names, values = names[first], np.add.reduceat(values, first)
        values[is_dust(values, sizes)] = 0
    return names, values


def _terms(names: Ints, values: Floats) -> Terms:
    """Terms of one row without those that are zero."""
    if not values.all():
        keep = values != 0
        names, values = names[keep], values[keep]
    return Terms(no_rows(len(values)), Array(names, keep_layout=True), Array(values))

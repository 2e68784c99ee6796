"""The weighted sum of several one-row polynomials, with the dust of cancelled sums removed, in one sort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials, Terms
from qevo_compiler.dialects.poly.pair_arrays import PairProducts, no_rows
from qevo_compiler.dialects.poly.polynomials import Floats, Ints, group_terms
from qevo_compiler.evaluator.terms.collect import Pairs, collect_pairs
from qevo_compiler.evaluator.terms.merge_sorted import MOST, merge_sorted
from qevo_compiler.evaluator.terms.term_kernels import WORTH
from qevo_compiler.ir import Array
from qevo_compiler.passes.penalty.rounding_dust import DUST, is_dust


def combine(parts: Sequence[tuple[Polynomials, float]]) -> Polynomials:
    """sum factor * polynomial over canonical one-row polynomials.

    A term that is nothing but rounding of a cancelled sum is left out. Cost: one sort of the terms of all parts;
    the products of a square stay a rule where no other part has products.
    """
    symbolic = _symbolic(parts)
    if symbolic is not None:
        crossing, rest = symbolic
        return Polynomials(1, (*combine(rest).terms, crossing))
    by_degree: dict[int, list[tuple[Ints, Floats, float]]] = {}
    for p, factor in parts:
        for block in p.terms:
            by_degree.setdefault(block.degree, []).append((block.variables.values, block.coefficients.values, factor))
    if len(by_degree.get(2, ())) > 1 and sum(len(values) for _, values, _ in by_degree[2]) >= WORTH:
        pairs = _compiled_merge(by_degree.pop(2))
        merged = {degree: _merged(blocks) for degree, blocks in by_degree.items()} | {2: pairs}
    else:
        merged = {degree: _merged(blocks) for degree, blocks in by_degree.items()}
    return Polynomials(1, tuple(_terms(*merged[degree]) for degree in sorted(merged) if len(merged[degree][1])))


def _symbolic(parts: Sequence[tuple[Polynomials, float]]) -> tuple[Terms, list[tuple[Polynomials, float]]] | None:
    """The only block above degree 1, scaled, where a rule gives its coefficients; and the parts without it."""
    high = [(block, factor) for p, factor in parts for block in p.terms if block.degree > 1]
    if len(high) != 1 or not isinstance(high[0][0].coefficients, PairProducts):
        return None
    block, factor = high[0]
    scaled = high[0][0].coefficients.scaled(factor)
    rest = [(Polynomials(1, tuple(b for b in p.terms if b is not block)), f) for p, f in parts]
    return None if scaled is None else (replace(block, coefficients=scaled), rest)


def _compiled_merge(blocks: list[tuple[Ints, Floats, float]]) -> tuple[Ints, Floats]:
    """The sum of sorted lists of pairs without dust: few are merged in one pass, many collected."""
    filled = [block for block in blocks if len(block[1])]
    if 0 < len(filled) <= MOST:
        return merge_sorted(filled, DUST)
    names, values = _collected(filled, np.asarray)
    # Sums that cancel exactly are left out, their magnitudes are not.
    among, sizes = _collected(filled, np.abs)
    keep = ~is_dust(values, sizes[np.searchsorted(_keys(among), _keys(names))])
    return (names, values) if keep.all() else (names.T[:, keep].T, values[keep])


def _collected(blocks: list[tuple[Ints, Floats, float]], shown: Callable[[Floats], Floats]) -> tuple[Ints, Floats]:
    parts = [Pairs(names[:, 0], names[:, 1], shown(values * factor)) for names, values, factor in blocks]
    return collect_pairs(parts, max((int(part.second.max()) + 1 for part in parts), default=0))


def _keys(names: Ints) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = names[:, 0].astype(np.int64) << 32 | names[:, 1]
    return keys


def _merged(scaled: list[tuple[Ints, Floats, float]]) -> tuple[Ints, Floats]:
    blocks = [(names, values if factor == 1 else values * factor) for names, values, factor in scaled]
    if len(blocks) == 1:
        names, values = blocks[0]
    else:
        names, values = (np.concatenate(column) for column in zip(*blocks, strict=True))
        order, first = group_terms(np.zeros(len(values), np.int32), names)
        if order is not None:
            names, values = names[order], values[order]
        if len(first) < len(values):
            sizes = np.add.reduceat(np.abs(values), first)
            names, values = names[first], np.add.reduceat(values, first)
            values[is_dust(values, sizes)] = 0
    keep = values != 0
    return (names, values) if keep.all() else (names[keep], values[keep])


def _terms(names: Ints, values: Floats) -> Terms:
    return Terms(no_rows(len(values)), Array(names, keep_layout=True), Array(values))

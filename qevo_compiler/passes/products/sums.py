"""The sum of many terms of degree at most 2, as a polynomial.

Large ones are collected in the memory of the result (`evaluator.collect`): equal terms are added one by one in the
order of the input, where `pack` adds eight and more by numpy's pairwise rule.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qevo_compiler.dialects.poly import Polynomials, Terms
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.evaluator.collect import Pairs, collect_pairs, sums_by_name
from qevo_compiler.evaluator.term_kernels import WORTH
from qevo_compiler.ir import Array
from qevo_compiler.passes.products.monomials import Floats, Names, Term


def summed(terms: Sequence[Term], size: int) -> Polynomials:
    """One row over `size` bits, canonical. The bits of a term differ."""
    count = sum(len(term) for term in terms if term.degree == 2)
    if not WORTH <= count < 1 << 31:
        return pack(1, ((np.zeros(len(t), np.int32), _names(t), t.coefficients) for t in terms))
    by_degree = [[term for term in terms if term.degree == degree] for degree in range(3)]
    constant = pack(1, ((np.zeros(len(t), np.int32), _names(t), t.coefficients) for t in by_degree[0]))
    singles = sums_by_name([(t.columns[0], t.coefficients) for t in by_degree[1]], size)
    there = np.flatnonzero(singles).astype(np.int32)
    pairs = collect_pairs([Pairs(*t.columns, t.coefficients) for t in by_degree[2]], size)
    found = [_block(there[:, None], singles[there]), _block(*pairs)]
    return Polynomials(1, (*constant.terms, *(block for block in found if len(block))))


def _names(term: Term) -> Names:
    return np.stack(term.columns, axis=1) if term.columns else np.zeros((len(term), 0), np.int32)


def _block(names: Names, values: Floats) -> Terms:
    row = Array(np.broadcast_to(np.int32(0), values.shape), keep_layout=True)
    return Terms(row, Array(names, keep_layout=True), Array(values))

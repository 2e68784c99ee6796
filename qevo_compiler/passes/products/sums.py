"""The sum of many terms of degree at most 2, as a polynomial, in little more than the memory of the result.

Every term becomes one integer of its names and its place, and these are sorted in place: equal terms are added in the
order of the input, by numpy's rule for sums, as `pack` does.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qevo_compiler.dialects.poly import Polynomials, Terms
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.evaluator.terms.closing import shrunk
from qevo_compiler.evaluator.terms.keyed import fits, merge, take_names, write_keys
from qevo_compiler.ir import Array
from qevo_compiler.passes.products.monomials import Floats, Integers, Later, Names, Term


def summed(terms: list[Term | Later], size: int) -> Polynomials:
    """One row over `size` bits, canonical. The bits of a term differ. `terms` is used up, so that its arrays go early.

    Raises `ValueError` for terms of degree 3 and more.
    """
    if any(term.degree > 2 for term in terms):
        raise ValueError("terms of degree 3 and more are not quadratic")
    by_degree = [[term for term in terms[::-1] if term.degree == degree and len(term)] for degree in range(3)]
    terms.clear()
    # The highest degree first: that is when least memory is taken by others.
    blocks = [block for found in by_degree[::-1] if found for block in _block(found, size)]
    return Polynomials(1, tuple(blocks[::-1]))


def _block(backwards: list[Term | Later], size: int) -> Iterator[Terms]:
    """The terms of one degree, the last one first, as a block of a polynomial if something is left."""
    degree, bits = backwards[0].degree, size.bit_length()
    count = sum(map(len, backwards))
    if not degree or not fits(bits, degree, count):
        made = (term.made() for term in backwards[::-1])
        yield from pack(1, ((np.zeros(len(t), np.int32), _names(t), t.coefficients) for t in made)).terms
        return
    keys, values = _written(backwards, count, bits)
    kept = merge(keys, values)
    if kept:
        names = take_names(keys, kept, degree, bits)
        row = Array(np.broadcast_to(np.int32(0), (kept,)), keep_layout=True)
        yield Terms(row, Array(names.T, keep_layout=True), Array(shrunk(values, kept)))


def _names(term: Term) -> Names:
    return np.stack(term.columns, axis=1) if term.columns else np.zeros((len(term), 0), np.int32)


def _written(backwards: list[Term | Later], count: int, bits: int) -> tuple[Integers, Floats]:
    """The key of every term, its lower name first, and its coefficient."""
    keys, values = np.empty(count, np.int64), np.empty(count)
    start = 0
    while backwards:
        term = backwards.pop().made()
        here = slice(start, start := start + len(term))
        values[here] = term.coefficients
        columns = term.columns
        if len(columns) == 2:
            columns = np.minimum(*columns), np.maximum(*columns)
        write_keys(columns, bits, keys[here])
        del term, columns  # before the next one is made
    return keys, values

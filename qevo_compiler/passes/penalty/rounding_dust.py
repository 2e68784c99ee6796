"""Remove terms that are nothing but the rounding of sums that cancel.

`0.1 + 0.2 - 0.3` leaves 5.6e-17, which would look like a coupling to be resolved by the annealer. A
sum is dust when it is below `DUST` of the sum of its parts' magnitudes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import AffineMap, Polynomials, Terms
from qevo_compiler.ir import Array

Floats = NDArray[np.float64]

# Sums of some thousand parts round to at most about 1e-13 of their magnitude.
DUST = 2.0**-43


def magnitude(p: Polynomials) -> Polynomials:
    """The same terms with absolute coefficients."""
    return Polynomials(p.rows, tuple(replace(b, coefficients=Array(np.abs(b.coefficients.values))) for b in p.terms))


def map_magnitude(affine: AffineMap) -> AffineMap:
    """The same map with absolute offsets and weights."""
    offsets, weights = Array(np.abs(affine.offsets.values)), Array(np.abs(affine.weights.values))
    return replace(affine, offsets=offsets, weights=weights)


def without_dust(p: Polynomials, sizes: Polynomials) -> Polynomials:
    """`p` without terms below `DUST` of the same term of `sizes`, which has all terms of `p`; both canonical."""
    blocks = tuple(_cleaned(block, sizes) for block in p.terms)
    if all(new is old for new, old in zip(blocks, p.terms, strict=True)):
        return p
    return Polynomials(p.rows, tuple(block for block in blocks if len(block)))


def is_dust(values: Floats, sizes: Floats) -> NDArray[np.bool_]:
    """Which values are rounding left over from parts whose magnitudes sum to `sizes`."""
    return np.abs(values) <= DUST * sizes


def _cleaned(block: Terms, sizes: Polynomials) -> Terms:
    coefficients = block.coefficients.values
    keep = ~is_dust(coefficients, _size_of(block, sizes))
    if keep.all():
        return block
    return Terms(Array(block.row.values[keep]), Array(block.variables.values[keep]), Array(coefficients[keep]))


def _size_of(block: Terms, sizes: Polynomials) -> Floats:
    row, names, values = sizes.block(block.degree)
    if len(row) == len(block):
        return values
    columns = [
        np.concatenate([block.row.values, row]),
        *np.concatenate([block.variables.values, names]).T,
        np.repeat([0, 1], [len(block), len(row)]),
    ]
    # Sorted together, every term of the block stands just before its own size.
    order = np.lexsort(columns[::-1])
    here = np.flatnonzero(order < len(block))
    found = np.empty(len(block))
    found[order[here]] = values[order[here + 1] - len(block)]
    return found

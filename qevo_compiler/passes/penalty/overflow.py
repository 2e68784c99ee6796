"""Numbers so large that what later passes make of them would overflow."""

from __future__ import annotations

import numpy as np

from qevo_compiler.dialects.poly import Polynomials

# Squares of sums up to the first are finite, and so are sums of energies up to the second.
LARGEST_INPUT = 1e150
LARGEST_ENERGY = 1e300


def stays_below(p: Polynomials, limit: float) -> bool:
    """Whether the absolute values of all coefficients add up to at most `limit`; not so where one is NaN."""
    coefficients = [block.coefficients for block in p.terms]
    if sum([c.size * max(c.most, -c.least) for c in coefficients]) <= limit:
        return True
    with np.errstate(all="ignore"):
        return bool(sum(float(np.abs(block.coefficients.values).sum()) for block in p.terms) <= limit)

"""Persistency of multilinear polynomials of any degree over 0/1 bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.ir.deferred import kept

Integers = NDArray[np.integer]


def fixable_in(p: Polynomials, alive: NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """Bits whose derivative keeps its sign at every state of the others, and their best values as spins.

    The derivative of bit i is its linear coefficient plus, for every other monomial with i, the coefficient
    times a product in {0, 1}: the sums of negative and of positive coefficients bound it.
    """
    size = len(alive)
    least, most = np.zeros(size), np.zeros(size)
    for block in p.terms:
        names, coefficients = kept(block.variables), block.coefficients.elements()
        for slot in range(names.shape[1]):
            own = names[:, slot]
            if names.shape[1] == 1:
                least += np.bincount(own, coefficients, size)
                most += np.bincount(own, coefficients, size)
            else:
                least += np.bincount(own, np.minimum(coefficients, 0), size)
                most += np.bincount(own, np.maximum(coefficients, 0), size)
    down = alive & (least >= 0)
    up = alive & (most <= 0) & ~down
    bits = np.flatnonzero(down | up)
    return bits, np.where(up[bits], 1, -1)


def fixed_in(p: Polynomials, size: int, bits: Integers, spins: Integers) -> Polynomials:
    """Rows with `bits` at the given values: monomials with a 0 go, a 1 leaves its monomial."""
    zero, one = np.zeros(size, bool), np.zeros(size, bool)
    zero[bits[spins < 0]] = True
    one[bits[spins > 0]] = True
    blocks = []
    for block in p.terms:
        names, coefficients = kept(block.variables), block.coefficients.elements()
        keep = ~zero[names].any(axis=1)
        row, names, coefficients = block.row.values[keep], names[keep], coefficients[keep]
        stays = ~one[names]
        degrees = stays.sum(axis=1)
        for degree in np.unique(degrees).tolist():
            chosen = degrees == degree
            left = names[chosen][stays[chosen]].reshape(int(chosen.sum()), degree)
            blocks.append((row[chosen], left, coefficients[chosen]))
    return pack(p.rows, blocks)

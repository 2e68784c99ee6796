"""Write the products of a symbolic square as a model's couplings: once, in the form in which they are kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.ising.coupling_order import state_ascending
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.poly.pair_arrays import PairNames, PairProducts
from qevo_compiler.evaluator.terms.pair_kernels import written_pairs
from qevo_compiler.ir import Array
from qevo_compiler.ir.deferred import bounded


def written_square(p: Polynomials, kept: NDArray[np.integer] | None) -> tuple[Array, Array, Array] | None:
    """Rows, columns and values of the products of two, where a rule gives them that has not been followed yet.

    `kept` are the ascending numbers of the bits that a reduction leaves (None: all); they are numbered from 0 on.
    """
    block = next((block for block in p.terms if block.degree == 2), None)
    if block is None or not isinstance(block.variables, PairNames):
        return None
    products = block.coefficients
    if not isinstance(products, PairProducts) or products.formed:
        return None
    names = block.variables.names
    if kept is not None:
        names = np.searchsorted(kept, names).astype(np.int32)
    rows, columns, values = written_pairs(names, products.weights, products.factor)
    # The names ascend, so that the ends and the order of all pairs are known.
    first, second, last, end = names[[0, 1, -2, -1]].tolist()
    placed = bounded(rows, first, last), bounded(columns, second, end)
    state_ascending(*placed)
    return *placed, bounded(values, products.least, products.most)

"""The square of one affine form, written out directly: no sort, every coefficient once and in order."""

from __future__ import annotations

import numpy as np

from qevo_compiler.dialects.poly.expansion import Algebra, Expansion, Part
from qevo_compiler.evaluator.term_kernels import pair_products


def square_of_row(x: Expansion, algebra: Algebra) -> Expansion | None:
    """(a . x + b)^2 for one collected row over bits, or over spins; None for anything else.

    Over bits it is b^2 + sum (a_i^2 + 2 a_i b) x_i + sum 2 a_i a_j x_i x_j; over spins the squares of the a_i are
    constants.
    """
    if x.rows != 1 or not x.sorted or any(part.names.shape[1] > 1 for part in x.parts):
        return None
    constant = sum((float(part.weights().sum()) for part in x.parts if not part.names.shape[1]), 0.0)
    linear = [part for part in x.parts if part.names.shape[1]]
    if not linear or algebra.choice[linear[0].names].max() >= 0:
        return None
    names, weights = linear[0].names[:, 0], np.ascontiguousarray(linear[0].weights())
    spins = bool(algebra.spin[names].all())
    if not spins and not algebra.binary[names].all():
        return None
    squares, single = weights * weights, 2.0 * constant * weights
    fixed = constant * constant + (float(squares.sum()) if spins else 0.0)
    count = len(names)
    pairs, products = pair_products(np.arange(count), np.full(count, count), names, weights)
    blocks = (
        (np.zeros((1, 0), np.int32), np.array([fixed])),
        (names[:, None], single if spins else single + squares),
        (pairs, products),
    )
    parts = (Part(np.zeros(len(c), np.int32), found, c) for found, c in blocks if len(c))
    return Expansion(1, tuple(parts), sorted=True)

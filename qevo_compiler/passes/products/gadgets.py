"""The gadgets: quadratic terms whose least value over their auxiliaries is a product of three or more bits.

With S the number of ones among the members x_1 .. x_d, and every formula exact at each state of them:

- AND, carrying terms T z whose positive coefficients sum to P and negative to -N:
  P (x_1 x_2 - x_1 z - x_2 z + z) + N (d z - S z), with P = 0 unless d = 2. At S = d the gadget is P (1 - z) and
  T <= P, so z = 1 is best; below, z = 1 costs at least N more than z = 0 (the first part is never negative) and
  T >= -N. For P = N = M, d = 2 it is Rosenberg's; for a single negative monomial, T = -N, that of Kolmogorov and
  Zabih (2004) and Freedman and Drineas (2005).
- Ishikawa (2011), c > 0: c sum_{i<j} x_i x_j + c sum_m z_m (a_m (2 m - S) - 1) with m = 1 .. floor((d - 1) / 2),
  a_m = 2, but 1 for the last m of an odd d. z_m = 1 where S >= 2 m.
- Boros, Crama and Rodriguez-Heck (2019), c > 0, l = ceil(log2 d), s = 2^l - d, K = sum_{i=1}^{l-1} 2^i z_i:
  c (S + s - K)(S + s - K - 1) / 2. A product of neighbouring integers halved is never negative; K takes every
  even number up to 2^l - 2, so it reaches 0 for S < d, and 1 = 2 * 1 / 2 for S = d.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from qevo_compiler.passes.products.monomials import Floats, Kept, Later, Monomials, Names, Term

# Auxiliaries whose terms are made at a time.
_PIECE = 1 << 11


def log_auxiliaries(degree: int) -> int:
    """ceil(log2 d) - 1: how many auxiliaries the logarithmic gadget needs."""
    return (degree - 1).bit_length() - 1


def ishikawa_auxiliaries(degree: int) -> int:
    return (degree - 1) // 2


def and_gadget(members: Kept, first: int, positive: Floats, negative: Floats) -> list[Later]:
    """Auxiliaries first, first + 1, ... for the products of `members` [m, d], with their P and N [m]."""
    count, degree = members.shape
    pieces = [slice(start, min(start + _PIECE, count)) for start in range(0, count, _PIECE)]

    def z(here: slice) -> Names:
        return np.arange(first + here.start, first + here.stop, dtype=np.int32)

    def pull(place: int, here: slice) -> Term:
        pulled = positive[here] + negative[here] if degree == 2 else negative[here].copy()
        return _pair(members[here, place], z(here), np.negative(pulled, pulled))

    def pairs(here: slice) -> Term:
        some = here.start + np.flatnonzero(positive[here])
        return _pair(members[some, 0], members[some, 1], positive[some])

    def alone(here: slice) -> Term:
        pushed = degree * negative[here]
        return _single(z(here), np.add(positive[here], pushed, pushed) if degree == 2 else pushed)

    def later(make: Callable[[slice], Term], here: slice, names: int) -> Later:
        return Later(names, here.stop - here.start, partial(make, here))

    terms = [later(partial(pull, place), here, 2) for place in range(degree) for here in pieces]
    if degree == 2:
        terms += [Later(2, int(np.count_nonzero(positive[here])), partial(pairs, here)) for here in pieces]
    return [*terms, *(later(alone, here, 1) for here in pieces)]


def ishikawa_gadget(block: Monomials, z: Names) -> list[Term]:
    """Positive monomials with their auxiliaries z [m, floor((d - 1) / 2)]."""
    degree, c = block.degree, block.coefficients
    terms = _all_pairs(block)
    for m in range(1, z.shape[1] + 1):
        slope = 1 if degree % 2 and m == z.shape[1] else 2
        terms.append(_single(z[:, m - 1], c * (2 * m * slope - 1)))
        terms += [_pair(block.names[:, i], z[:, m - 1], -slope * c) for i in range(degree)]
    return terms


def log_gadget(block: Monomials, z: Names) -> list[Term]:
    """Positive monomials with their auxiliaries z [m, ceil(log2 d) - 1], expanded with x^2 = x."""
    degree, c = block.degree, block.coefficients
    shift = (1 << (z.shape[1] + 1)) - degree
    terms = [Term((), c * (shift * (shift - 1) / 2))]
    terms += _all_pairs(block)
    terms += [_single(block.names[:, i], c * float(shift)) for i in range(degree)]
    for k in range(z.shape[1]):
        digit = 2 << k
        terms.append(_single(z[:, k], c * ((digit * digit + digit) / 2 - shift * digit)))
        terms += [_pair(block.names[:, i], z[:, k], c * float(-digit)) for i in range(degree)]
        terms += [_pair(z[:, j], z[:, k], c * float(digit * (2 << j))) for j in range(k)]
    return terms


def _all_pairs(block: Monomials) -> list[Term]:
    left, right = np.triu_indices(block.degree, 1)
    return [_pair(block.names[:, i], block.names[:, j], block.coefficients) for i, j in zip(left, right, strict=True)]


def _pair(a: Kept, b: Kept, coefficients: Floats) -> Term:
    return Term((a, b), coefficients)


def _single(a: Kept, coefficients: Floats) -> Term:
    return Term((a,), coefficients)

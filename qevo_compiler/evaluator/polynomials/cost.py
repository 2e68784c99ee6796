"""Which code evaluates a family of polynomials: decisions from measured costs (docs/decisions/011)."""

from __future__ import annotations


def vectors_of_tile(count: int, lanes: int, most: int) -> int:
    """Vectors side by side for `count` points: as many as they fill, up to `most` (a power of two)."""
    vectors = most
    while vectors > 1 and count <= lanes * vectors // 2:
        vectors //= 2
    return vectors


def straight_pays(rows: int, monomials: int, calls: int) -> bool:
    """Whether `calls` evaluations at single points are worth straight-line code.

    It takes 50 ms and 0.1 ms a monomial to compile and saves about a microsecond a call, until its code leaves the
    cache; functions of few long rows compile and run worse.
    """
    short = monomials <= 3000 or (monomials <= 10_000 and monomials <= 200 * rows)
    return monomials > 0 and short and calls >= 50_000 + 100 * monomials

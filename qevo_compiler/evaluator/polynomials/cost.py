"""Which code evaluates a family of polynomials: decisions from measured costs (docs/decisions/007)."""

from __future__ import annotations


def vectors_of_tile(count: int, lanes: int, most: int) -> int:
    """Vectors side by side for `count` points: as many as they fill, up to `most` (a power of two)."""
    vectors = most
    while vectors > 1 and count <= lanes * vectors // 2:
        vectors //= 2
    return vectors


def straight_pays(rows: int, monomials: int) -> bool:
    """Whether single points are worth straight-line code, which takes 0.1 ms a monomial to compile once."""
    return 0 < monomials <= 3000 and monomials < 16 * rows

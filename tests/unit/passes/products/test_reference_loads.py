"""The specification's two large loads: at most the reference's auxiliaries, couplings and range, and proved exact."""

from __future__ import annotations

import dimod
import numpy as np
import pytest
from dwave.preprocessing.lower_bounds import roof_duality

from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.passes.quadratize import Method, Quadratize

BITS = 300


def load(count: int) -> tuple[Polynomials, dict[tuple[int, ...], float]]:
    """`count` distinct monomials of degree 3 and 4, coefficients +-1 .. +-10, as the specification draws them."""
    rng = np.random.default_rng(7)
    found: dict[tuple[int, ...], float] = {}
    while len(found) < count:
        size = 3 + int(rng.integers(2))
        names = tuple(sorted(rng.choice(BITS, size, replace=False).tolist()))
        found[names] = int(rng.integers(1, 11)) * (1.0 if rng.random() < 0.5 else -1.0)
    blocks = []
    for degree in (3, 4):
        chosen = [names for names in found if len(names) == degree]
        values = np.array([found[names] for names in chosen])
        blocks.append((np.zeros(len(chosen), np.int32), np.array(chosen, np.int32), values))
    return pack(1, blocks), found


def check_proved(quadratic: Polynomials, terms: dict[tuple[int, ...], float], filled: np.ndarray) -> None:
    """At the bits of `filled`: the auxiliaries reach the energy, and the roof dual bounds all of them from below."""
    size = len(filled)
    x = filled.astype(np.float64)
    expected = sum(c for names, c in terms.items() if x[list(names)].all())
    _, names, values = quadratic.block(1)
    linear = np.bincount(names[:, 0], values, size)
    _, pairs, values = quadratic.block(2)
    offset = float(quadratic.constants()[0])
    assert offset + linear @ x + values @ x[pairs].prod(axis=1) == pytest.approx(expected, abs=1e-6)
    inner, own = pairs.min(axis=1) >= BITS, pairs.max(axis=1) < BITS
    cross = ~inner & ~own
    field = linear[BITS:] + np.bincount(pairs[cross, 1] - BITS, values[cross] * x[pairs[cross, 0]], size - BITS)
    constant = offset + linear[:BITS] @ x[:BITS] + values[own] @ x[pairs[own]].prod(axis=1)
    vectors = (pairs[inner, 0] - BITS, pairs[inner, 1] - BITS, values[inner])
    bqm = dimod.BinaryQuadraticModel.from_numpy_vectors(field, vectors, constant, "BINARY")
    least, _ = roof_duality(bqm)
    assert least >= expected - 1e-6


def check_load(count: int, most: tuple[int, int, float], method: Method, states: int) -> None:
    p, terms = load(count)
    quadratic, auxiliaries = Quadratize(method).quadratized(p, BITS)
    assert auxiliaries is not None
    sizes = np.abs(np.concatenate([quadratic.block(1)[2], quadratic.block(2)[2]]))
    assert auxiliaries.count <= most[0]
    assert len(quadratic.block(2)[2]) <= most[1]
    assert sizes.max() / sizes.min() <= most[2]
    rng = np.random.default_rng(1)
    ones = np.zeros((states, BITS + auxiliaries.count), bool)
    ones[:, :BITS] = rng.random((states, BITS)) < np.linspace(0.2, 0.9, states)[:, None]
    for filled in auxiliaries.filled(ones, BITS):
        check_proved(quadratic, terms, filled)


def test_5000_terms() -> None:
    check_load(5_000, (4508, 19_942, 62.0), Method.HYBRID, 4)


@pytest.mark.parametrize("method", [Method.GREEDY, Method.TERMWISE])
def test_5000_terms_by_other_methods(method: Method) -> None:
    """Never more auxiliaries than the best pair-substituting peer has (5244)."""
    check_load(5_000, (5244, 28_000, 93.0), method, 2)


def test_50000_terms() -> None:
    check_load(50_000, (21_083, 109_592, 167.0), Method.HYBRID, 1)


@pytest.mark.slow
def test_50000_terms_at_many_states() -> None:
    check_load(50_000, (21_083, 109_592, 167.0), Method.HYBRID, 12)
    check_load(50_000, (25_086, 118_494, 172.0), Method.GREEDY, 4)

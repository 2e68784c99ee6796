"""Oracles for quadratizations: random polynomials over bits, and least energies by enumeration and by descent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.ising.auxiliaries import Auxiliaries
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.passes.quadratize import Quadratize

Ones = NDArray[np.bool_]


def random_terms(rng: np.random.Generator, bits: int, count: int, degree: int) -> dict[tuple[int, ...], float]:
    terms = {}
    for _ in range(count):
        size = int(rng.integers(0, min(degree, bits) + 1))
        names = tuple(sorted(rng.choice(bits, size, replace=False).tolist()))
        terms[names] = float(rng.integers(1, 10) * rng.choice([-1, 1]))
    return terms


def random_hubo(bits: int, count: int, degrees: tuple[int, ...], seed: int) -> Polynomials:
    """Distinct random monomials of the given degrees in equal parts, coefficients +-1 .. +-10."""
    rng = np.random.default_rng(seed)
    blocks = []
    for degree in degrees:
        names = np.argsort(rng.random((count // len(degrees), bits)), axis=1)[:, :degree]
        names = np.unique(np.sort(names, axis=1), axis=0).astype(np.int32)
        values = rng.integers(1, 11, len(names)) * rng.choice([-1.0, 1.0], len(names))
        blocks.append((np.zeros(len(names), np.int32), names, values))
    return pack(1, blocks)


def states(bits: int) -> Ones:
    """All states; state k has bit i in k >> i."""
    return ((np.arange(2**bits)[:, None] >> np.arange(bits)) & 1).astype(bool)


def energies(p: Polynomials, ones: Ones) -> NDArray[np.float64]:
    """The polynomial's values [states], term by term: no code of the package is asked."""
    total = np.zeros(len(ones))
    for block in p.terms:
        for names, c in zip(block.variables.values.tolist(), block.coefficients.values.tolist(), strict=True):
            total += c * ones[:, names].all(axis=1)
    return total


def least_energies(quadratic: Polynomials, bits: int, auxiliaries: int) -> NDArray[np.float64]:
    """For each state of the first bits the least energy over all states of the auxiliaries."""
    own, total = states(auxiliaries).astype(np.float64), bits + auxiliaries
    linear, matrix = np.zeros(total), np.zeros((total, total))
    _, names, values = quadratic.block(1)
    linear[names[:, 0]] = values
    _, pairs, values = quadratic.block(2)
    matrix[pairs[:, 0], pairs[:, 1]] = values
    inner = own @ linear[bits:] + ((own @ matrix[bits:, bits:]) * own).sum(axis=1)
    outer = states(bits).astype(np.float64)
    base = quadratic.constants()[0] + outer @ linear[:bits] + ((outer @ matrix[:bits, :bits]) * outer).sum(axis=1)
    return np.array(
        [e + (inner + own @ pull).min() for e, pull in zip(base, outer @ matrix[:bits, bits:], strict=True)]
    )


def check_exact(p: Polynomials, bits: int, step: Quadratize, most: int = 13) -> Auxiliaries | None:
    """Assert that a quadratization is exact: at every state, over all states of the auxiliaries.

    Beyond `most` auxiliaries only what they stand for is tried, with every single flip of them.
    """
    quadratic, auxiliaries = step.quadratized(p, bits)
    assert quadratic.degree <= 2
    if auxiliaries is None:
        assert p.degree <= 2
        return None
    auxiliaries.verify(bits)
    expected = energies(p, states(bits))
    if auxiliaries.count <= most:
        np.testing.assert_allclose(least_energies(quadratic, bits, auxiliaries.count), expected, atol=1e-9)
    ones = np.zeros((2**bits, bits + auxiliaries.count), bool)
    ones[:, :bits] = states(bits)
    check_recomputed(quadratic, auxiliaries, ones, bits, expected)
    return auxiliaries


def check_recomputed(
    quadratic: Polynomials, auxiliaries: Auxiliaries, ones: Ones, bits: int, expected: NDArray[np.float64]
) -> None:
    """Assert that recomputed auxiliaries give the expected energies and that no flip of one lowers any."""
    filled = auxiliaries.filled(ones, bits)
    np.testing.assert_array_equal(filled[:, :bits], ones[:, :bits])
    np.testing.assert_array_equal(auxiliaries.values(filled), filled[:, bits:])
    size = filled.shape[1]
    x = filled.astype(np.float64)
    _, names, single = quadratic.block(1)
    _, pairs, values = quadratic.block(2)
    linear = np.bincount(names[:, 0], single, size)
    for state, energy in zip(x, expected, strict=True):
        field = linear.copy()
        field += np.bincount(pairs[:, 0], values * state[pairs[:, 1]], size)
        field += np.bincount(pairs[:, 1], values * state[pairs[:, 0]], size)
        total = quadratic.constants()[0] + (state @ linear + state @ field) / 2
        np.testing.assert_allclose(total, energy, atol=1e-9 * (1 + np.abs(values).sum()))
        gain = field * (1 - 2 * state)
        assert gain[bits:].min(initial=0) >= -1e-9 * (1 + np.abs(values).max(initial=0))

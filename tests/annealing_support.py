"""Small models and statistics that the tests of the annealers share."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from qevo_compiler.dialects.poly import Polynomials, Vartype
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.evaluator.annealing.model import SpinModel
from qevo_compiler.evaluator.annealing.polynomial import PolynomialModel

Floats = NDArray[np.float64]
Spins = NDArray[np.int8]
# Decides one site: the probability that it flips, given how much a flip would raise beta E.
Acceptance = Callable[[Floats], Floats]


def random_model(size: int, density: float, seed: int, integer: bool = True) -> SpinModel:
    """Couplings between a part of all pairs, and fields."""
    rng = np.random.default_rng(seed)
    i, j = np.triu_indices(size, 1)
    kept = rng.random(len(i)) < density
    pairs = int(kept.sum())
    if integer:
        return SpinModel.from_pairs(rng.integers(-2, 3, size), i[kept], j[kept], rng.integers(-3, 4, pairs))
    return SpinModel.from_pairs(rng.normal(size=size), i[kept], j[kept], rng.normal(size=pairs), rng.normal())


def random_polynomial(size: int, counts: dict[int, int], seed: int, integer: bool = True) -> Polynomials:
    """`counts[d]` random terms of each degree d."""
    rng = np.random.default_rng(seed)
    blocks = []
    for degree, count in counts.items():
        members = [rng.choice(size, degree, replace=False) for _ in range(count)]
        values = rng.integers(-5, 6, count).astype(np.float64) if integer else rng.normal(size=count)
        variables = np.array(members, np.int32).reshape(count, degree)
        blocks.append((np.zeros(count, np.int32), variables, values))
    return pack(1, blocks)


def polynomial_model(size: int, counts: dict[int, int], seed: int, vartype: Vartype) -> PolynomialModel:
    return PolynomialModel.of(random_polynomial(size, counts, seed), vartype, size)


def all_states(size: int, vartype: Vartype = Vartype.SPIN) -> Spins:
    """[2^n, n], counting up with the first site as the highest bit."""
    low = -1 if vartype is Vartype.SPIN else 0
    return np.array(list(itertools.product((low, 1), repeat=size)), np.int8)


def numbers_of(states: Spins) -> NDArray[np.int64]:
    """Where each state stands in `all_states`."""
    return (states > 0).astype(np.int64) @ (1 << np.arange(states.shape[1])[::-1])


def boltzmann(energies: Floats) -> Floats:
    """exp(-E) over its sum: pass beta times the energies."""
    weights = np.exp(-(energies - energies.min()))
    return np.asarray(weights / weights.sum())


def chi_squared(counts: NDArray[np.int64], probabilities: Floats, least: float = 8.0) -> float:
    """The p-value of counts; the rarest states share a bin until `least` of them are expected there."""
    order = np.argsort(probabilities)
    expected, found = (probabilities * counts.sum())[order], counts[order].astype(np.float64)
    bins = np.zeros(len(expected), np.int64)
    filled, number = 0.0, 0
    for place, share in enumerate(expected):
        bins[place] = number
        filled += share
        if filled >= least:
            filled, number = 0.0, number + 1
    bins = np.minimum(bins, max(number - 1, 0))
    e, f = np.bincount(bins, expected), np.bincount(bins, found)
    if len(e) < 2:
        return 1.0 if f.sum() == counts.sum() else 0.0
    return float(stats.chi2.sf(((f - e) ** 2 / e).sum(), len(e) - 1))


def metropolis(raises: Floats) -> Floats:
    return np.minimum(1.0, np.exp(-raises))


def gibbs(raises: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(raises)))


def one_move(energies: Floats, turned: NDArray[np.int64], acceptance: Acceptance) -> Floats:
    """The matrix [from, to] of one proposal: state i may become state `turned[i]`; `energies` are beta E."""
    here = np.arange(len(energies))
    flips = acceptance(energies[turned] - energies)
    matrix = np.zeros((len(energies), len(energies)))
    matrix[here, turned] += flips
    matrix[here, here] += 1 - flips
    return matrix


def one_sweep(energies: Floats, size: int, acceptance: Acceptance, moves: list[int] | None = None) -> Floats:
    """All sites in order, or `moves`: masks of the bits (first site highest) that each proposal turns."""
    masks = [1 << (size - 1 - site) for site in range(size)] if moves is None else moves
    matrix = np.eye(len(energies))
    for mask in masks:
        matrix = matrix @ one_move(energies, np.arange(len(energies)) ^ mask, acceptance)
    return matrix


def transitions(before: Spins, after: Spins) -> NDArray[np.int64]:
    """Counts [from, to]."""
    states = 1 << before.shape[1]
    pairs = numbers_of(before) * states + numbers_of(after)
    return np.bincount(pairs, minlength=states * states).reshape(states, states)


def transition_p(counts: NDArray[np.int64], matrix: Floats) -> float:
    """The p-value of the counts of all rows together (Fisher), 0 if impossible things happened.

    A move that must be taken is missed once in 10^5: the resolution of the kernels' logarithms.
    """
    if counts[matrix < 1e-12].sum() > 1e-4 * counts.sum():
        return 0.0
    p = np.array([chi_squared(row, chances) for row, chances in zip(counts, matrix, strict=True)])
    return float(stats.chi2.sf(-2 * np.log(np.maximum(p, 1e-300)).sum(), 2 * len(p)))

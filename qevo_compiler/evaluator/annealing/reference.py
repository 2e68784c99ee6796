"""What the annealing kernels do, by numpy: the same random words, the same order, the same rounding.

States are [replicas, n]; every function starts from `states` and gives new ones. For comparison, not for use.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Vartype
from qevo_compiler.evaluator.annealing.acceptance import LOG2, Rule
from qevo_compiler.evaluator.annealing.model import DenseSpins, Floats, Singles, SpinModel
from qevo_compiler.evaluator.annealing.polynomial import PolynomialModel
from qevo_compiler.evaluator.annealing.runs import FLIPS, Spins
from qevo_compiler.evaluator.random import Words, key_words, threefry_reference

_SITES, _COUNTERS = 64, 16


def thresholds_reference(rule: Rule, words: Words) -> Singles:
    """`acceptance.threshold` of an array of words."""
    if rule is Rule.GREEDY:
        return np.zeros(words.shape, np.float32)
    if rule is Rule.METROPOLIS:
        return _log2_uniform(words)
    return _log2_uniform(words) - _log2_uniform(~words)


def sparse_reference(
    model: SpinModel, betas: Floats, states: Spins, seed: int, rule: Rule = Rule.METROPOLIS, first: int = 0
) -> Spins:
    """Sweeps as of `sparse_kernel`: a field is summed at a spin's turn. `first` is the number of the first sweep."""
    rows, spins = model.symmetric, states.astype(np.float32)
    slopes = (2 / np.log(2) * model.unit * betas).astype(np.float32)
    for sweep, slope in enumerate(slopes, first):
        for site in range(model.size):
            field = np.full(len(spins), model.unit_fields[site])
            for entry in range(rows.starts[site], rows.starts[site + 1]):
                field = _fma(rows.values[entry], spins[:, rows.columns[entry]], field)
            words = _words(seed, site // 4 * 4, sweep, len(spins))[:, site % 4]
            flips = slope * spins[:, site] * field > thresholds_reference(rule, words)
            spins[:, site] = np.where(flips, -spins[:, site], spins[:, site])
    return spins.astype(np.int8)


def dense_reference(model: DenseSpins, betas: Floats, states: Spins, seed: int, rule: Rule = Rule.METROPOLIS) -> Spins:
    """Sweeps as of `dense_kernel`: fields are kept up to date from flip to flip."""
    spins, matrix = states.astype(np.float32), model.matrix.astype(np.float32)
    fields = np.tile(model.fields, (len(spins), 1))
    for site in range(model.size):
        fields = _fma(spins[:, site, None], matrix[site], fields)
    temperatures = (np.log(2) / (2 * model.unit) / betas).astype(np.float32)
    for sweep, temperature in enumerate(temperatures):
        for site in range(model.size):
            block, place = divmod(site, _SITES)
            words = _words(seed, block * _COUNTERS + place % _COUNTERS, sweep, len(spins))[:, place // _COUNTERS]
            limits = thresholds_reference(rule, words) * temperature
            flips = spins[:, site] * fields[:, site] > limits
            change = np.where(flips, np.float32(-2) * spins[:, site], np.float32(0))
            spins[:, site] += change
            fields = _fma(change[:, None], matrix[site], fields)
    return spins.astype(np.int8)


def path_reference(
    model: SpinModel, slopes: Singles, bonds: Singles, lines: Spins, seed: int, rule: Rule = Rule.METROPOLIS
) -> Spins:
    """Sweeps as of `path_kernel` over `lines` [replicas, slices, n]; `slopes` and `bonds` are those of `actions`."""
    rows, spins = model.symmetric, lines.astype(np.float32)
    count, slices, size = spins.shape
    for sweep, (slope, bond) in enumerate(zip(slopes, bonds, strict=True)):
        for site in range(size):
            first = site // 4 * (slices + 1)
            fields = np.full((count, slices), model.unit_fields[site])
            for entry in range(rows.starts[site], rows.starts[site + 1]):
                fields = _fma(rows.values[entry], spins[:, :, rows.columns[entry]], fields)
            own = spins[:, :, site]
            for block in range(slices // 4):
                words = _words(seed, first + 1 + site % 4 * (slices // 4) + block, sweep, count)
                for u in (0, 2, 1, 3):
                    p = 4 * block + u
                    sides = own[:, p - 1] + own[:, (p + 1) % slices]
                    pull = _fma(-bond, sides, slope * fields[:, p])
                    flips = own[:, p] * pull > thresholds_reference(rule, words[:, u])
                    own[:, p] = np.where(flips, -own[:, p], own[:, p])
            action = np.zeros(count, np.float32)
            for p in range(slices):
                action = _fma(own[:, p], fields[:, p], action)
            words = _words(seed, first, sweep, count)[:, site % 4]
            flips = slope * action > thresholds_reference(rule, words)
            own[:] = np.where(flips[:, None], -own, own)
    return spins.astype(np.int8)


def polynomial_reference(
    model: PolynomialModel, betas: Floats, states: Spins, seed: int, rule: Rule = Rule.METROPOLIS
) -> Spins:
    """Sweeps as of `higher_kernel`."""
    spins, values = model.vartype is Vartype.SPIN, states.astype(np.float32)
    slopes = ((2 if spins else 1) / np.log(2) * model.unit * betas).astype(np.float32)
    for sweep, slope in enumerate(slopes):
        for site in range(model.size):
            total = _derivative(model, values, site)
            words = _words(seed, site // 4 * 4, sweep, len(values))[:, site % 4]
            own = values[:, site]
            sign = own if spins else own + own - np.float32(1)
            flips = slope * sign * total > thresholds_reference(rule, words)
            values[:, site] = np.where(flips, -own if spins else 1 - own, own)
    return values.astype(np.int8)


def _derivative(model: PolynomialModel, values: Singles, site: int) -> Singles:
    rows, kinds = model.entries, len(model.degrees)
    total = np.full(len(values), np.float32(model.fields[site] / model.unit))
    coefficients = (rows.values / model.unit).astype(np.float32)
    for number, degree in enumerate(model.degrees):
        segment = site * kinds + number
        start = int(rows.starts[segment])
        for entry in range(start, rows.starts[segment + 1]):
            at = rows.places[segment] + (entry - start) * (degree - 1)
            product = values[:, rows.members[at : at + degree - 1]].prod(axis=1, dtype=np.float32)
            total = _fma(coefficients[entry], product, total)
    return total


def _words(seed: int, number: int, sweep: int, replicas: int) -> NDArray[np.uint32]:
    counters = np.zeros((replicas, 4), np.uint32)
    counters[:, 0], counters[:, 1], counters[:, 2] = number, sweep, np.arange(replicas)
    return threefry_reference(key_words(seed, FLIPS), counters)


def _log2_uniform(words: Words) -> Singles:
    bits = ((words >> np.uint32(1)) | np.uint32(1)).astype(np.float32).view(np.uint32)
    exponent = (bits >> np.uint32(23)).astype(np.float32) - np.float32(127 + 31)
    fraction = ((bits & np.uint32(0x7FFFFF)) | np.uint32(0x3F800000)).view(np.float32) - np.float32(1)
    q = np.full(words.shape, np.float32(LOG2[-1]))
    for coefficient in LOG2[-2::-1]:
        q = _fma(q, fraction, np.float32(coefficient))
    return _fma(fraction, q, exponent)


def _fma(a: Singles | np.float32, b: Singles, c: Singles | np.float32) -> Singles:
    """a b + c rounded once: the product is exact in 64 bits, and so, nearly always, is what the sum loses."""
    return np.asarray(np.float64(a) * np.float64(b) + np.float64(c), np.float32)

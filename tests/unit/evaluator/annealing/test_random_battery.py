"""Threefry: published answers, kernels against numpy, and the usual battery over replicas, sites and sweeps.

The battery reads words in the order of one axis of the counter at a time, as neighbouring lanes, sites or sweeps
meet them. It is shown to be sharp: the same generator with too few rounds fails it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from qevo_compiler.evaluator.annealing.acceptance import KEY, Rule, draw, threshold
from qevo_compiler.evaluator.annealing.reference import thresholds_reference
from qevo_compiler.evaluator.annealing.runs import FIRST_STATES, FLIPS, flip_key
from qevo_compiler.evaluator.llvm import Kernel, compiled, i32, i64, ptr, vec
from qevo_compiler.evaluator.random import ROUNDS, key_words, threefry, threefry_reference

Words = NDArray[np.uint32]

# From the authors' own list of known answers (Random123, kat_vectors), 20 rounds: counter, key, words.
ONES = [0xFFFFFFFF] * 4
KNOWN = [
    ([0] * 4, [0] * 4, [0x9C6CA96A, 0xE17EAE66, 0xFC10ECD4, 0x5256A7D8]),
    (ONES, ONES, [0x2A881696, 0x57012287, 0xF6C7446E, 0xA16A6732]),
]
LANES = [1, 2, 4, 8, 16]
# Sites, sweeps, replicas of the battery.
SHAPE = (64, 64, 64)
ENOUGH = 1e-4
TOO_FEW = 4


def written(lanes: int, rounds: int) -> Callable[[Words, Words], Words]:
    """words [4, lanes] of counters [4, lanes] under a key [4], by a kernel."""
    k = Kernel(f"threefry_{rounds}_{lanes}", key=ptr, counter=ptr, words=ptr)
    type = vec(i32, lanes)
    key = [k.load(i32, k.key, n).splat(lanes) for n in range(4)]
    counter = [k.load(type, k.counter, n * lanes) for n in range(4)]
    for n, word in enumerate(threefry(k, key, counter, rounds)):
        k.store(word, k.words, n * lanes)
    kernel = compiled(k)

    def call(key: Words, counter: Words) -> Words:
        words = np.empty((4, lanes), np.uint32)
        kernel(key, np.ascontiguousarray(counter), words)
        return words

    return call


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_known_answers(counter: list[int], key: list[int], words: list[int]) -> None:
    assert threefry_reference(key, counter, 20).tolist() == words
    for lanes in LANES:
        counters = np.tile(np.array(counter, np.uint32)[:, None], lanes)
        found = written(lanes, 20)(np.array(key, np.uint32), counters)
        assert (found == np.array(words, np.uint32)[:, None]).all()


@pytest.mark.parametrize("lanes", LANES)
def test_kernels_write_the_words_of_numpy(lanes: int) -> None:
    rng = np.random.default_rng(lanes)
    for rounds in (ROUNDS, 20):
        key = rng.integers(0, 2**32, 4, np.uint32)
        counters = rng.integers(0, 2**32, (4, lanes), np.uint32)
        assert np.array_equal(written(lanes, rounds)(key, counters), threefry_reference(key, counters.T, rounds).T)


@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_drawn_thresholds_are_those_of_the_reference(lanes: int) -> None:
    for rule in (Rule.METROPOLIS, Rule.GIBBS):
        k = Kernel(f"draws_{rule.value}_{lanes}", count=i64, **KEY, words=ptr, limits=ptr)
        with k.range(0, k.count, lanes) as first:
            numbers = k.lane_numbers(vec(i32, lanes)) + first.to(i32)
            for n, word in enumerate(draw(k, lanes, (numbers, k.constant(i32, 3), k.constant(i32, 9)))):
                k.store(word, k.words, k.count * n + first)
                k.store(threshold(k, rule, word), k.limits, k.count * n + first)
        words, limits = np.empty((4, 4096), np.uint32), np.empty((4, 4096), np.float32)
        compiled(k)(4096, *flip_key(77), words, limits)
        counters = np.stack([np.arange(4096), np.full(4096, 3), np.full(4096, 9), np.zeros(4096, int)], axis=1)
        assert np.array_equal(words, threefry_reference(key_words(77, FLIPS), counters).T)
        assert np.array_equal(limits, thresholds_reference(rule, words))


@pytest.mark.parametrize("rule", [Rule.METROPOLIS, Rule.GIBBS])
def test_thresholds_are_logarithms(rule: Rule) -> None:
    words = np.random.default_rng(1).integers(0, 2**32, 200_000, np.uint32)
    u = ((words >> 1) | 1).astype(np.float64) / 2**31
    exact = np.log2(u)
    if rule is Rule.GIBBS:
        exact = exact - np.log2(((~words >> 1) | 1).astype(np.float64) / 2**31)
    # Each logarithm is off by 1.6e-5 at most; a sum near 30 is rounded by 1e-6.
    bound = 1.7e-5 if rule is Rule.METROPOLIS else 3.4e-5
    assert np.abs(thresholds_reference(rule, words) - exact).max() < bound


def battery_words(rounds: int, stream: int = FLIPS, seed: int = 12345) -> Words:
    """[sites, sweeps, replicas, 4]."""
    axes = np.meshgrid(*(np.arange(n, dtype=np.uint32) for n in SHAPE), np.zeros(1, np.uint32), indexing="ij")
    return threefry_reference(key_words(seed, stream), np.stack([a[..., 0] for a in axes], axis=-1), rounds)


def along(words: Words, axis: str) -> Words:
    """All words as one sequence in which that axis runs fastest."""
    order = {"replicas": (3, 0, 1, 2), "sites": (3, 1, 2, 0), "sweeps": (3, 0, 2, 1), "words": (0, 1, 2, 3)}[axis]
    return np.ascontiguousarray(words.transpose(order)).reshape(-1)


def bits_of(words: Words) -> NDArray[np.uint8]:
    return np.unpackbits(words.astype(">u4").view(np.uint8))


def monobit(words: Words) -> float:
    bits = bits_of(words)
    return float(2 * stats.norm.sf(abs(2.0 * bits.sum() - bits.size) / np.sqrt(bits.size)))


def runs(words: Words) -> float:
    """Changes between the top bits of neighbours, and between those of the lowest bits."""
    worst = 1.0
    for shift in (31, 0):
        bits = (words >> np.uint32(shift)) & np.uint32(1)
        changes = int((bits[1:] != bits[:-1]).sum())
        n = bits.size - 1
        worst = min(worst, float(2 * stats.norm.sf(abs(2.0 * changes - n) / np.sqrt(n))))
    return min(1.0, 2 * worst)


def serial(words: Words) -> float:
    """Correlation of uniform numbers with the next one, and with those 2, 4, 16 and 64 on."""
    u = words / 2.0**32 - 0.5
    lags = (1, 2, 4, 16, 64)
    z = [abs(float((u[:-lag] * u[lag:]).sum())) * 12 / np.sqrt(u.size - lag) for lag in lags]
    return min(1.0, len(lags) * float(2 * stats.norm.sf(max(z))))


def bitwise(words: Words) -> float:
    """Each of the 32 bits of the exclusive or of neighbours is as often 0 as 1."""
    differences = words[1:] ^ words[:-1]
    ones = np.array([((differences >> np.uint32(b)) & np.uint32(1)).sum() for b in range(32)], np.float64)
    z = np.abs(2 * ones - differences.size) / np.sqrt(differences.size)
    return min(1.0, 32 * float(2 * stats.norm.sf(z.max())))


def byte_counts(words: Words) -> float:
    counts = np.bincount(words.astype("<u4").view(np.uint8), minlength=256)
    return float(stats.chisquare(counts).pvalue)


def byte_pairs(words: Words) -> float:
    """Top bytes of neighbours, as pairs."""
    top = (words >> np.uint32(24)).astype(np.int64)
    counts = np.bincount(top[:-1:2] * 256 + top[1::2], minlength=1 << 16)
    return float(stats.chisquare(counts).pvalue)


def birthdays(words: Words) -> float:
    """Marsaglia's spacings: 4096 days of a year of 2^32, repeated spacings are Poisson with mean 4."""
    days = np.sort(words[: words.size // 4096 * 4096].reshape(-1, 4096), axis=1).astype(np.int64)
    spacings = np.sort(np.diff(days, axis=1), axis=1)
    repeats = (np.diff(spacings, axis=1) == 0).sum(axis=1)
    top = 10
    counts = np.bincount(np.minimum(repeats, top), minlength=top + 1)
    chances = np.append(stats.poisson.pmf(np.arange(top), 4.0), stats.poisson.sf(top - 1, 4.0))
    return float(stats.chisquare(counts, chances * counts.sum()).pvalue)


BATTERY = [monobit, runs, serial, bitwise, byte_counts, byte_pairs, birthdays]
AXES = ["replicas", "sites", "sweeps", "words"]


@pytest.fixture(scope="module")
def words() -> Words:
    return battery_words(ROUNDS)


@pytest.mark.parametrize("axis", AXES)
def test_the_battery_passes(words: Words, axis: str) -> None:
    sequence = along(words, axis)
    assert {test.__name__: p for test in BATTERY if (p := test(sequence)) < ENOUGH} == {}


def test_the_battery_finds_too_few_rounds() -> None:
    poor = battery_words(TOO_FEW)
    for axis in AXES[:3]:
        assert min(test(along(poor, axis)) for test in BATTERY) < 1e-12


def test_streams_and_seeds_are_strangers(words: Words) -> None:
    flat = along(words, "words")
    for other in (battery_words(ROUNDS, FIRST_STATES), battery_words(ROUNDS, seed=12346)):
        mixed = np.stack([flat, along(other, "words")], axis=1).reshape(-1)
        assert min(test(mixed) for test in (runs, serial, bitwise, byte_pairs)) > ENOUGH
        assert not (along(other, "words") == flat).any() or np.mean(along(other, "words") == flat) < 1e-5

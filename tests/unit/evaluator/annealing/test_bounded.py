"""Annealing with bounds and flips of pairs: the distribution, the ladders, and which pairs a sweep proposes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from annealing_support import all_states, boltzmann, chi_squared, numbers_of, random_model
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.evaluator.annealing import bounded_kernel
from qevo_compiler.evaluator.annealing.acceptance import Rule, threshold
from qevo_compiler.evaluator.annealing.bounded import anneal_bounded, temper_bounded
from qevo_compiler.evaluator.annealing.bounded_kernel import bounded_sweeps
from qevo_compiler.evaluator.annealing.bounded_model import BoundedModel
from qevo_compiler.evaluator.annealing.bounded_walk import Walk
from qevo_compiler.evaluator.annealing.energies import energies
from qevo_compiler.evaluator.annealing.mates import Mates
from qevo_compiler.evaluator.annealing.runs import flip_key
from qevo_compiler.evaluator.llvm import Kernel, Operand

ENOUGH = 1e-3
IMPOSSIBLE = 1e-9


def bounded_model(size: int, seed: int) -> BoundedModel:
    """Random couplings, an equation over the first spins and two inequalities."""
    rng = np.random.default_rng(seed)
    members = [np.arange(size // 2), np.arange(1, size), rng.choice(size, size // 2, replace=False)]
    rows = np.repeat(np.arange(3), [len(part) for part in members]).astype(np.int32)
    sites = np.concatenate(members).astype(np.int32)
    weights = np.where(rows == 0, 0.5, rng.integers(1, 4, len(sites)) / 2)
    bases = np.array([len(members[0]) / 2 - 1, 0.0, 1.0])
    widths, penalties = np.array([0.0, 2.0, 3.0]), np.array([0.8, 0.4, 0.6])
    return BoundedModel(
        random_model(size, 0.5, seed, integer=False),
        random_model(size, 0.3, seed + 100, integer=False),
        bases,
        widths,
        penalties,
        rows,
        sites,
        weights,
        Mates(rows, sites),
    )


def bounded_p(model: BoundedModel, beta: float) -> float:
    found = anneal_bounded(model, 60, 60_000, 5, betas=np.full(60, beta), polish=False, threads=1)
    chances = boltzmann(beta * model.energies(all_states(model.size)))
    return chi_squared(np.bincount(numbers_of(found), minlength=len(chances)), chances)


def test_energies_are_those_of_the_definition() -> None:
    model = bounded_model(6, 1)
    for state in all_states(6)[::7]:
        total = energies(model.pairs, state[None])[0] + energies(model.hard, state[None])[0]
        for row in range(3):
            value = model.bases[row] + sum(
                w * state[i] for r, i, w in zip(model.rows, model.sites, model.weights, strict=True) if r == row
            )
            outside = max(value, -model.widths[row] - value, 0)
            total += model.penalties[row] * outside**2
        assert model.energies(state[None])[0] == pytest.approx(total)


@pytest.mark.parametrize("seed", [1, 2])
def test_samples_with_flips_of_pairs_follow_boltzmann(seed: int) -> None:
    assert bounded_p(bounded_model(8, seed), 0.5) > ENOUGH


def test_sums_beyond_32_bits_do_not_drift() -> None:
    """Each flip of these rounds the sums of rows, which would end some thousands off."""
    size, rng = 24, np.random.default_rng(2)
    weights = rng.integers(10**7, 10**8, size) / 2
    rows, sites = np.zeros(size, np.int32), np.arange(size, dtype=np.int32)
    pairs = random_model(size, 0.3, 1, integer=False)
    none = np.zeros(1)
    model = BoundedModel(pairs, pairs, none, none + 100, none + 1e-12, rows, sites, weights, Mates(rows, sites))
    assert not model.exact
    walk = Walk(model)
    states = np.ones((walk.group.width, size), np.int8)
    group = walk.load(states)
    one = np.full((1, walk.group.width), 1e-3, np.float32)
    for sweep in range(300):
        walk.sweep(Rule.METROPOLIS, one, one, sweep, 0, flip_key(1), group)
    assert group.sums[0] == pytest.approx(model.sums(walk.group.unload(group.spins))[:, 0], abs=64)


def test_a_biased_acceptance_of_pairs_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = itertools.count()

    def low(k: Kernel, rule: Rule, words: Operand) -> Operand:
        # The first four calls of a kernel's text are those of single flips.
        return threshold(k, rule, words) * (1.1 if next(calls) % 5 == 4 else 1.0)

    monkeypatch.setattr(bounded_kernel, "threshold", low)
    bounded_sweeps.cache_clear()
    try:
        assert bounded_p(bounded_model(8, 1), 0.5) < IMPOSSIBLE
    finally:
        bounded_sweeps.cache_clear()


def test_ladders_find_the_lowest_states() -> None:
    for seed in range(5):
        model = bounded_model(10, seed)
        least = model.energies(all_states(10)).min()
        assert model.energies(temper_bounded(model, 400, 3, seed)) == pytest.approx(np.full(3, least))


def test_ladders_do_not_depend_on_threads_or_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    model = bounded_model(12, 4)
    found = []
    for bits, threads in (("128", 1), ("256", 4), ("512", 2)):
        monkeypatch.setenv("QEVO_VECTOR_BITS", bits)
        found.append(temper_bounded(model, 40, 3, 3, threads=threads))
    assert all(np.array_equal(found[0], other) for other in found)


@given(st.sets(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=25), st.integers(0, 50))
@settings(deadline=None)
def test_every_two_spins_of_a_row_meet(entries: set[tuple[int, int]], first: int) -> None:
    rows, sites = (np.array([entry[k] for entry in sorted(entries)], np.int32) for k in (0, 1))
    mates = Mates(rows, sites)
    joined = {(a, b) for row in set(rows.tolist()) for a, b in itertools.permutations(sites[rows == row].tolist(), 2)}
    assert mates.count == len({a for a, _ in joined})
    # Five rows of at most ten spins: then every spin has been through the nine others of each of its rows.
    pairs = mates.pairs(first, first + 5 * 10)
    assert pairs.shape[1:] == (mates.count, 2)
    assert {(int(a), int(b)) for a, b in np.unique(pairs.reshape(-1, 2), axis=0)} == joined
    assert np.array_equal(pairs[3:7], mates.pairs(first + 3, first + 7))


def test_mates_without_some_spins_are_those_of_the_others() -> None:
    rows, sites = np.array([0, 0, 0, 1, 1], np.int32), np.array([0, 1, 2, 1, 3], np.int32)
    left = Mates(rows, sites).without(np.arange(4) == 1)
    # Row 1 has one spin left, which has no mate there.
    assert {tuple(pair) for pair in left.pairs(0, 4).reshape(-1, 2).tolist()} == {(0, 2), (2, 0)}

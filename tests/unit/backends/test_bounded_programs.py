"""Slack at its best value: the same energies as the emitted model, whose slack bits are filled in."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.backends.base import energies_of
from qevo_compiler.backends.bounded import bounded_program
from qevo_compiler.backends.enumeration import lowest
from qevo_compiler.backends.local import LocalBackend
from qevo_compiler.dialects.ising import ModelOp, RegisterOp, Role
from qevo_compiler.driver import compile
from qevo_compiler.evaluator.annealing import Method
from qevo_compiler.evaluator.annealing.bounded import BoundedModel, anneal_bounded

KNAPSACK = """program knapsack
var x: binary[{n}]
maximize {gain} + 3 * x[0] * x[1]
subject to
  fits: {load} <= {capacity}
  some: sum(x[i] for i in 0..{last}) >= 2
"""
THREE = (
    "program p\nvar x: binary[5]\nminimize x[0] * x[1] * x[2]\nsubject to\n  c: 2 * x[0] + 3 * x[1] + 4 * x[3] <= 7\n"
)
REAL = "program p\nvar x: binary[4]\nminimize x[0]\nsubject to\n  c: 0.3 * x[0] + 0.45 * x[1] + 0.21 * x[2] <= 0.8\n"


def program(weights: list[int], values: list[int], capacity: int, level: int = 1):
    load, gain = (" + ".join(f"{c} * x[{i}]" for i, c in enumerate(part)) for part in (weights, values))
    n = len(weights)
    text = KNAPSACK.format(n=n, last=n - 1, load=load, gain=gain, capacity=capacity)
    return compile(text, level=level)


def energy(model: BoundedModel, states: np.ndarray) -> np.ndarray:
    """By the definition, one row at a time."""
    total = energies_of_pairs(model, states)
    for row in range(len(model.bases)):
        here = model.rows == row
        sums = model.bases[row] + states[:, model.sites[here]] @ model.weights[here]
        distance = np.maximum(np.maximum(sums, -model.widths[row] - sums), 0)
        total = total + model.penalties[row] * distance**2
    return total


def energies_of_pairs(model: BoundedModel, states: np.ndarray) -> np.ndarray:
    pairs, s = model.pairs, states.astype(float)
    return pairs.offset + s @ pairs.fields + (s[:, pairs.rows] * s[:, pairs.columns]) @ pairs.couplings


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=3, max_size=6),
    st.integers(2, 20),
    st.sampled_from([0, 1, 2]),
)
@settings(max_examples=30, deadline=None)
def test_energies_are_those_of_the_emitted_model_at_the_best_slack(
    items: list[tuple[int, int]], capacity: int, level: int
) -> None:
    compiled = program([w for w, _ in items], [v for _, v in items], capacity, level)
    bounded = bounded_program(compiled.module)
    if bounded is None:
        return
    count = len(bounded.decisions)
    states = np.array(list(itertools.product((-1, 1), repeat=count)), np.int8)
    samples = bounded.samples(states)
    emitted = compiled.module.main.only(ModelOp)
    expected = energy(bounded.model, states)
    if level == 0:
        assert energies_of(emitted, samples) / emitted.scale == pytest.approx(expected)
    # No slack is better than the one that was filled in.
    slack = np.concatenate(
        [np.arange(r.first, r.first + r.count) for r in compiled.module.main.ops_of(RegisterOp) if r.role is Role.SLACK]
    )
    spins = bounded.numbering.place[slack]
    for spin in spins[spins >= 0].tolist():
        turned = samples.copy()
        turned[:, spin] *= -1
        assert (energies_of(emitted, turned) >= energies_of(emitted, samples) - 1e-9).all()
    assert energies_of(emitted, samples).min() == pytest.approx(lowest(emitted, 1).energies[0])


def test_knapsacks_are_solved_where_slack_bits_would_freeze() -> None:
    rng = np.random.default_rng(1)
    weights, values = rng.integers(20, 60, 24).tolist(), rng.integers(10, 90, 24).tolist()
    compiled = program(weights, values, 500)
    assert bounded_program(compiled.module) is not None
    # Dynamic programming by weight and whether items 0 and 1 are both in.
    reach: dict[tuple[int, int], int] = {(0, 0): 0}
    for i, (w, v) in enumerate(zip(weights, values, strict=True)):
        more = {}
        for (load, pair), value in reach.items():
            new = (load + w, pair + (i < 2))
            if new[0] <= 500:
                more[new] = max(more.get(new, -1), value + v)
        for key, value in more.items():
            reach[key] = max(reach.get(key, -1), value)
    optimum = max(value + 3 * (pair == 2) for (_, pair), value in reach.items())
    found = compiled.run(reads=50, seed=1, sweeps=2000)
    assert found.best.feasible
    assert found.best.objective == optimum


def test_samples_do_not_depend_on_threads_or_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = program([3, 5, 7, 9, 11, 4, 6], [4, 2, 8, 7, 9, 1, 5], 20)
    bounded = bounded_program(compiled.module)
    assert bounded is not None
    found = []
    for bits, threads in itertools.product(("128", "256", "512"), (1, 2, 4)):
        monkeypatch.setenv("QEVO_VECTOR_BITS", bits)
        found.append(anneal_bounded(bounded.model, 50, 37, 3, threads=threads))
    assert all(np.array_equal(found[0], other) for other in found)
    assert np.array_equal(anneal_bounded(bounded.model, 50, 5, 3), found[0][:5])


def test_a_chosen_method_samples_the_emitted_model_itself() -> None:
    compiled = program([3, 5, 7, 9, 11, 4, 6, 8, 2], [4, 2, 8, 7, 9, 1, 5, 3, 6], 20)
    auto = LocalBackend().sample(compiled.module, 20, 1, 50)
    plain = LocalBackend(method=Method.ANNEALING).sample(compiled.module, 20, 1, 50)
    model = compiled.module.main.only(ModelOp)
    for found in (auto, plain):
        assert found.energies == pytest.approx(energies_of(model, found.spins))
    assert auto.energies.mean() < plain.energies.mean()


@pytest.mark.parametrize(
    "text",
    [
        "program p\nvar x: binary[4]\nminimize sum(x[i] for i in 0..3)\n",
        "program p\nvar s: spin[4]\nminimize s[0] * s[1]\nsubject to\n  c: s[0] + 2 * s[1] + 3 * s[2] <= 2\n",
        THREE,
        REAL,
    ],
)
def test_what_does_not_fit_is_sampled_as_it_is(text: str) -> None:
    assert bounded_program(compile(text, level=0).module) is None

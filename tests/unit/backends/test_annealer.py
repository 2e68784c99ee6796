"""The annealer as Ocean's users see it: a dimod sampler with their vocabulary."""

from __future__ import annotations

import dimod
import numpy as np
import pytest
from dimod.testing import assert_sampler_api, assert_sampleset_energies
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.backends.local import Annealer

METHODS = ("auto", "annealing", "tempering", "tabu", "path-integral", "descent")


def glass(size: int, seed: int, degree: int = 4, vartype: str = "SPIN") -> dimod.BinaryQuadraticModel:
    rng = np.random.default_rng(seed)
    bqm = dimod.BinaryQuadraticModel(vartype)
    for i in range(size):
        bqm.add_variable(f"v{i}", rng.normal())
        for j in rng.integers(0, size, degree // 2).tolist():
            if i != j:
                bqm.add_interaction(f"v{i}", f"v{j}", rng.normal())
    bqm.offset = 1.5
    return bqm


def test_it_is_a_sampler() -> None:
    assert_sampler_api(Annealer())
    assert isinstance(Annealer(), dimod.Initialized)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
def test_energies_are_the_models(method: str, vartype: str) -> None:
    bqm = glass(40, 1, vartype=vartype)
    found = Annealer().sample(bqm, num_reads=7, num_sweeps=50, seed=3, method=method)
    assert len(found) == 7
    assert found.vartype is bqm.vartype
    assert_sampleset_energies(found, bqm, precision=9)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "descent"])
def test_small_models_are_solved(method: str) -> None:
    for seed in range(5):
        bqm = glass(14, seed, degree=8)
        exact = dimod.ExactSolver().sample(bqm).first.energy
        found = Annealer().sample(bqm, num_reads=20, num_sweeps=300, seed=seed, method=method)
        assert found.first.energy == pytest.approx(exact)


@given(st.integers(0, 2**63 - 1), st.sampled_from(METHODS))
@settings(max_examples=10, deadline=None)
def test_the_seed_decides(seed: int, method: str) -> None:
    bqm = glass(30, 5)
    first, again, one = (
        Annealer().sample(bqm, num_reads=5, num_sweeps=20, seed=seed, method=method, threads=threads)
        for threads in (None, None, 1)
    )
    assert first.info["seed"] == seed
    assert np.array_equal(first.record.sample, again.record.sample)
    assert np.array_equal(first.record.sample, one.record.sample)


def test_a_drawn_seed_repeats_the_run() -> None:
    bqm = glass(60, 2)
    drawn = Annealer().sample(bqm, num_reads=4, num_sweeps=5)
    again = Annealer().sample(bqm, num_reads=4, num_sweeps=5, seed=drawn.info["seed"])
    assert np.array_equal(drawn.record.sample, again.record.sample)


def test_a_cold_start_stays_where_it_is() -> None:
    bqm = glass(50, 3)
    best = Annealer().sample(bqm, num_reads=10, seed=1).truncate(1)
    kept = Annealer().sample(
        bqm, initial_states=best, num_reads=3, initial_states_generator="tile", beta_range=(1e4, 1e5), seed=0
    )
    assert len(kept) == 3
    assert kept.record.energy == pytest.approx(best.first.energy)


def test_schedules() -> None:
    bqm = glass(50, 3)
    given = {"num_reads": 3, "seed": 4}
    custom = Annealer().sample(
        bqm, beta_schedule_type="custom", beta_schedule=[0.1, 1.0], num_sweeps_per_beta=5, **given
    )
    held = Annealer().sample(bqm, beta_range=(0.1, 1.0), num_sweeps=10, num_sweeps_per_beta=5, **given)
    assert np.array_equal(custom.record.sample, held.record.sample)
    assert custom.info["beta_range"] == [0.1, 1.0]
    linear = Annealer().sample(bqm, beta_schedule_type="linear", num_sweeps=10, **given)
    gibbs = Annealer().sample(bqm, proposal_acceptance_criteria="Gibbs", num_sweeps=10, **given)
    for found in (linear, gibbs):
        assert_sampleset_energies(found, bqm, precision=9)


@pytest.mark.parametrize(
    "options",
    [
        {"num_reads": 0},
        {"num_sweeps": 0},
        {"seed": -1},
        {"seed": 2**63},
        {"beta_range": (0, 1)},
        {"beta_schedule_type": "custom"},
        {"beta_schedule": [1.0]},
        {"beta_schedule_type": "custom", "beta_schedule": [-1.0]},
        {"beta_schedule_type": "custom", "beta_schedule": [1.0], "num_sweeps": 2},
        {"beta_schedule_type": "cubic"},
        {"num_sweeps": 5, "num_sweeps_per_beta": 2},
        {"method": "magic"},
        {"proposal_acceptance_criteria": "Magic"},
        {"sweeps": 3},
    ],
)
def test_bad_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Annealer().sample(glass(5, 0), **options)


def test_an_interrupt_gives_what_is_there() -> None:
    bqm = glass(200, 1)
    found = Annealer().sample(bqm, num_reads=4, num_sweeps=10**7, seed=1, interrupt_function=lambda: True)
    assert len(found) == 4
    assert_sampleset_energies(found, bqm, precision=9)


@pytest.mark.parametrize("size", [0, 1, 2])
@pytest.mark.parametrize("method", METHODS)
def test_tiny_models(size: int, method: str) -> None:
    bqm = dimod.BinaryQuadraticModel({f"v{i}": 1.0 for i in range(size)}, {}, 0.5, "SPIN")
    found = Annealer().sample(bqm, num_reads=3, num_sweeps=10, seed=0, method=method)
    assert found.record.energy.tolist() == [0.5 - size] * 3
    assert list(found.variables) == list(bqm.variables)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, object])
def test_bits_are_restated_in_double_precision(dtype: type) -> None:
    """A coefficient of 1e9 beside one of 1: halves of single precision would swallow the 1 and the offset."""
    bqm = dimod.BinaryQuadraticModel({"a": 1e9, "b": -1.0}, {("a", "b"): -0.5}, -3.25, "BINARY", dtype=dtype)
    found = Annealer().sample(bqm, num_reads=5, seed=1)
    assert found.first.sample == {"a": 0, "b": 1}
    assert found.first.energy == pytest.approx(-4.25, abs=1e-6)


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("error")
def test_numbers_at_the_ends_of_the_range(method: str, vartype: str) -> None:
    for a, b, ab in [(1e300, -1e300, 1e300), (1e-290, -3e-290, 1e-300), (1.0, -1e-30, 0.25), (2.0**60, 1.0, -3.0)]:
        bqm = dimod.BinaryQuadraticModel({"a": a, "b": b}, {("a", "b"): ab}, 0.0, vartype)
        best = dimod.ExactSolver().sample(bqm).first
        found = Annealer().sample(bqm, num_reads=16, num_sweeps=100, seed=2, method=method).first
        assert bqm.energy(found.sample) == pytest.approx(best.energy, rel=1e-9, abs=0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_models_that_are_not_finite_are_refused(bad: float) -> None:
    for bqm in (
        dimod.BinaryQuadraticModel({"a": bad}, {}, 0.0, "SPIN"),
        dimod.BinaryQuadraticModel({"a": 1.0}, {("a", "b"): bad}, 0.0, "BINARY"),
        dimod.BinaryQuadraticModel({"a": 1.0}, {}, bad, "SPIN"),
    ):
        with pytest.raises(ValueError, match="finite"):
            Annealer().sample(bqm)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"num_reads": 2.5}, "num_reads"),
        ({"seed": 1.5}, "seed"),
        ({"threads": 0}, "threads"),
        ({"method": "foo"}, "method.*tempering.*foo"),
        ({"proposal_acceptance_criteria": "foo"}, "gibbs.*foo"),
        ({"beta_range": (1.0, 2.0, 3.0)}, "beta_range"),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Annealer().sample(glass(5, 0), **options)


@pytest.mark.parametrize("model", [dimod.ConstrainedQuadraticModel(), {("a", "b"): 1.0}])
def test_other_models_are_refused_by_name(model: object) -> None:
    with pytest.raises(TypeError, match=f"not a {type(model).__name__}"):
        Annealer().sample(model)

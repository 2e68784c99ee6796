"""The local backend: exact where it says so, reproducible, and the circuit's own distribution."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quantum_support import (
    RAMP,
    circuit,
    codes,
    energies,
    outcome_probabilities,
    program,
    random_model,
    spin_model,
    states,
)

from qevo_compiler.backends.base import Samples, energies_of
from qevo_compiler.backends.enumeration import all_energies, lowest
from qevo_compiler.backends.local import LocalBackend
from qevo_compiler.backends.statevector import draw, probabilities
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import anneal
from qevo_compiler.dialects.gate import Gate
from qevo_compiler.dialects.ising import ModelOp
from qevo_compiler.driver import compile
from qevo_compiler.evaluator.annealing import Method
from qevo_compiler.ir import Array
from qevo_compiler.passes.anneal_to_circuit import AnnealToCircuit
from qevo_compiler.passes.lower_gates import Basis, LowerGates
from qevo_compiler.passes.route_qubits import RouteQubits


def same(left, right):
    return np.array_equal(left.spins, right.spins) and np.array_equal(left.energies, right.energies, equal_nan=True)


@given(st.integers(0, 8), st.floats(0, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_enumeration_is_the_definition(size, density, seed):
    model = random_model(np.random.default_rng(seed), size, density)
    expected = energies(model)
    assert all_energies(model) == pytest.approx(expected)
    assert energies_of(model, states(size).astype(np.int8)) == pytest.approx(expected)
    found = lowest(model, 3)
    assert found.energies == pytest.approx(np.sort(expected)[:3])
    assert energies_of(model, found.spins) == pytest.approx(found.energies)
    assert found.exact


def test_ties_stand_in_order_of_spins_up_first():
    found = lowest(spin_model([0.0, 0.0], {}), 3)
    assert found.spins.tolist() == [[1, 1], [1, -1], [-1, 1]]


def test_enumeration_has_a_limit():
    with pytest.raises(CompileError) as caught:
        LocalBackend(exact=True).sample_model(spin_model(np.zeros(25), {}), 1)
    assert codes(caught) == ["Q0854"]


@pytest.mark.parametrize("size", [13, 20])
def test_annealing_finds_the_minimum_and_repeats(size):
    model = random_model(np.random.default_rng(size), size)
    found = LocalBackend().sample_model(model, reads=30, seed=5)
    assert found.spins.shape == (30, size)
    assert (np.diff(found.energies) >= 0).all()
    assert not found.exact
    assert found.energies == pytest.approx(energies_of(model, found.spins))
    assert found.energies[0] == pytest.approx(lowest(model, 1).energies[0])
    assert same(found, LocalBackend().sample_model(model, reads=30, seed=5))
    other = LocalBackend(method=Method.DESCENT)
    assert not same(other.sample_model(model, 30, seed=5), other.sample_model(model, 30, seed=6))


def test_start_states_and_temperatures_steer_the_annealer():
    model = random_model(np.random.default_rng(0), 16)
    best = lowest(model, 1).spins
    kept = LocalBackend().sample_model(model, 3, 0, 10, initial_states=best, beta_range=(1e6, 1e7))
    assert np.array_equal(kept.spins, np.repeat(best, 3, axis=0))


@pytest.mark.parametrize("bad", [np.zeros((1, 16)), np.ones((1, 15)), np.ones((0, 16))])
def test_bad_start_states_are_diagnosed(bad):
    with pytest.raises(CompileError) as caught:
        LocalBackend().sample_model(random_model(np.random.default_rng(0), 16), 3, initial_states=bad)
    assert codes(caught) == ["Q0855"]


@pytest.mark.parametrize("options", [{"reads": 0}, {"sweeps": 0}, {"seed": -1}, {"seed": 2**63}])
def test_bad_counts_and_seeds_are_diagnosed(options):
    with pytest.raises(CompileError) as caught:
        LocalBackend().sample(program(spin_model([1.0], {})), **options)
    assert codes(caught) == ["Q0855"]


def test_the_directive_fills_in_what_the_caller_leaves_out():
    model = random_model(np.random.default_rng(1), 14)
    asked = program(model, anneal.SampleOp(7, 3, 50))
    expected = LocalBackend().sample_model(model, 7, 3, 50)
    assert same(LocalBackend().sample(asked), expected)
    assert len(LocalBackend().sample(asked, reads=9).spins) == 9
    assert len(LocalBackend().sample(program(model), sweeps=5).spins) == 100


def test_an_empty_model_has_one_state():
    found = LocalBackend().sample(program(spin_model([], {}, 2.5)))
    assert found.spins.shape == (1, 0)
    assert found.energies.tolist() == [2.5]


def test_a_module_without_a_model_is_refused():
    with pytest.raises(CompileError) as caught:
        LocalBackend().sample(program(RAMP))
    assert codes(caught) == ["Q0801"]


@pytest.mark.parametrize("basis", Basis)
def test_state_vectors_give_the_circuits_probabilities(basis):
    module = AnnealToCircuit(layers=2).run(program(random_model(np.random.default_rng(3), 4), RAMP))
    op = LowerGates(basis).run(RouteQubits(coupling=(0, 1, 1, 2, 2, 3, 3, 4)).run(module)).main.ops[-1]
    assert np.abs(probabilities(op) - outcome_probabilities(op)).max() < 1e-9


def test_spins_are_read_in_order_and_zero_is_up():
    op = circuit(5, (Gate.X, 3), order=[0, 3])
    assert draw(op, 4, 0).tolist() == [[1, -1]] * 4


def test_drawing_follows_the_distribution_and_the_seed():
    op = circuit(2, (Gate.RX, 0, 1.0), (Gate.CX, 0, 1), (Gate.RY, 1, 0.4))
    spins = draw(op, 20_000, 1)
    counts = np.bincount((spins < 0) @ [2, 1], minlength=4) / len(spins)
    assert np.abs(counts - outcome_probabilities(op)).max() < 0.015
    assert np.array_equal(spins, draw(op, 20_000, 1))
    assert not np.array_equal(spins, draw(op, 20_000, 2))


def test_a_circuit_is_sampled_with_its_models_energies():
    model = random_model(np.random.default_rng(4), 5)
    module = AnnealToCircuit(layers=8).run(program(model, RAMP))
    found = LocalBackend().sample(module, reads=50, seed=1)
    assert found.energies == pytest.approx(energies_of(model, found.spins))
    assert (np.diff(found.energies) >= 0).all()
    # Eight layers beat blind guessing by far.
    assert found.energies.mean() < energies(model).mean() - 0.5 * energies(model).std()
    exact = LocalBackend(exact=True).sample(module, reads=1)
    assert exact.energies[0] == pytest.approx(energies(model).min())


def test_a_circuit_alone_has_no_energies():
    found = LocalBackend().sample(program(circuit(2, (Gate.H, 0), (Gate.X, 1))), reads=10)
    assert np.isnan(found.energies).all()
    assert found.spins[:, 1].tolist() == [-1] * 10
    assert (np.diff(found.spins[:, 0]) <= 0).all()


def test_wide_circuits_are_refused_but_idle_qubits_do_not_count():
    with pytest.raises(CompileError) as caught:
        LocalBackend().sample(program(circuit(27, (Gate.H, 0))))
    assert codes(caught) == ["Q0853"]
    LocalBackend().sample(program(circuit(105, (Gate.H, 70), order=[70, 3])), reads=2)


def test_a_pause_of_the_schedule_reaches_the_annealer():
    model = random_model(np.random.default_rng(2), 30)
    backend = LocalBackend(method=Method.ANNEALING)
    pause = anneal.ScheduleOp(Array(np.array([0.0, 1.0, 9.0, 10.0])), Array(np.array([0.0, 0.1, 0.1, 0.2])))
    straight = anneal.ScheduleOp(Array(np.array([0.0, 10.0])), Array(np.array([0.0, 1.0])))
    plain, hot = (backend.sample(program(model, *ops), sweeps=20) for ops in ([], [pause]))
    assert same(plain, backend.sample(program(model, straight), sweeps=20))
    assert not same(plain, hot)
    assert hot.energies.mean() > plain.energies.mean()


def test_progress_reaches_one():
    heard = []
    model = random_model(np.random.default_rng(2), 30)
    LocalBackend(progress=heard.append).sample(program(model), reads=3)
    assert heard == sorted(heard)
    assert heard[-1] == pytest.approx(1)


def test_circuits_are_simulated_without_cirq(monkeypatch):
    monkeypatch.setitem(sys.modules, "cirq", None)
    found = LocalBackend().sample(program(circuit(2, (Gate.X, 0), (Gate.CX, 0, 1))), reads=3)
    assert found.spins.tolist() == [[-1, -1]] * 3


def test_ordering_samples_breaks_ties_by_spins():
    found = Samples.ordered(np.array([[-1, 1], [1, -1], [1, 1]], np.int8), np.array([1.0, 1.0, 1.0]))
    assert found.spins.tolist() == [[1, 1], [1, -1], [-1, 1]]


SIXTEEN = """program sixteen
var s: spin[16]
minimize sum(s[i] * s[j] * (i * j % 7 - 3) for i in 0..16 for j in 0..16 if i < j)
"""


@pytest.mark.parametrize("more", ["", "anneal points([(0, 0), (10, 0.4), (20, 1)])\n", "sample sweeps = 50\n"])
def test_small_programs_are_proved_unless_something_steers_the_annealer(more):
    module = compile(SIXTEEN + more, level=0).module
    samples = LocalBackend().sample(module)
    assert samples.exact == (not more)
    assert LocalBackend(method=Method.ANNEALING).sample(module).exact is False
    if samples.exact:
        assert samples.energies[0] == all_energies(module.main.only(ModelOp)).min()

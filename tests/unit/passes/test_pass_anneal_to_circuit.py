"""anneal-to-circuit: the layers are the exponentials that the formula states, and the bounds hold."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quantum_support import (
    RAMP,
    X,
    codes,
    energies,
    listed,
    outcome_probabilities,
    pauli,
    program,
    random_model,
    schedule,
    spin_model,
    unitary,
)
from scipy.linalg import expm
from scipy.optimize import minimize

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.evaluator.statevector import Cost, Qaoa
from qevo_compiler.ir import Evidence, parse_module, print_module, verify
from qevo_compiler.passes.anneal_to_circuit import AnnealToCircuit
from qevo_compiler.passes.gates.edge_colouring import edge_colours
from qevo_compiler.passes.options import make_pass, parse_passes
from qevo_compiler.passes.pipeline import Pipeline
from qevo_compiler.source import SourceFile

PAUSE = schedule((0.0, 0.0), (5.0, 0.4), (15.0, 0.4), (20.0, 1.0))


def lowered(model, steps=RAMP, **options):
    module = AnnealToCircuit(**options).run(program(model, steps))
    verify(module)
    return module.main.only(CircuitOp)


def hamiltonians(model):
    """The mixer -sum X and the normalised energy without offset, as matrices."""
    scale = max(np.abs(model.fields.values).max(initial=0), np.abs(model.couplings.values).max(initial=0)) or 1
    mixer = -sum(pauli(X, site, size=model.size) for site in range(model.size))
    return mixer, np.diag((energies(model) - model.offset) / scale).astype(complex)


def held_states(model, fractions, step, order=None):
    """The state after all layers from |+...+>: exact for held s, or split as `order` says."""
    mixer, cost = hamiltonians(model)
    state = np.full(len(cost), len(cost) ** -0.5, complex)
    for s in fractions:
        a, b = (1 - s) * mixer, s * cost
        if order is None:
            state = expm(-1j * step * (a + b)) @ state
        elif order == 1:
            state = expm(-1j * step * a) @ expm(-1j * step * b) @ state
        else:
            state = expm(-0.5j * step * a) @ expm(-1j * step * b) @ expm(-0.5j * step * a) @ state
    return state


def test_the_pair_of_the_docstring():
    module = AnnealToCircuit(layers=1, order=1, time=0.5).run(program(spin_model([1.0, 0.0], {(0, 1): 0.5}), RAMP))
    assert listed(module.main.only(CircuitOp)) == [
        (Gate.H, 0),
        (Gate.H, 1),
        (Gate.RZ, 0, 0.5),
        (Gate.RZZ, 0, 1, 0.25),
        (Gate.RX, 0, -0.5),
        (Gate.RX, 1, -0.5),
    ]
    assert module.main.only(ising.ModelOp).size == 2


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6])
def test_layers_are_the_stated_exponentials_with_their_phase(order, size):
    rng = np.random.default_rng(size)
    model = random_model(rng, size, 0.7)
    circuit = lowered(model, PAUSE, layers=3, order=order, time=2.0)
    fractions = np.interp((np.arange(3) + 0.5) / 3, PAUSE.times.values / 20, PAUSE.fractions.values)
    expected = held_states(model, fractions, 2.0 / 3, order)
    assert np.abs(unitary(circuit)[:, 0] - expected).max() < 1e-9


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_the_ledger_bounds_the_true_error(order, seed):
    model = random_model(np.random.default_rng(seed), 3)
    layers, time = 6, 1.5
    module = AnnealToCircuit(layers=layers, order=order, time=time).run(program(model, PAUSE))
    circuit = module.main.only(CircuitOp)
    middles = (np.arange(layers) + 0.5) / layers
    curve = PAUSE.times.values / 20, PAUSE.fractions.values
    held = held_states(model, np.interp(middles, *curve), time / layers)
    fine = held_states(model, np.interp((np.arange(3000) + 0.5) / 3000, *curve), time / 3000)
    bounds = {entry.quantity: entry for entry in module.ledger}
    splitting = np.linalg.norm(unitary(circuit)[:, 0] - held)
    assert 0 < splitting <= bounds["splitting error"].value < 10 * layers * splitting + 1
    assert np.linalg.norm(fine - held) <= bounds["schedule held"].value
    assert {entry.kind for entry in module.ledger} == {Evidence.PROVED}


def test_splitting_error_falls_with_the_order_of_the_formula():
    model = random_model(np.random.default_rng(5), 3)

    def error(layers, order):
        module = AnnealToCircuit(layers=layers, order=order, time=1.0).run(program(model, RAMP))
        return next(e.value for e in module.ledger if e.quantity == "splitting error")

    assert error(20, 1) / error(40, 1) == pytest.approx(2, rel=0.01)
    assert error(20, 2) / error(40, 2) == pytest.approx(4, rel=0.01)


def test_a_slow_anneal_ends_in_the_ground_state():
    model = spin_model([0.3, -0.2, 0.1], {(0, 1): 1.0, (1, 2): -0.7})
    found = outcome_probabilities(lowered(model, layers=120, time=40.0))
    assert found[np.argmin(energies(model))] > 0.95


def test_a_model_without_terms_stays_in_the_equal_superposition():
    found = outcome_probabilities(lowered(spin_model([0.0, 0.0], {}), layers=2))
    assert found == pytest.approx(np.full(4, 0.25))


def test_without_a_schedule_the_ramp_is_linear():
    model = spin_model([1.0], {})
    bare = AnnealToCircuit().run(program(model)).main.only(CircuitOp)
    assert bare == lowered(model)


def test_the_module_reads_back_from_its_text():
    module = AnnealToCircuit(layers=2).run(program(random_model(np.random.default_rng(0), 4), RAMP))
    text = print_module(module)
    assert parse_module(SourceFile("a.qir", text)) == module


@pytest.mark.parametrize(
    "options", [{"layers": 0}, {"order": 3}, {"time": 0.0}, {"time": -1.0}, {"time": math.inf}, {"time": math.nan}]
)
def test_bad_options_are_diagnosed(options):
    with pytest.raises(CompileError) as caught:
        AnnealToCircuit(**options).run(program(spin_model([1.0], {}), RAMP))
    assert codes(caught) == ["Q0803"]


def test_all_bad_options_are_diagnosed_together():
    with pytest.raises(CompileError) as caught:
        AnnealToCircuit(layers=0, order=0, time=0.0).run(program(spin_model([1.0], {}), RAMP))
    assert codes(caught) == ["Q0803"] * 3


def test_a_reverse_schedule_is_refused():
    with pytest.raises(CompileError) as caught:
        lowered(spin_model([1.0], {}), schedule((0.0, 1.0), (5.0, 0.5), (10.0, 1.0)))
    assert codes(caught) == ["Q0804"]


def test_a_module_without_a_model_is_refused():
    with pytest.raises(CompileError) as caught:
        AnnealToCircuit().run(program(RAMP))
    assert codes(caught) == ["Q0801"]


def test_options_read_from_pipeline_text():
    text = "anneal-to-circuit{layers=2,order=1,time=1.5},route-qubits{coupling=0:1:1:2,qubits=4},lower-gates{basis=cz}"
    assert str(Pipeline.parse(text)) == text


@given(st.integers(2, 12), st.floats(0, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_edges_of_one_colour_share_no_vertex(size, density, seed):
    rng = np.random.default_rng(seed)
    rows, columns = np.triu_indices(size, 1)
    kept = rng.random(len(rows)) < density
    rows, columns = rows[kept], columns[kept]
    colours = edge_colours(rows, columns, size)
    for colour in np.unique(colours):
        ends = np.concatenate([rows[colours == colour], columns[colours == colour]])
        assert len(np.unique(ends)) == len(ends)
    if len(rows):
        degree = np.bincount(np.concatenate([rows, columns])).max()
        assert colours.max() < max(2 * degree - 1, 1) or colours.max() < size


def test_few_colours_for_paths_grids_and_cliques():
    path = np.arange(20_000)
    assert edge_colours(path[:-1], path[1:], len(path)).max() < 3
    clique = np.triu_indices(40, 1)
    assert edge_colours(*clique, 40).max() < 40


def test_a_large_model_is_arrays_all_the_way():
    size = 30_000
    rng = np.random.default_rng(0)
    pairs = np.unique(np.sort(rng.integers(0, size, (3 * size, 2)), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    base = spin_model(np.ones(size), {})
    from dataclasses import replace

    from qevo_compiler.ir import Array

    rows, columns = (Array(pairs[:, k].astype(np.int32)) for k in (0, 1))
    model = replace(base, rows=rows, columns=columns, couplings=Array(rng.normal(size=len(pairs))))
    circuit = lowered(model, layers=4)
    assert len(circuit) == size + 4 * (2 * size + len(pairs))


def test_given_angles_make_the_qaoa_state_of_the_evaluator():
    model = random_model(np.random.default_rng(3), 5)
    gammas, betas = (0.3, -0.7, 0.2), (0.5, 0.1, -0.4)
    module = AnnealToCircuit(gammas=gammas, betas=betas).run(program(model, RAMP))
    qaoa = Qaoa(Cost.of_model(model), np.float64)
    expected = qaoa.state(np.array(gammas), np.array(betas)).probabilities()
    # Spin i is bit i of a state's number there.
    reversed_bits = [int(f"{k:05b}"[::-1], 2) for k in range(32)]
    np.testing.assert_allclose(outcome_probabilities(module.main.only(CircuitOp)), expected[reversed_bits], atol=1e-12)
    assert module.ledger == ()


def test_optimised_angles_beat_the_anneal_of_as_many_layers():
    model = random_model(np.random.default_rng(5), 6)
    qaoa = Qaoa(Cost.of_model(model), np.float64)

    def energy(angles):
        value, by_gamma, by_beta = qaoa.gradient(angles[:3], angles[3:])
        return value, np.concatenate([by_gamma, by_beta])

    found = minimize(energy, np.repeat([0.2, -0.4], 3), jac=True).x
    # Arrays are as good as tuples.
    chosen = make_pass("anneal-to-circuit", {"gammas": found[:3], "betas": list(found[3:])})
    assert parse_passes(str(Pipeline((chosen,))), {}) == (chosen,)
    optimised = chosen.run(program(model, RAMP))
    annealed = AnnealToCircuit(layers=3).run(program(model, RAMP))
    means = [outcome_probabilities(m.main.only(CircuitOp)) @ energies(model) for m in (optimised, annealed)]
    assert means[0] == pytest.approx(energy(found)[0])
    assert means[0] < means[1]


@pytest.mark.parametrize(
    "options", [{"gammas": (0.1,)}, {"betas": (0.1,)}, {"gammas": (0.1, math.nan), "betas": (0.1, 0.2)}]
)
def test_angles_that_make_no_layers_are_diagnosed(options):
    with pytest.raises(CompileError) as caught:
        AnnealToCircuit(**options).run(program(spin_model([1.0], {}), RAMP))
    assert codes(caught) == ["Q0803"]

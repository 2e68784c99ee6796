"""route-qubits: same outcomes, every pair on a coupler, no swap where none is needed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quantum_support import RAMP, circuit, codes, listed, outcome_probabilities, program, random_model, spin_model

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.ir import verify
from qevo_compiler.passes import route_qubits
from qevo_compiler.passes.anneal_to_circuit import AnnealToCircuit
from qevo_compiler.passes.route_qubits import RouteQubits

LINE = (0, 1, 1, 2, 2, 3, 3, 4)
GRID = tuple(
    q
    for r in range(3)
    for c in range(3)
    for d in ((0, 1), (1, 0))
    if r + d[0] < 3 and c + d[1] < 3
    for q in (3 * r + c, 3 * (r + d[0]) + c + d[1])
)


def on_couplers(op, coupling):
    pairs = {frozenset(coupling[k : k + 2]) for k in range(0, len(coupling), 2)}
    return all(frozenset(rest[:2]) in pairs for gate, *rest in listed(op) if gate.arity == 2)


def swaps(op):
    return sum(gate is Gate.SWAP for gate, *_ in listed(op))


def test_without_coupling_the_module_is_left_alone():
    module = AnnealToCircuit().run(program(spin_model([0.0, 1.0], {(0, 1): 1.0}), RAMP))
    assert RouteQubits().run(module) is module


def test_a_routed_circuit_is_left_alone():
    module = AnnealToCircuit(layers=1).run(program(random_model(np.random.default_rng(0), 4), RAMP))
    once = RouteQubits(coupling=LINE).run(module)
    assert RouteQubits(coupling=LINE).run(once) is once


def test_a_swap_moves_the_spin_and_the_order_says_where():
    triangle = circuit(3, *((Gate.RZZ, *pair, 0.3) for pair in ((0, 1), (1, 2), (0, 2))), (Gate.RX, 0, 1.0))
    routed = RouteQubits(coupling=LINE).route(triangle)
    # One swap, of a pair that has an rzz as well: three cx do both.
    kinds = [gate for gate, *_ in listed(routed)]
    assert (swaps(routed), kinds.count(Gate.RZZ), kinds.count(Gate.CX)) == (0, 2, 3)
    assert on_couplers(routed, LINE)
    assert outcome_probabilities(routed) == pytest.approx(outcome_probabilities(triangle))


@pytest.mark.parametrize("size", [4, 6, 8])
def test_a_ring_fits_a_grid_without_swaps(size):
    ring = spin_model(np.ones(size), {tuple(sorted((k, (k + 1) % size))): 1.0 for k in range(size)})
    module = RouteQubits(coupling=GRID).run(AnnealToCircuit(layers=2).run(program(ring, RAMP)))
    verify(module)
    assert swaps(module.main.only(CircuitOp)) == 0


@pytest.mark.parametrize(("coupling", "size"), [(LINE, 5), (GRID, 6)])
@pytest.mark.parametrize("seed", range(3))
def test_dense_models_keep_their_outcomes(coupling, size, seed):
    module = AnnealToCircuit(layers=2).run(program(random_model(np.random.default_rng(seed), size), RAMP))
    routed = RouteQubits(coupling=coupling).run(module)
    verify(routed)
    before, after = module.main.only(CircuitOp), routed.main.only(CircuitOp)
    assert on_couplers(after, coupling)
    assert np.abs(outcome_probabilities(before) - outcome_probabilities(after)).max() < 1e-12
    # Where a swap took up an rzz, an rz has its angle.
    turned = (Gate.RZZ, Gate.RZ)
    angles = [sorted(row[-1] for row in listed(op) if row[0] in turned) for op in (before, after)]
    assert angles[0] == angles[1]


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_circuit_keeps_its_outcomes(data):
    pool = [gate for gate in Gate if gate not in (Gate.SYC, Gate.SQRT_ISWAP)]
    gates = [(Gate.H, q) for q in range(4)]
    for gate in data.draw(st.lists(st.sampled_from(pool), max_size=15)):
        sites = data.draw(st.permutations(range(4)))[: gate.arity]
        gates.append((gate, *sites, *(0.4, 1.1)[: gate.angles]))
    before = circuit(4, *gates, order=data.draw(st.permutations(range(4))))
    after = RouteQubits(coupling=LINE).route(before)
    after.verify()
    assert on_couplers(after, LINE)
    assert np.abs(outcome_probabilities(before) - outcome_probabilities(after)).max() < 1e-12


def test_more_spins_than_qubits_is_diagnosed():
    with pytest.raises(CompileError) as caught:
        RouteQubits(coupling=LINE).route(circuit(6, (Gate.H, 0)))
    assert codes(caught) == ["Q0805"]


@pytest.mark.parametrize(
    "options",
    [{"coupling": (0, 1, 2)}, {"coupling": (0, 0)}, {"coupling": (0, -1)}, {"coupling": (0, 5), "qubits": 3}],
)
def test_a_coupling_that_names_no_pairs_is_diagnosed(options):
    with pytest.raises(CompileError) as caught:
        RouteQubits(**options).route(circuit(2, (Gate.CZ, 0, 1)))
    assert codes(caught) == ["Q0806"]


def test_a_device_in_pieces_is_diagnosed_when_the_circuit_spans_them():
    clique = circuit(3, *((Gate.RZZ, *pair, 0.3) for pair in ((0, 1), (1, 2), (0, 2))))
    with pytest.raises(CompileError) as caught:
        RouteQubits(coupling=(0, 1, 2, 3)).route(clique)
    assert codes(caught) == ["Q0806"]


def test_swaps_serve_the_gates_to_come(monkeypatch):
    rng = np.random.default_rng(0)
    chains = [[(Gate.CX, *rng.permutation(8)[:2].tolist()) for _ in range(40)] for _ in range(5)]
    counts, weights = [], route_qubits._WEIGHTS
    for view in (0, 48):
        monkeypatch.setattr(route_qubits, "_WEIGHTS", weights[:view])
        counts.append(sum(swaps(RouteQubits(coupling=GRID).route(circuit(8, *chain))) for chain in chains))
    assert counts[1] < 0.9 * counts[0]

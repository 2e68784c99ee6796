"""Formulas of the cost record: golden numbers of the specification, and sums and limits by other ways."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevo_compiler.analyses.resources import formulas
from qevo_compiler.analyses.resources.declared import declared_resources
from qevo_compiler.analyses.resources.tally import Tally, tally
from qevo_compiler.dialects.gate import Gate
from qevo_compiler.dialects.linear import Figure, Known


def test_queries_of_the_golden_system() -> None:
    kappa = 21.592684696804
    assert formulas.known_norm(kappa, 1e-3) == pytest.approx(171.607344479209, rel=1e-12)
    assert formulas.unknown_norm(kappa, 1e-3) == pytest.approx(1365.805173807856, rel=1e-12)
    assert formulas.adiabatic_walk(kappa, 1e-3) == pytest.approx(203.85443006217355, rel=1e-12)


@given(st.floats(1e-6, 1.0))
def test_amplification_is_the_first_to_reach_the_top(success: float) -> None:
    angle = math.asin(math.sqrt(success))
    found = formulas.rounds(success)
    # The rotated angle passes pi/2 - angle ... pi/2 + angle: one round fewer is short of a quarter turn.
    assert 2 * found * angle >= math.pi / 2 * (1 - 1e-12) > 2 * (found - 1) * angle
    assert formulas.runs_per_shot(success) <= min(1 / success, 2 * found + 1)


def test_shots_give_the_error_on_average() -> None:
    rng = np.random.default_rng(5)
    state = rng.normal(size=6)
    state /= np.linalg.norm(state)
    count = int(formulas.shots(6, 0.02))
    samples = rng.multinomial(count, state**2, size=400)
    errors = np.linalg.norm(np.sqrt(samples / count) - abs(state), axis=1)
    assert np.sqrt((errors**2).mean()) == pytest.approx(0.02, rel=0.15)


@given(st.lists(st.floats(0, 1.2), min_size=2, max_size=4), st.integers(1, 4))
def test_the_block_weight_bounds_the_lift_of_the_majorant(norms: list[float], order: int) -> None:
    powers = [np.polynomial.Polynomial(norms) ** k for k in range(order + 1)]
    lifted = np.zeros((order + 1, order + 1))
    for k, power in enumerate(powers):
        coefficients = power.coef[: order + 1]
        lifted[k, : len(coefficients)] = coefficients
    weight = formulas.block_weight(np.array(norms), order)
    assert np.linalg.norm(lifted, 2) <= weight * (1 + 1e-12)


def test_weights_within_one_do_not_grow_with_the_order() -> None:
    assert [formulas.block_weight(np.array([0, 0.9, 0.0, 0.1]), order) for order in (1, 3, 6)] == pytest.approx([1] * 3)


def test_the_budget_adds_up() -> None:
    found = formulas.split(0.04, history_norm=3.0, copies=11, final_norm=0.5)
    assert found.solver * 3.0 / math.sqrt(11) == pytest.approx(0.01)
    assert found.readout * 0.5 == pytest.approx(0.01)
    assert formulas.split(10.0, 1.0, 4, 0.0).readout == 0.5


def test_a_tally_by_hand() -> None:
    listed = [(Gate.H, 0), (Gate.RZ, math.pi / 2), (Gate.RZ, -math.pi / 4), (Gate.RY, 0.3), (Gate.CRY, math.pi / 2),
              (Gate.CRZ, 0.1), (Gate.CX, 0), (Gate.SWAP, 0), (Gate.CZ, 0)]  # fmt: skip
    opcodes = np.array([gate.opcode for gate, _ in listed])
    found = tally(opcodes, np.array([angle for _, angle in listed]))
    # A turn by pi/4 is one T; the controlled turn by pi/2 has two of them.
    assert found == Tally(cnot=1 + 3 + 1 + 2 + 2, one_qubit=1 + 2 + 3 + 4, t=3, rotations=3)
    with pytest.raises(ValueError, match="no cost"):
        tally(np.array([Gate.SYC.opcode]), np.array([0.0]))


DECLARED = {"n": 1e7, "N": 2, "T": 100, "terms": 1e9, "row_terms": 500, "start_norm": 1.0, "final_norm": 0.5,
            "g_1": 1.0, "g_2": 1e-3, "density": 0.1}  # fmt: skip


def declared(tolerance: float = 0.01, **changed: float) -> dict[str, Figure]:
    figures = [Figure("declared", name, value, Known.ESTIMATED) for name, value in (DECLARED | changed).items()]
    return {figure.quantity: figure for figure in declared_resources(figures, tolerance)}


def test_a_declared_run_of_ten_million() -> None:
    found = declared()
    assert found["D"].value == math.comb(10**6 + 2, 2)
    assert found["kappa"].value == pytest.approx(2.001 * 202, rel=1e-3)
    assert found["total_t"].known is Known.ASSUMED
    assert found["D"].known is Known.ESTIMATED
    assert found["logical_qubits"].value < 200
    assert found["t_per_operation"].value > 1e6
    steps = np.geomspace(1, 0.5, 101)
    squares = sum(r ** (2 * k) for r in steps[:-1] for k in range(3)) + 102 * sum(0.5 ** (2 * k) for k in range(3))
    assert found["y_norm"].value == pytest.approx(math.sqrt(squares), rel=1e-12)


def test_what_makes_a_declared_run_cheaper() -> None:
    assert declared(density=0.01)["total_t"].value < declared()["total_t"].value
    assert declared(tolerance=0.1)["shots"].value < declared()["shots"].value
    assert declared(T=10)["kappa"].value < declared()["kappa"].value
    assert declared(start_norm=0.0)["prep_rotations"].value == 0


def test_a_declaration_lacks_something() -> None:
    with pytest.raises(ValueError, match="terms"):
        declared_resources([Figure("declared", "n", 3.0, Known.ASSUMED)], 0.1)

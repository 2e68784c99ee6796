"""From history systems to circuits: every encoding finds the solution, estimates hold, limits refuse in time."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler import CompileError
from qevo_compiler.decode.history import HistoryReader
from qevo_compiler.dialects import linear
from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.driver import lower_linear
from qevo_compiler.ir import Evidence
from qevo_compiler.passes import history_to_circuit
from qevo_compiler.passes.history_to_circuit import HistoryToCircuit, Method, Read
from qevo_compiler.passes.linear.circuit_plans import Route
from qevo_compiler.passes.qlsa.fragment import Fragment, counts
from qevo_compiler.passes.qlsa.simulate import state_of


def program(
    steps: int = 1, order: int = 2, pivot: str = "origin", loss: str = "x^2 / 2 + x^4 / 4", extra: str = ""
) -> str:
    return (
        f"program p\ndata y: real[m] = [0.3, 0.9]\nparam x: real = 0.5\nminimize {loss}\n"
        f"train sgd(rate = 0.1, steps = {steps}{extra})\nlinearize carleman(order = {order}, pivot = {pivot})\n"
    )


TWO = (
    "program p\nparam w: real[2] = [0.3, 0.1]\nminimize w[0]^2 / 2 + w[1]^2 + w[0] * w[1]^2\n"
    "train sgd(rate = 0.1, steps = 1)\nlinearize carleman(order = 2)\n"
)
BATCHES = program(2, 1, loss="mean((x - y)^2) / 2", extra=", batch = 1")


def lowered(source: str, padding: int = 0, gamma: float = 1.0, constant: bool = True, **options):
    passes = {"history-system": {"padding": padding, "gamma": gamma}, "carleman-truncation": {"constant": constant}}
    return HistoryToCircuit(**{"tolerance": 0.1, **options}).run(lower_linear(source, passes=passes))


def amplitudes(module) -> np.ndarray:
    """Of all bits in their order, by the small simulator of the circuit routines."""
    circuit = module.main.only(CircuitOp)
    fragment = Fragment(circuit.opcodes.values, circuit.qubits.values, circuit.angles.values[:, 0], circuit.phase)
    state = state_of(fragment, circuit.qubit_count).reshape((2,) * circuit.qubit_count)
    return state.transpose(circuit.measured).reshape(-1)


def note(caught: pytest.ExceptionInfo[CompileError]) -> str:
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.fill(diagnostic.note)


def relative_error(module) -> float:
    reader = HistoryReader.of(module)
    found, exact = reader.history(reader.kept(amplitudes(module))), reader.system.solution()
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize("route", [r for r in Route if r is not Route.AUTO])
def test_every_encoding_finds_the_solution_with_its_scale(route: Route) -> None:
    module = lowered(program(order=1 if route is Route.SYSTEM_SPARSE else 2), encoding=route)
    assert relative_error(module) <= 0.1
    assert module.func("history").only(linear.ReadOutOp).encoding == route.value


@pytest.mark.parametrize("source", [TWO, BATCHES], ids=["two variables", "minibatches"])
def test_other_programs(source: str) -> None:
    assert relative_error(lowered(source)) <= 0.1


@pytest.mark.slow
def test_structured_tensors_hold_the_monomials_of_two_variables() -> None:
    assert relative_error(lowered(TWO, encoding=Route.CARLEMAN)) <= 0.1


def test_padding_and_rescaling() -> None:
    assert relative_error(lowered(program(), padding=2, gamma=0.5, encoding=Route.STEP)) <= 0.1


def test_phase_estimation_is_a_reference_for_tiny_systems() -> None:
    module = lowered(program(steps=3, order=1), solver=Method.HHL, clock=5)
    assert relative_error(module) <= 0.1
    kinds = {e.quantity: e.kind for e in module.ledger if e.stage == "history-to-circuit"}
    assert kinds["relative error of the solver"] is Evidence.ESTIMATED
    with pytest.raises(CompileError, match="Q0629"):
        lowered(program(steps=4, order=1), solver=Method.HHL)
    with pytest.raises(CompileError, match="Q0629") as caught:
        lowered(program(steps=3, order=1), solver=Method.HHL, clock=2)
    assert "cannot tell" in note(caught)


def test_the_flag_of_the_end_marks_the_final_copies_and_nothing_else() -> None:
    module = lowered(program(), padding=1, encoding=Route.STEP, read=Read.FINAL)
    op = module.func("history").only(linear.ReadOutOp)
    bits = amplitudes(module).reshape(1 << op.post_select.size, 1 << op.system.size, 2)[0]
    late = op.positions.values[HistoryReader.of(module).system.steps :].reshape(-1)
    early = op.positions.values[: HistoryReader.of(module).system.steps].reshape(-1)
    assert np.abs(bits[late, 0]).max() < 1e-9 < np.abs(bits[late, 1]).max()
    assert np.abs(bits[early, 1]).max() < 1e-9
    assert relative_error(module) <= 0.1


def test_interference_with_the_start_gives_the_products_of_amplitudes() -> None:
    source = program(order=1, loss="4 * x^2").replace("rate = 0.1", "rate = 0.2")
    module = lowered(source, read=Read.SIGNS, constant=False)
    op = module.func("history").only(linear.ReadOutOp)
    bits = amplitudes(module).reshape(1 << op.post_select.size, 1 << op.system.size, 2)[0]
    differences = np.abs(bits[:, 0]) ** 2 - np.abs(bits[:, 1]) ** 2
    products = differences[op.positions.values.reshape(-1)]
    # x(1) = 0.5 - 0.2 * 8 * 0.5 < 0 < x(0): the sign that sampling alone does not show.
    system = HistoryReader.of(module).system
    reference = np.tile(system.initial, 2) / np.linalg.norm(np.tile(system.initial, 2))
    assert products == pytest.approx(system.solution().reshape(-1) / op.scale * reference, abs=0.05)
    assert products[0] > 0.1 > -0.01 > products[1]


@pytest.mark.parametrize("route", [Route.STEP, Route.SYSTEM, Route.SYSTEM_BALANCED])
def test_the_estimate_is_close_above_what_is_built(route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    original = HistoryToCircuit._over
    monkeypatch.setattr(HistoryToCircuit, "_over", lambda self, plan: (seen.append(plan), original(self, plan))[1])
    module = lowered(program(), encoding=route)
    circuit = module.main.only(CircuitOp)
    fragment = Fragment(circuit.opcodes.values, circuit.qubits.values, circuit.angles.values[:, 0])
    assert counts(fragment).cnot <= seen[-1].cx <= 1.1 * counts(fragment).cnot
    assert circuit.qubit_count == seen[-1].qubits
    assert f"{seen[-1].queries} queries" in str(module.ledger)


def test_the_cheapest_encoding_is_taken_and_limits_refuse_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cheapest = lowered(program(order=1)).func("history").only(linear.ReadOutOp).encoding
    assert cheapest == "system"

    def never(*arguments: object) -> None:
        raise AssertionError("built")

    monkeypatch.setattr(history_to_circuit, "solve", never)
    for options, what in (
        ({"max_cx": 10}, "limit of 10 two-qubit gates"),
        ({"max_qubits": 3}, "limit of 3 qubits"),
        ({"condition": 1e3}, "limit of kappa 100"),
    ):
        with pytest.raises(CompileError, match="Q0628") as caught:
            lowered(program(), **options)
        assert what in note(caught)


def test_the_proved_bound_serves_in_place_of_singular_values() -> None:
    measured, proved = (lowered(program(), encoding=Route.STEP, condition=c) for c in ("auto", "bound"))
    kappas = [next(e for e in m.ledger if e.quantity == "kappa") for m in (measured, proved)]
    assert [e.kind for e in kappas] == [Evidence.MEASURED, Evidence.PROVED]
    assert kappas[0].value * (1 - 1e-12) <= kappas[1].value <= 1.2 * kappas[0].value
    assert relative_error(proved) <= 0.1


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"tolerance": 2.0}, "Q0504"),
        ({"condition": "guess"}, "Q0504"),
        ({"clock": 1}, "Q0504"),
        ({"encoding": Route.SYSTEM, "read": Read.FINAL}, "Q0629"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], code: str) -> None:
    with pytest.raises(CompileError, match=code):
        lowered(program(), **options)


@pytest.mark.parametrize(
    ("source", "reason"),
    [(BATCHES, "one step"), (program(pivot="start", order=2), "constant term"), (program(order=5), "orders 1 to 4")],
    ids=["batches", "constant", "order"],
)
def test_what_the_structured_encoding_does_not_take(source: str, reason: str) -> None:
    with pytest.raises(CompileError, match="Q0629") as caught:
        lowered(source, encoding=Route.CARLEMAN)
    assert reason in note(caught)

"""`--verify` of circuits: what is emitted has the Hamiltonian's outcomes, and a wrong gate, order or angle is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import qevo_compiler
from qevo_compiler import CompiledProgram
from qevo_compiler.diagnostics import InternalError
from qevo_compiler.dialects import gate
from qevo_compiler.ir import Array
from qevo_compiler.validation import validate

FRUSTRATED = """program frustrated
data J: real[4, 4] = [[0, 1, 1.3, 0.9], [0, 0, 0.8, 1.1], [0, 0, 0, 1.2], [0, 0, 0, 0]]
var s: spin[4]
minimize sum(J[i, j] * s[i] * s[j] for i in 0..4 for j in 0..4 if i < j) + 0.3 * s[0] - 0.2 * s[2]
anneal points([(0, 0), (5, 0.6), (20, 1)])
"""


def compiled(target: str, options: dict[str, str] | None = None, **passes: object) -> CompiledProgram:
    settings = {"anneal-to-circuit": passes}
    return qevo_compiler.compile(FRUSTRATED, target=target, passes=settings, **(options or {}))


@pytest.mark.parametrize(
    ("target", "options", "passes"),
    [
        ("openqasm3", {}, {"layers": 5}),
        ("openqasm3", {}, {"layers": 3, "order": 1}),
        ("openqasm3", {"physical": True}, {"time": 2.0}),
        ("openqasm3", {}, {"gammas": (0.2, -0.5), "betas": (0.7, 0.1)}),
        ("cirq", {"device": "willow_pink"}, {"gammas": (0.2,), "betas": (0.7,)}),
        ("cirq", {"device": "willow_pink"}, {}),
        ("cirq", {"device": "rainbow"}, {"order": 1}),
    ],
)
def test_emitted_circuits_have_the_hamiltonians_outcomes(target: str, options: dict, passes: dict) -> None:
    assert "have the Hamiltonian's probabilities" in validate(compiled(target, options, **passes))


@pytest.mark.parametrize("fault", ["angle", "missing", "order"])
def test_a_wrong_circuit_is_found(fault: str) -> None:
    program = compiled("openqasm3")
    circuit = program.module.main.only(gate.CircuitOp)
    turned = np.flatnonzero(circuit.angles.values[:, 0])
    angles, order = circuit.angles.values.copy(), circuit.measured.copy()
    if fault == "angle":
        angles[turned[0], 0] *= 1.001
    elif fault == "missing":
        angles[turned[-1], 0] = 0.0
    else:
        order[[0, 1]] = order[[1, 0]]
    wrong = replace(circuit, angles=Array(angles), order=Array(order))
    main = program.module.main
    ops = tuple(wrong if op is circuit else op for op in main.ops)
    with pytest.raises(InternalError, match="total variation"):
        validate(replace(program, module=program.module.with_main(replace(main, ops=ops))))


def test_wide_circuits_are_not_simulated() -> None:
    terms = "sum((1 + i * j) * s[i] * s[j] for i in 0..17 for j in 0..17 if i < j)"
    dense = f"program dense\nvar s: spin[17]\nminimize {terms}\n"
    assert "not simulated beyond 14 spins" in validate(qevo_compiler.compile(dense, target="openqasm3"))

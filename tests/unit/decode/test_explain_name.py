"""Names of circuits: which spin a qubit holds at the end, from the routed circuit and from its files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qevo_compiler import CompiledProgram, compile
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.loading import load

TRIANGLE = """program triangle
var x: binary[3]
minimize x[0] * x[1] - 2 * x[1] * x[2] + 3 * x[0] * x[2] - x[0]
"""
LINE = {"route-qubits": {"coupling": "0:1:1:2:2:3", "qubits": 5}}


@pytest.fixture(params=["compiled", "loaded"])
def routed(request: pytest.FixtureRequest, tmp_path: Path) -> CompiledProgram:
    program = compile(TRIANGLE, target="openqasm3", passes=LINE)
    if request.param == "compiled":
        return program
    program.write(tmp_path)
    return load(tmp_path)


def test_a_qubit_is_explained_by_the_spin_that_it_holds(routed: CompiledProgram) -> None:
    circuit = compile(TRIANGLE, target="openqasm3", passes=LINE).module.main.only(CircuitOp)
    for bit, qubit in enumerate(circuit.measured.tolist()):
        said = routed.explain(f"q[{qubit}]")
        assert said[0].startswith(f"qubit {qubit} holds s{bit} at the end and is measured into c[{bit}]")
        assert said[1].startswith(f"s{bit} = x[{bit}]")
        assert said == routed.explain(f"q{qubit}") == routed.explain(f"${qubit}") == routed.explain(f"c[{bit}]")


def test_a_qubit_that_nobody_reads_says_so(routed: CompiledProgram) -> None:
    assert "not measured" in routed.explain("q4")[0]
    for wrong in ("q5", "c[3]", "q", "q[x]"):
        with pytest.raises(CompileError, match="has no"):
            routed.explain(wrong)


def test_variables_come_before_qubits() -> None:
    text = "program p\nvar q: binary[2]\nvar c: int in [0, 3]\nminimize sum(q) - c * q[0]\n"
    program = compile(text, target="openqasm3", level=0)
    assert program.explain("q[1]")[0].startswith("q[1]: binary")
    assert program.explain("$1")[0].startswith("qubit 1 holds s1")
    measured = program.module.main.only(CircuitOp).measured
    assert np.array_equal(measured, np.arange(len(measured)))


def test_spin_models_have_no_qubits() -> None:
    with pytest.raises(CompileError, match="has no"):
        compile(TRIANGLE, level=0).explain("q[0]")


def test_a_name_of_a_constraint_shows_its_slack_as_well() -> None:
    text = "program p\nvar x: binary[4]\nmaximize sum(x)\nsubject to\n  fits: x[0] + 5 * x[1] + 3 * sum(x) <= 9\n"
    said = compile(text, level=0).explain("fits")
    assert said[0].startswith("fits: 4 x[0]")
    assert said[-1].startswith("fits: slack")

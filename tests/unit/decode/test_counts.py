"""Counts from hardware: Qiskit's and Cirq's bit orders give the problem's own words, and misfits are refused."""

from __future__ import annotations

import cirq
import numpy as np
import pytest
from qiskit.primitives import StatevectorSampler
from qiskit.qasm3 import loads

import qevo_compiler
from qevo_compiler.diagnostics import CompileError

# Every value of the four tells its own place, so a wrong order shows.
TEXT = """program weights
var x: binary[4]
minimize (8 * x[0] + 4 * x[1] + 2 * x[2] + x[3] - 13)^2
"""


def compiled(target, **options):
    passes = {"presolve": {"persistency": False, "symmetry": False}}
    return qevo_compiler.compile(TEXT, target=target, passes=passes, **options)


@pytest.mark.parametrize(("text", "order", "values"), [("0100", "little", [1, 1, 0, 1]), ("0100", "big", [1, 0, 1, 1])])
def test_a_zero_is_spin_up_and_orders_differ(text, order, values):
    found = compiled("openqasm3").decode_counts({text: 3}, order)
    assert found.best.values["x"].tolist() == values
    assert found.reads == 3


def test_qiskits_counts_of_the_emitted_program():
    program = compiled("openqasm3")
    circuit = loads(program.files["weights.qasm"].decode())
    counts = StatevectorSampler(seed=5).run([circuit], shots=2000).result()[0].data.c.get_counts()
    found = program.decode_counts(counts)
    assert found.best.values["x"].tolist() == [1, 1, 0, 1]
    assert found.best.objective == 0
    assert (found.reads, len(found.solutions)) == (2000, len(counts))


@pytest.mark.parametrize("options", [{}, {"device": "willow_pink"}])
def test_cirqs_measurements_of_the_emitted_program(options):
    program = compiled("cirq", **options)
    circuit = cirq.read_json(json_text=program.files["weights.cirq.json"].decode())
    bits = cirq.Simulator(seed=5).run(circuit, repetitions=2000).measurements["c"]
    texts, numbers = np.unique(["".join(map(str, row)) for row in bits.tolist()], return_counts=True)
    found = program.decode_counts(dict(zip(texts.tolist(), numbers.tolist(), strict=True)), "big")
    assert found.best.values["x"].tolist() == [1, 1, 0, 1]


def test_spaces_and_strings_never_measured_are_left_out():
    found = compiled("openqasm3").decode_counts({"01 00": np.int64(2), "1111": 0})
    assert (found.reads, len(found.solutions)) == (2, 1)


@pytest.mark.parametrize(
    "counts", [{}, {"0100": 0}, {"010": 1}, {"01x0": 1}, {"0100": -1}, {"0100": 0.5}, {"0100": True}, {4: 10}]
)
def test_counts_that_do_not_fit(counts):
    with pytest.raises(CompileError) as caught:
        compiled("openqasm3").decode_counts(counts)
    assert [found.code for found in caught.value.diagnostics] == ["Q0856"]


def test_a_loaded_program_reads_counts_too(tmp_path):
    program = compiled("openqasm3")
    program.write(tmp_path)
    found = qevo_compiler.load(tmp_path).decode_counts({"0100": 3})
    assert found.best.values["x"].tolist() == [1, 1, 0, 1]

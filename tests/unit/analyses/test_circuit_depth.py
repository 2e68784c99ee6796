"""Depths are Qiskit's, of all gates and of two-qubit gates."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.qasm3 import loads
from quantum_support import RAMP, circuit, program, random_model

from qevo_compiler.analyses.circuit_depth import circuit_depth
from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.passes.anneal_to_circuit import AnnealToCircuit
from qevo_compiler.targets.openqasm3 import OpenQasm3


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [1, 5, 9])
def test_depths_are_qiskits(size, seed):
    module = AnnealToCircuit(layers=2).run(program(random_model(np.random.default_rng(seed), size, 0.5), RAMP))
    op = module.main.only(CircuitOp)
    text = next(iter(OpenQasm3().emit(module))).content().decode()
    read = loads(text)
    read.remove_final_measurements()
    assert circuit_depth(op) == read.depth()
    assert circuit_depth(op, two_qubit_only=True) == read.depth(lambda step: step.operation.num_qubits == 2)


def test_a_circuit_without_gates_takes_no_time():
    assert circuit_depth(circuit(3)) == 0
    assert circuit_depth(circuit(0)) == 0

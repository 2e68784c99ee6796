"""What one cost layer of a polynomial comes to on a device, found by making and routing it."""

from __future__ import annotations

import numpy as np

from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.dialects.poly import AffineMap, Polynomials, Vartype, arithmetic
from qevo_compiler.evaluator.routing import end_times
from qevo_compiler.ir import Array
from qevo_compiler.passes.gates.cost import circuit_cost
from qevo_compiler.passes.gates.parity_network import parity_network
from qevo_compiler.passes.route_qubits import RouteQubits

# Gates of cz that a gate takes.
_LENGTHS = {Gate.CX: 1, Gate.CZ: 1, Gate.RZZ: 2, Gate.SWAP: 3}


def layer_cost(p: Polynomials, vartype: Vartype, size: int, router: RouteQubits) -> int:
    """`circuit_cost` of one routed layer for a multilinear row `p` over `size` bits or spins.

    Costs what the circuit of one layer does: the parity network and the routing, by `router`.
    """
    circuit = _layer(p if vartype is Vartype.SPIN else _in_spins(p, size), size)
    routed = router.route(circuit)
    lengths = np.zeros(len(Gate), np.int64)
    for gate, length in _LENGTHS.items():
        lengths[gate.opcode] = length
    taken = lengths[routed.opcodes.values]
    return circuit_cost(
        int(taken.sum()), size, int(end_times(routed.qubits.values, taken, routed.qubit_count).max(initial=0))
    )


def _in_spins(p: Polynomials, size: int) -> Polynomials:
    halves = AffineMap(*map(Array, (np.full(size, 0.5), np.arange(size + 1), np.arange(size), np.full(size, 0.5))))
    return arithmetic.substitute(p, halves)


def _layer(p: Polynomials, size: int) -> CircuitOp:
    """All products of two and more spins; which angles they are turned by makes no difference."""
    terms = [(b.variables.values.astype(np.int64), b.coefficients.values) for b in p.terms if b.degree > 1]
    if p.degree > 2:
        opcodes, qubits, angles = parity_network(terms, size)
    else:
        qubits = np.concatenate([np.zeros((0, 2), np.int64), *(spins for spins, _ in terms)])
        opcodes, angles = np.full(len(qubits), Gate.RZZ.opcode), np.ones(len(qubits))
    both = np.stack([angles, np.zeros_like(angles)], axis=1)
    return CircuitOp(size, Array(opcodes), Array(qubits), Array(both))

"""Small spin programs, and circuits as matrices by textbook formulas: what the target tests share."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

from qevo_compiler.dialects import anneal, ising
from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.ir import Array, Func, Module

I2 = np.eye(2)
X = np.array([[0, 1], [1, 0]], complex)
Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1.0 + 0j, -1.0])


def spin_model(fields, couplings, offset=0.0, scale=1.0):
    """A model from a list of fields and a dict from (i, j) to coupling."""
    pairs = sorted(couplings)
    rows, columns = ([pair[k] for pair in pairs] for k in (0, 1))
    return ising.ModelOp(
        float(offset),
        Array(np.array(fields, float)),
        Array(np.array(rows, np.int32)),
        Array(np.array(columns, np.int32)),
        Array(np.array([couplings[pair] for pair in pairs], float)),
        scale,
    )


def random_model(rng, size, density=1.0):
    pairs = [(i, j) for i in range(size) for j in range(i + 1, size) if rng.random() < density]
    return spin_model(rng.normal(size=size), {pair: rng.normal() for pair in pairs}, rng.normal())


def schedule(*points):
    times, fractions = zip(*points, strict=True)
    return anneal.ScheduleOp(Array(np.array(times, float)), Array(np.array(fractions, float)))


RAMP = schedule((0.0, 0.0), (20.0, 1.0))


def program(*ops, name="tiny", ledger=()):
    return Module(name, (Func("main", (), tuple(ops)),), ledger)


def circuit(qubits, *gates, order=None, phase=0.0):
    """A circuit from (Gate, qubits..., angles...) tuples."""
    opcodes = [gate.opcode for gate, *_ in gates]
    sites = [(*rest[: gate.arity], *[-1] * (2 - gate.arity)) for gate, *rest in gates]
    angles = [(*rest[gate.arity :], *[0.0] * (2 - gate.angles)) for gate, *rest in gates]
    return CircuitOp(
        qubits,
        Array(np.array(opcodes, np.int64)),
        Array(np.array(sites, np.int64).reshape(-1, 2)),
        Array(np.array(angles, float).reshape(-1, 2)),
        phase,
        None if order is None else Array(np.array(order, np.int64)),
    )


def listed(op):
    """The gates of a circuit as the tuples that `circuit` takes."""
    kinds = list(Gate)
    rows = zip(op.opcodes.values.tolist(), op.qubits.values.tolist(), op.angles.values.tolist(), strict=True)
    return [(kinds[o], *q[: kinds[o].arity], *a[: kinds[o].angles]) for o, q, a in rows]


def rotation(generator, angle):
    return math.cos(angle / 2) * np.eye(len(generator)) - 1j * math.sin(angle / 2) * generator


def fsim(theta, phi):
    matrix = np.eye(4, dtype=complex)
    matrix[1:3, 1:3] = [[math.cos(theta), -1j * math.sin(theta)], [-1j * math.sin(theta), math.cos(theta)]]
    matrix[3, 3] = np.exp(-1j * phi)
    return matrix


def controlled(matrix):
    return np.block([[np.eye(2), np.zeros((2, 2))], [np.zeros((2, 2)), matrix]])


def gate_matrix(gate, angle=0.0, axis=0.0):
    matrices = {
        Gate.H: (X + Z) / math.sqrt(2),
        Gate.X: X,
        Gate.SX: rotation(X, math.pi / 2) * np.exp(1j * math.pi / 4),
        Gate.RX: rotation(X, angle),
        Gate.RY: rotation(Y, angle),
        Gate.RZ: rotation(Z, angle),
        Gate.CX: np.eye(4)[[0, 1, 3, 2]],
        Gate.CZ: np.diag([1, 1, 1, -1]),
        Gate.RZZ: rotation(np.kron(Z, Z), angle),
        Gate.PHASED_X: rotation(X * math.cos(axis) + Y * math.sin(axis), angle),
        Gate.SQRT_ISWAP: fsim(-math.pi / 4, 0.0),
        Gate.SYC: fsim(math.pi / 2, math.pi / 6),
        Gate.SWAP: np.eye(4)[[0, 2, 1, 3]],
        Gate.CRY: controlled(rotation(Y, angle)),
        Gate.CRZ: controlled(rotation(Z, angle)),
    }
    return matrices[gate]


def unitary(op):
    """The circuit's matrix with its global phase; qubit 0 is the most significant."""
    n = op.qubit_count
    state = np.eye(2**n, dtype=complex).reshape((2,) * n + (2**n,))
    for gate, *rest in listed(op):
        sites, angles = rest[: gate.arity], rest[gate.arity :]
        block = gate_matrix(gate, *angles).reshape((2,) * (2 * gate.arity))
        state = np.tensordot(block, state, (range(gate.arity, 2 * gate.arity), sites))
        state = np.moveaxis(state, range(gate.arity), sites)
    return state.reshape(2**n, 2**n) * np.exp(1j * op.phase)


def outcome_probabilities(op):
    """Probabilities over the measured bits, bit 0 most significant."""
    n, order = op.qubit_count, op.measured.tolist()
    weights = np.abs(unitary(op)[:, 0].reshape((2,) * n)) ** 2
    rest = [axis for axis in range(n) if axis not in order]
    return weights.transpose(order + rest).reshape(2 ** len(order), -1).sum(axis=1)


def pauli(letter, *sites, size):
    """The product of one Pauli matrix on several sites."""
    return reduce(np.kron, [letter if site in sites else I2 for site in range(size)], np.eye(1))


def states(size):
    """All spins [2^n, n]; state k has spin i at -1 where bit i (from the left) of k is set."""
    return 1 - 2 * ((np.arange(2**size)[:, None] >> np.arange(size)[::-1]) & 1)


def energies(model):
    """Energies of all states by the definition, term by term."""
    s = states(model.size)
    total = np.full(len(s), model.offset) + s @ model.fields.values
    for i, j, w in zip(model.rows.values, model.columns.values, model.couplings.values, strict=True):
        total += w * s[:, i] * s[:, j]
    return total


def codes(caught):
    """The codes of a caught `CompileError`."""
    return [d.code for d in caught.value.diagnostics]

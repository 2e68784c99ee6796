"""State vector: QAOA layers (G9), a random circuit (G10) and peak memory, against qsim and lightning.qubit.

    python -m benchmarks.evaluator.statevector [--only qaoa|circuit|memory] [--json rows.json]

One thread, float32. Values are checked in the same run: the cut expected against the best peer's state, and
amplitudes of the random circuit. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np

from benchmarks.harness import Contender, Row, compare, write_rows
from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.evaluator.statevector import Cost, Qaoa, run_circuit
from qevo_compiler.evaluator.statevector.costs import all_costs
from qevo_compiler.ir import Array


def cut_cost(n: int) -> tuple[Cost, list[tuple[int, int]]]:
    """The cut of a random 3-regular graph, C = sum (1 - s_i s_j) / 2, and its edges."""
    edges = sorted(nx.random_regular_graph(3, n, seed=1).edges())
    rows, columns = np.array(edges).T
    return Cost.of_edges(np.zeros(n), rows, columns, np.full(len(edges), -0.5), len(edges) / 2), edges


def angles(layers: int) -> tuple[list[float], list[float]]:
    rng = np.random.default_rng(3)
    return rng.uniform(0.1, 0.9, layers).tolist(), rng.uniform(0.1, 0.9, layers).tolist()


def circuit_of(n: int, rows: list[tuple[float, ...]]) -> CircuitOp:
    table = np.array(rows)
    sites = Array(table[:, 1:3].astype(np.int64))
    return CircuitOp(n, Array(table[:, 0].astype(np.int64)), sites, Array(np.ascontiguousarray(table[:, 3:])))


def qaoa_circuit(n: int, layers: int) -> CircuitOp:
    """The same layers as gates: exp(-i g C) = rzz(-g) a pair up to phase, exp(-i b X) = rx(2 b)."""
    edges = cut_cost(n)[1]
    rows: list[tuple[float, ...]] = [(Gate.H.opcode, q, -1, 0, 0) for q in range(n)]
    for gamma, beta in zip(*angles(layers), strict=True):
        rows += [(Gate.RZZ.opcode, i, j, -gamma, 0) for i, j in edges]
        rows += [(Gate.RX.opcode, q, -1, 2 * beta, 0) for q in range(n)]
    return circuit_of(n, rows)


def random_circuit(n: int, depth: int) -> CircuitOp:
    """Random one-qubit unitaries on all qubits, then a brick of cz, `depth` times."""
    rng = np.random.default_rng(5)
    rows: list[tuple[float, ...]] = []
    for layer in range(depth):
        for q in range(n):
            a, b, c = rng.uniform(0, 2 * np.pi, 3)
            rows += [(g.opcode, q, -1, t, 0) for g, t in ((Gate.RZ, c), (Gate.RY, a), (Gate.RZ, b))]
        rows += [(Gate.CZ.opcode, q, q + 1, 0, 0) for q in range(layer % 2, n - 1, 2)]
    return circuit_of(n, rows)


def qsim(circuit: CircuitOp, fusion: int, threads: int = 1) -> Callable[[], Any]:
    import cirq
    import qsimcirq

    from qevo_compiler.targets.cirq.convert import to_cirq

    line = cirq.LineQubit.range(circuit.qubit_count)
    built = to_cirq(circuit, line[::-1], measured=False)
    simulator = qsimcirq.QSimSimulator(qsimcirq.QSimOptions(max_fused_gate_size=fusion, cpu_threads=threads))
    return lambda: simulator.simulate(built, qubit_order=line).final_state_vector


def lightning(n: int, layers: int) -> Callable[[], Any]:
    import pennylane as qml

    edges, (gammas, betas) = cut_cost(n)[1], angles(layers)
    device = qml.device("lightning.qubit", wires=n, c_dtype=np.complex64)

    @qml.qnode(device, diff_method=None)  # type: ignore[untyped-decorator]
    def run() -> Any:
        for q in range(n):
            qml.Hadamard(n - 1 - q)
        for gamma, beta in zip(gammas, betas, strict=True):
            for i, j in edges:
                qml.IsingZZ(-gamma, (n - 1 - i, n - 1 - j))
            for q in range(n):
                qml.RX(2 * beta, n - 1 - q)
        return qml.state()

    return run


def installed(*names: str) -> bool:
    return all(importlib.util.find_spec(name) for name in names)


def qaoa_row(n: int, layers: int) -> Row:
    """G9: seconds from |+...+> to the state, a layer."""
    cost, _ = cut_cost(n)
    table = all_costs(cost)
    qaoa, given = Qaoa(cost, np.float32, 1), angles(layers)
    sides = [Contender("ours", lambda: qaoa.state(*given), True, layers, "f32")]
    if installed("qsimcirq"):
        circuit = qaoa_circuit(n, layers)
        sides += [Contender(f"qsim fusion {k}", qsim(circuit, k), False, layers, "f32") for k in (2, 3, 4)]
    if installed("pennylane_lightning"):
        sides.append(Contender("lightning", lightning(n, layers), False, layers, "f32"))

    def check(value: Any) -> str:
        weights = value.probabilities() if hasattr(value, "probabilities") else np.abs(value) ** 2
        return f"cut {float(weights @ table):.6f}"

    return compare(f"G9 QAOA n={n} p={layers}", "layers/s", sides, floor=5, aim=15, check=check)


def circuit_row(n: int, depth: int) -> Row:
    """G10: seconds for the whole circuit, fusing and planning included."""
    circuit = random_circuit(n, depth)
    sides = [Contender("ours", lambda: run_circuit(circuit, np.float32, 1), True, 1, "f32")]
    if installed("qsimcirq"):
        sides += [Contender(f"qsim fusion {k}", qsim(circuit, k), False, 1, "f32") for k in (2, 3, 4)]
    states: list[Any] = []

    def check(value: Any) -> str:
        states.append(value.amplitudes() if hasattr(value, "amplitudes") else value)
        return f"distance from ours {np.linalg.norm(states[-1] - states[0]):.1e}"

    return compare(f"G10 random circuit n={n} depth {depth}", "runs/s", sides, floor=0.8, aim=1.5, check=check)


_MEMORY = """
import sys
import numpy as np
from qevo_compiler.evaluator.statevector import Cost, Qaoa
n, fields = int(sys.argv[1]), float(sys.argv[2])
def peak():
    # The peak that getrusage gives would include that of the process this one was started from.
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
def model(n):
    ring = np.arange(n)
    return Cost.of_edges(np.full(n, fields), ring, (ring + 1) % n, np.ones(n))
def job(n):
    qaoa = Qaoa(model(n), np.float32, 1)
    state = qaoa.state([0.3, 0.5], [0.4, 0.2])
    qaoa.expectation(state), qaoa.sample(state, 100, 1)
    return state
job(12)
before = peak()
state = job(n)
print((peak() - before) / (state.re.nbytes + state.im.nbytes), (peak() - before) / (8 << n))
"""


def memory_rows(n: int) -> None:
    """Peak memory of a QAOA run, expectation and samples, over that of the amplitudes; in a process of its own."""
    for name, fields in (("with fields", 0.5), ("no fields, folded", 0.0)):
        command = [sys.executable, "-c", _MEMORY, str(n), str(fields)]
        held, full = map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
        verdict = "reached" if full <= 1.2 else "MISSED"
        print(f"memory n={n} f32, {name}: {full:.3f} of 2^n amplitudes (floor 1.2 {verdict}), {held:.3f} of those held")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("qaoa", "circuit", "memory"))
    parser.add_argument("--json")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # read when lightning is loaded
    rows = []
    if options.only in (None, "qaoa"):
        rows += [qaoa_row(20, 5), qaoa_row(24, 2)]
    if options.only in (None, "circuit"):
        rows.append(circuit_row(22, 20))
    if options.only in (None, "memory"):
        memory_rows(26)
    if options.json:
        write_rows(options.json, rows)


if __name__ == "__main__":
    main()

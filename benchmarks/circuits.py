"""`python -m benchmarks.circuits [--trials 12] [--only NAME,..] [--graphs 4] [--json FILE]`: routing against Qiskit.

One layer of rzz (or several with mixers) on a device's couplers, in gates of cz. Both sides make equally many trials
and the best is taken by the same measure: ours with that many placements in one call; Qiskit's transpiler at level 3
with that many seeds, half of them on the edges as they come and half on the edges sorted by colour. Where the graph is
dense, Qiskit's own swap network on the same line of qubits is one of the peers, with random orders of the spins.

Sides run in turn, in one process. Figures are ratios of ours to the peer's: gates of cz, steps of time of two-qubit
gates, the measure (gates + spins * steps / 10), processor seconds of all threads. The graphs are not those on which
the router's constants were chosen (those have seeds from 1000 on). Every circuit of ours is replayed: the parities
that its rz turn and the angles are those of the graph.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.ir import Array
from qevo_compiler.passes.gates.device import Device
from qevo_compiler.passes.gates.device_paths import find_line
from qevo_compiler.passes.lower_gates import Basis, LowerGates
from qevo_compiler.passes.route_qubits import RouteQubits

Ints = NDArray[np.int64]
DATA = Path(os.environ.get("QEVO_DATA", "../shared/data"))
# Qiskit's own network is a peer where at least this share of all pairs have gates.
DENSE = 0.3


@dataclass(frozen=True)
class Case:
    """A graph with `edges` in the order in which a user would state them, on a device."""

    family: str
    device: str
    spins: int
    edges: tuple[tuple[int, int], ...]
    layers: int = 1

    @property
    def density(self) -> float:
        return 2 * len(self.edges) / (self.spins * (self.spins - 1))


@dataclass(frozen=True)
class Outcome:
    """The best circuit of a side, and what all of its trials took."""

    side: str
    gates: int
    depth: int
    seconds: float
    spins: int

    @property
    def measure(self) -> float:
        """What is expected to go wrong, in gates: an idle qubit does so a tenth as often as a gate in the same time."""
        return self.gates + self.spins * self.depth / 10


def couplers_of(name: str, spins: int) -> Device:
    """`heavy-hex` (115 qubits), `grid` (10 x 10), `line` (as many qubits as spins)."""
    from qiskit.transpiler import CouplingMap

    if name == "heavy-hex":
        found = CouplingMap.from_heavy_hex(7)
    else:
        found = CouplingMap.from_grid(10, 10) if name == "grid" else CouplingMap.from_line(spins)
    pairs = np.array(sorted({tuple(sorted(pair)) for pair in found}))
    return Device.of(pairs, int(pairs.max()) + 1)


def graphs(count: int) -> Iterator[tuple[str, nx.Graph]]:
    """Families of random graphs, `count` of each, and instances of others."""
    random: list[tuple[str, Callable[[int], nx.Graph]]] = [
        ("3-regular 20", lambda seed: nx.random_regular_graph(3, 20, seed=seed)),
        ("3-regular 50", lambda seed: nx.random_regular_graph(3, 50, seed=seed)),
        ("3-regular 90", lambda seed: nx.random_regular_graph(3, 90, seed=seed)),
        ("4-regular 24", lambda seed: nx.random_regular_graph(4, 24, seed=seed)),
        ("4-regular 60", lambda seed: nx.random_regular_graph(4, 60, seed=seed)),
        ("random 60, density 0.1", lambda seed: nx.gnp_random_graph(60, 0.1, seed=seed)),
        ("random 24, density 0.3", lambda seed: nx.gnp_random_graph(24, 0.3, seed=seed)),
        ("random 16, density 0.5", lambda seed: nx.gnp_random_graph(16, 0.5, seed=seed)),
        ("power law 50", lambda seed: nx.barabasi_albert_graph(50, 2, seed=seed)),
    ]
    for name, make in random:
        for seed in range(count):
            yield name, make(seed)
    for spins in (8, 16, 30):
        yield f"complete {spins}", nx.complete_graph(spins)
    yield "grid 5 x 8", nx.convert_node_labels_to_integers(nx.grid_2d_graph(5, 8))
    yield "torus 6 x 6", nx.convert_node_labels_to_integers(nx.grid_2d_graph(6, 6, periodic=True))
    for name in ("bqp50-1", "gka1a", "gka1c"):
        path = DATA / "bqp" / f"{name}.sparse"
        if path.exists():
            size, *_ = map(int, path.read_text().split()[:2])
            rows = np.array(path.read_text().split()[2:], int).reshape(-1, 3)
            graph = nx.empty_graph(size)
            graph.add_edges_from((i - 1, j - 1) for i, j, _ in rows.tolist() if i != j)
            yield name, graph


def cases(count: int) -> Iterator[Case]:
    for name, graph in graphs(count):
        edges = tuple((min(pair), max(pair)) for pair in graph.edges)
        for device in ("heavy-hex", "grid", "line"):
            yield Case(name, device, len(graph), edges)
    for name, graph in (("3-regular 20", nx.random_regular_graph(3, 20, seed=0)), ("complete 8", nx.complete_graph(8))):
        edges = tuple((min(pair), max(pair)) for pair in graph.edges)
        yield Case(f"{name}, 3 layers", "heavy-hex", len(graph), edges, 3)


def angle(case: Case, layer: int, edge: int) -> float:
    """Of one rzz: all differ, so that none can be taken for another."""
    return 0.1 + 1e-4 * edge + 0.01 * layer


def stated(case: Case) -> CircuitOp:
    """The layers, with rx on all spins after each but the last."""
    rows: list[tuple[int, int, int, float]] = []
    for layer in range(case.layers):
        rows += [(Gate.RZZ.opcode, a, b, angle(case, layer, k)) for k, (a, b) in enumerate(case.edges)]
        if layer < case.layers - 1:
            rows += [(Gate.RX.opcode, q, -1, 0.5) for q in range(case.spins)]
    table = np.array(rows)
    qubits = table[:, 1:3].astype(np.int64)
    return CircuitOp(case.spins, Array(table[:, 0].astype(np.int64)), Array(qubits), Array(table[:, 3:] * [1.0, 0.0]))


def ours(case: Case, device: Device, trials: int) -> Outcome:
    circuit, coupling = stated(case), tuple(device.couplers.reshape(-1).tolist())
    start = time.process_time()
    routed = RouteQubits(coupling=coupling, qubits=device.size, trials=trials).route(circuit)
    lowered = LowerGates(Basis.CZ).lower(routed)
    seconds = time.process_time() - start
    replay(case, device, routed)
    pairs = lowered.qubits.values[lowered.qubits.values[:, 1] >= 0].tolist()
    clock = [0] * device.size
    for a, b in pairs:
        clock[a] = clock[b] = max(clock[a], clock[b]) + 1
    return Outcome("qevo", len(pairs), max(clock), seconds, case.spins)


def replay(case: Case, device: Device, routed: CircuitOp) -> None:
    """What every rz and rzz turns, as sets of spins: cx and swap move parities, nothing else may."""
    start = routed_start(case, routed)
    held = [frozenset([start[q]] if q in start else []) for q in range(device.size)]
    known = {tuple(pair) for pair in device.couplers.tolist()}
    turned: dict[frozenset[int], list[float]] = {}
    kinds = tuple(Gate)
    rows = zip(routed.opcodes.values, routed.qubits.values.tolist(), routed.angles.values[:, 0].tolist(), strict=True)
    for opcode, (a, b), value in rows:
        gate = kinds[opcode]
        assert b < 0 or (min(a, b), max(a, b)) in known
        if gate is Gate.SWAP:
            held[a], held[b] = held[b], held[a]
        elif gate is Gate.CX:
            held[b] = held[a] ^ held[b]
        elif gate is Gate.RX:
            assert len(held[a]) == 1
        else:
            turned.setdefault(held[a] ^ held[b] if gate is Gate.RZZ else held[a], []).append(value)
    expected: dict[frozenset[int], list[float]] = {}
    for layer in range(case.layers):
        for k, pair in enumerate(case.edges):
            expected.setdefault(frozenset(pair), []).append(angle(case, layer, k))
    assert {key: sorted(value) for key, value in turned.items()} == {k: sorted(v) for k, v in expected.items()}
    assert [held[q] for q in routed.measured] == [frozenset([spin]) for spin in range(case.spins)]


def routed_start(case: Case, routed: CircuitOp) -> dict[int, int]:
    """The spin that every qubit holds at first: cx and swap taken back from where spins are measured."""
    rows = list(zip(routed.opcodes.values.tolist(), routed.qubits.values.tolist(), strict=True))
    held = {int(q): frozenset([spin]) for spin, q in enumerate(routed.measured)}
    empty: frozenset[int] = frozenset()
    for opcode, (a, b) in reversed(rows):
        if opcode == Gate.SWAP.opcode:
            held[a], held[b] = held.get(b, empty), held.get(a, empty)
        elif opcode == Gate.CX.opcode:
            held[b] = held.get(a, empty) ^ held.get(b, empty)
    return {q: next(iter(spin)) for q, spin in held.items() if spin}


def by_colour(case: Case) -> list[int]:
    """The edges by a colouring of the line graph: what a user does for a shallow circuit."""
    lines = nx.line_graph(nx.Graph(case.edges))
    colours = {tuple(sorted(edge)): c for edge, c in nx.greedy_color(lines, "largest_first").items()}
    return sorted(range(len(case.edges)), key=lambda k: (colours[case.edges[k]], k))


def qiskit_circuit(case: Case, order: list[int]) -> Any:
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(case.spins)
    for layer in range(case.layers):
        for k in order:
            circuit.rzz(angle(case, layer, k), *case.edges[k])
        if layer < case.layers - 1:
            circuit.rx(0.5, range(case.spins))
    return circuit


def transpiled(case: Case, device: Device, trials: int) -> Outcome:
    from qiskit import transpile
    from qiskit.transpiler import CouplingMap

    coupling = CouplingMap([*device.couplers.tolist(), *device.couplers[:, ::-1].tolist()])
    circuits = [qiskit_circuit(case, order) for order in (list(range(len(case.edges))), by_colour(case))]
    start, found = time.process_time(), []
    for seed in range(trials):
        made = transpile(
            circuits[seed % 2], coupling_map=coupling, basis_gates=["cz", "rz", "sx", "x"],
            optimization_level=3, seed_transpiler=seed // 2,
        )  # fmt: skip
        found.append(measured(made))
    return best("qiskit -O3", case, found, time.process_time() - start)


def networked(case: Case, device: Device, trials: int) -> Outcome | None:
    """Qiskit's router for commuting gates with its strategy for a line, on the line that we find."""
    from qiskit import QuantumCircuit, transpile
    from qiskit.circuit.library import PauliEvolutionGate
    from qiskit.quantum_info import SparsePauliOp
    from qiskit.transpiler import CouplingMap, PassManager
    from qiskit.transpiler.passes.routing.commuting_2q_gate_routing import Commuting2qGateRouter, SwapStrategy

    line = find_line(device, case.spins)
    if line is None or case.layers > 1:
        return None
    coupling = CouplingMap([*device.couplers.tolist(), *device.couplers[:, ::-1].tolist()])
    start, found = time.process_time(), []
    for seed in range(trials):
        place = np.random.default_rng(seed).permutation(case.spins) if seed else np.arange(case.spins)
        pairs = [(int(place[a]), int(place[b])) for a, b in case.edges]
        terms = [("ZZ", pair, angle(case, 0, k) / 2) for k, pair in enumerate(pairs)]
        circuit = QuantumCircuit(case.spins)
        circuit.append(PauliEvolutionGate(SparsePauliOp.from_sparse_list(terms, case.spins)), range(case.spins))
        made = PassManager([find_commuting(), Commuting2qGateRouter(SwapStrategy.from_line(list(range(case.spins))))])
        lowered = transpile(
            made.run(circuit), coupling_map=coupling, basis_gates=["cz", "rz", "sx", "x"], optimization_level=3,
            initial_layout=line.tolist(), routing_method="none", seed_transpiler=seed,
        )  # fmt: skip
        found.append(measured(lowered))
    return best("qiskit's network", case, found, time.process_time() - start)


def find_commuting() -> Any:
    from qiskit.transpiler.passes.routing.commuting_2q_gate_routing import FindCommutingPauliEvolutions

    return FindCommutingPauliEvolutions()


def measured(circuit: Any) -> tuple[int, int]:
    gates = circuit.count_ops()
    assert set(gates) <= {"cz", "rz", "sx", "x"}
    return gates.get("cz", 0), circuit.depth(lambda item: item.operation.num_qubits == 2)


def best(side: str, case: Case, found: list[tuple[int, int]], seconds: float) -> Outcome:
    return min((Outcome(side, *each, seconds, case.spins) for each in found), key=lambda outcome: outcome.measure)


def compare(case: Case, trials: int) -> list[Outcome]:
    device = couplers_of(case.device, case.spins)
    sides: list[Outcome | None] = [ours(case, device, trials), transpiled(case, device, trials)]
    if case.density >= DENSE:
        sides.append(networked(case, device, trials))
    return [side for side in sides if side is not None]


def interval(values: list[float]) -> str:
    """The median and, of more than three values, the range of its 95 % bootstrap interval."""
    middle = f"{statistics.median(values):.2f}"
    if len(values) < 4:
        return middle
    drawn = np.random.default_rng(0).choice(values, (2000, len(values)))
    low, high = np.quantile(np.median(drawn, axis=1), [0.025, 0.975])
    return f"{middle} ({low:.2f} to {high:.2f})"


def table(rows: list[tuple[Case, list[Outcome]]]) -> Iterator[str]:
    """A line a family and device: ours, the peer that is best by the measure, and ratios."""
    yield "| graph | device | ours: cz / depth | peer | peer's | cz | depth | measure | CPU |"
    yield "|---|---|---|---|---|---|---|---|---|"
    groups: dict[tuple[str, str], list[list[Outcome]]] = {}
    for case, outcomes in rows:
        groups.setdefault((case.family, case.device), []).append(outcomes)
    for (family, device), found in groups.items():
        yield f"| {family} | {device} | {line_of(found)} |"


def line_of(found: list[list[Outcome]]) -> str:
    mine = [outcomes[0] for outcomes in found]
    peers = [min(outcomes[1:], key=lambda outcome: outcome.measure) for outcomes in found]
    middle = [
        f"{statistics.median(o.gates for o in s):.0f} / {statistics.median(o.depth for o in s):.0f}"
        for s in (mine, peers)
    ]
    ratios = [interval([value(a) / value(b) for a, b in zip(mine, peers, strict=True)]) for value in RATIOS]
    names = sorted({peer.side for peer in peers})
    return " | ".join([middle[0], ", ".join(names), middle[1], *ratios])


RATIOS: tuple[Callable[[Outcome], float], ...] = (
    lambda outcome: max(outcome.gates, 1),
    lambda outcome: max(outcome.depth, 1),
    lambda outcome: outcome.measure,
    lambda outcome: outcome.seconds,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--graphs", type=int, default=4)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    # Kernels are compiled and libraries loaded before the first clock starts.
    compare(Case("warming", "grid", 6, tuple((a, b) for b in range(6) for a in range(b))), 1)
    rows = []
    for case in cases(options.graphs):
        if any(name in case.family for name in options.only.split(",")):
            rows.append((case, compare(case, options.trials)))
            shown = ", ".join(f"{o.side} {o.gates}/{o.depth} {o.seconds:.2f} s" for o in rows[-1][1])
            print(f"{case.family}, {case.device}: {shown}", flush=True)
    print("\n".join(table(rows)))
    print("all, by device:")
    for device in ("heavy-hex", "grid", "line"):
        found = [outcomes for case, outcomes in rows if case.device == device]
        if found:
            print(f"| all | {device} | {line_of(found)} |")
    if options.json:
        kept = [{"case": asdict(case), "sides": [asdict(side) for side in sides]} for case, sides in rows]
        options.json.write_text(json.dumps(kept))


if __name__ == "__main__":
    main()

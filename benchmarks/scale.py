"""Claim: a million couplings compile in about the time that array libraries need to touch them.

Each side runs in a process of its own, the sides in turn; printed are medians over the runs, the ratio, and
the peak memory above what was resident after import and data generation. `python benchmarks/scale.py [RUNS]`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

CUT = """program cut
data edge: int[m, 2] from "cut.npz:edge"
data w: real[m] from "cut.npz:w"
var s: spin[n] where n = max(edge) + 1
maximize sum(w[e] * (1 - s[edge[e, 0]] * s[edge[e, 1]]) / 2 for e in 0..m)
"""
CHAIN = """program chain
data w: real[m] from "chain.npy"
var x: binary[n] where n = m + 1
minimize sum(w[i] * x[i] * x[i + 1] for i in 0..m) - sum(x)
"""


def make_cut(folder: Path, edges: int = 1_000_000) -> None:
    """A random graph without loops, each edge once, in random order, and its program."""
    rng = np.random.default_rng(1)
    nodes = edges // 10
    pairs = np.sort(rng.integers(0, nodes, (edges + edges // 10, 2)), axis=1)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    _, first = np.unique(pairs[:, 0] * nodes + pairs[:, 1], return_index=True)
    pairs = pairs[rng.permutation(first)[:edges]]
    np.savez(folder / "cut.npz", edge=pairs, w=rng.integers(1, 10, len(pairs)).astype(float))
    (folder / "cut.qevo").write_text(CUT)


def make_chain(folder: Path, size: int = 2**18) -> None:
    """A chain of binaries and its program."""
    np.save(folder / "chain.npy", np.random.default_rng(2).normal(size=size - 1))
    (folder / "chain.qevo").write_text(CHAIN)


def compile_to_arrays(folder: Path, name: str) -> Callable[[], int]:
    """Source text to the model's arrays: read, check, expand, encode, quadratize, spins."""
    from qevo_compiler.dialects import ising
    from qevo_compiler.frontend.load import import_source
    from qevo_compiler.passes.pipeline import Pipeline
    from qevo_compiler.passes.pipelines import SOURCES, TARGETS

    text = f"{SOURCES['problem']},{TARGETS['spin']}".partition(",scale-coefficients")[0]
    # Peers translate; a presolve would solve the chain and make the comparison another one.
    pipeline = Pipeline.parse(text, {"presolve": {"persistency": False, "symmetry": False}})

    # The parser's tables and the passes load on first use; dimod, too, is loaded before its clock starts.
    pipeline.run(import_source("program p\nvar x: binary[2]\nminimize x[0] * x[1]\n").module)

    def work() -> int:
        model = pipeline.run(import_source(folder / f"{name}.qevo").module).main.only(ising.ModelOp)
        return model.couplings.size

    return work


def dimod_cut(folder: Path) -> Callable[[], int]:
    """dimod from arrays in row order, the fast route that its documentation recommends."""
    import dimod

    def work() -> int:
        loaded = np.load(folder / "cut.npz")
        edge, w = loaded["edge"], loaded["w"]
        order = np.lexsort((edge[:, 1], edge[:, 0]))
        fields = np.zeros(int(edge.max()) + 1)
        vectors = (edge[order, 0], edge[order, 1], w[order] / 2)
        bqm = dimod.BinaryQuadraticModel.from_numpy_vectors(fields, vectors, -w.sum() / 2, "SPIN")
        return int(bqm.num_interactions)

    return work


def dimod_chain(folder: Path) -> Callable[[], int]:
    """The same chain by dimod's array call."""
    import dimod

    def work() -> int:
        w = np.load(folder / "chain.npy")
        head = np.arange(len(w))
        bqm = dimod.BinaryQuadraticModel.from_numpy_vectors(-np.ones(len(w) + 1), (head, head + 1, w), 0.0, "BINARY")
        return int(bqm.num_interactions)

    return work


SIDES = {
    "cut/qevo": lambda folder: compile_to_arrays(folder, "cut"),
    "cut/dimod": dimod_cut,
    "chain/qevo": lambda folder: compile_to_arrays(folder, "chain"),
    "chain/dimod": dimod_chain,
}


def measure(side: str, folder: Path) -> dict[str, float]:
    """Seconds and peak MB of one side, in this process."""
    work = SIDES[side](folder)
    # Linux: forget the peak of imports, so that the next one is the work's own.
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    started = time.perf_counter()
    couplings = work()
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "mb": (memory("VmHWM") - before) / 1024, "couplings": couplings}


def memory(key: str) -> float:
    """A figure of this process in kB: VmRSS is resident now, VmHWM its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{key}:")))


def measure_apart(side: str, folder: Path) -> dict[str, float]:
    """`measure` in a fresh process."""
    command = [sys.executable, __file__, "--measure", side, str(folder)]
    return dict(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_cut(folder)
        make_chain(folder)
        rows: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
        for _ in range(runs):
            for side in SIDES:
                rows[side].append(measure_apart(side, folder))
    print(f"{'load':8}{'couplings':>12}{'ours s':>9}{'dimod s':>9}{'ratio':>8}{'ours MB':>9}{'dimod MB':>10}")
    for load in ("cut", "chain"):
        ours, peer = (rows[f"{load}/{who}"] for who in ("qevo", "dimod"))
        seconds = [statistics.median(r["seconds"] for r in side) for side in (ours, peer)]
        ratio = statistics.median(a["seconds"] / b["seconds"] for a, b in zip(ours, peer, strict=True))
        memory = [statistics.median(r["mb"] for r in side) for side in (ours, peer)]
        print(
            f"{load:8}{ours[0]['couplings']:>12.0f}{seconds[0]:>9.3f}{seconds[1]:>9.3f}{ratio:>8.2f}"
            f"{memory[0]:>9.0f}{memory[1]:>10.0f}"
        )
    print(f"medians of {runs} runs in turn; dimod starts from arrays in memory order and checks no program")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2], Path(sys.argv[3]))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)

"""`python -m benchmarks.evaluator.polynomials [--quick] [--out FILE]`: G4 and G5, polynomial maps against their peers.

G4: a sparse cubic map with 10^4 to 10^6 monomials at 1024 points. G5: one with 10^4 at one point. Rates are
monomials a second, one thread, CPU seconds; values are checked against numpy in the same run. A random map has
its variables drawn at random; the `sgd` one is the gradient of a quadratic fit with random masked features,
whose monomials share their first factors.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Contender, Row, compare, write_rows
from qevo_compiler.dialects.poly.arithmetic import evaluate
from qevo_compiler.dialects.poly.polynomials import Polynomials, pack
from qevo_compiler.evaluator.polynomials import PolynomialMap

BATCH = 1024
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Load:
    """A cubic map: variables [m, 3] and coefficients [m] sorted by row, `starts` [n + 1]."""

    name: str
    n: int
    map: Polynomials

    @property
    def terms(self) -> tuple[Array, Array, Array]:
        row, variables, coefficients = self.map.block(3)
        return np.searchsorted(row, np.arange(self.n + 1)), variables, coefficients


def random_load(n: int, m: int) -> Load:
    rng = np.random.default_rng(n + m)
    rows = np.arange(m) % n
    return Load(f"random n={n} m={m}", n, pack(n, [(rows, rng.integers(0, n, (m, 3)), rng.normal(size=m))]))


def sgd_load(n: int, samples: int) -> Load:
    """Cubic part of the gradient of sum_s ((w.x_s)^2 - y_s)^2 with four of n features in every sample."""
    rng = np.random.default_rng(n + samples)
    blocks = []
    for _ in range(samples):
        names, x = rng.choice(n, 4, replace=False), rng.normal(size=4)
        grid = np.stack(np.meshgrid(*[np.arange(4)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
        blocks.append((names[grid[:, 0]], names[grid[:, 1:]], x[grid].prod(axis=1)))
    load = pack(n, blocks)
    return Load(f"sgd n={n} m={len(load)}", n, load)


def ours(load: Load, points: Array, straight: bool) -> Callable[[], Array]:
    start = time.process_time()
    maps = PolynomialMap(load.map, load.n, points.dtype.type, threads=1, straight=straight)
    if points.ndim == 1:
        out = np.empty(load.n)
        call = maps.bound(points, out)

        def run() -> Array:
            call()
            return out
    else:

        def run() -> Array:
            return maps.columns(points)

    run()
    print(f"    build of ours: {time.process_time() - start:.3f} CPU s", flush=True)
    return run


def numba_map(load: Load, points: Array) -> Callable[[], Array]:
    import numba

    starts, variables, coefficients = load.terms

    @numba.njit(fastmath=True)
    def one(x: Any, out: Any) -> None:
        for r in range(len(starts) - 1):
            total = 0.0
            for k in range(starts[r], starts[r + 1]):
                total += coefficients[k] * x[variables[k, 0]] * x[variables[k, 1]] * x[variables[k, 2]]
            out[r] = total

    @numba.njit(fastmath=True)
    def many(x: Any, out: Any) -> None:
        block = np.empty((x.shape[0], 32))
        sums = np.empty(32)
        for s in range(0, x.shape[1], 32):
            block[:, :] = x[:, s : s + 32]
            for r in range(len(starts) - 1):
                sums[:] = 0.0
                for k in range(starts[r], starts[r + 1]):
                    a, b, d, c = variables[k, 0], variables[k, 1], variables[k, 2], coefficients[k]
                    for p in range(32):
                        sums[p] += c * block[a, p] * block[b, p] * block[d, p]
                out[r, s : s + 32] = sums

    out = np.empty((load.n, *points.shape[1:]))
    kernel = one if points.ndim == 1 else many

    def run() -> Array:
        kernel(points, out)
        return out

    return run


def _sums(load: Load, names: Any, add: Callable[[list[Any]], Any]) -> list[Any]:
    starts, variables, coefficients = load.terms
    rows = []
    for first, stop in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        terms = zip(coefficients[first:stop].tolist(), variables[first:stop].tolist(), strict=True)
        rows.append(add([c * names[i] * names[j] * names[k] for c, (i, j, k) in terms]))
    return rows


def heyoka_map(load: Load, points: Array) -> Callable[[], Array]:
    import heyoka

    names = heyoka.make_vars(*[f"x{i}" for i in range(load.n)])
    function = heyoka.cfunc(_sums(load, names, heyoka.sum), vars=names, compact_mode=False)
    out = np.empty((load.n, *points.shape[1:]))
    return lambda: function(points, outputs=out)


def casadi_map(load: Load, points: Array) -> Callable[[], Array]:
    """casadi's generated C, compiled by gcc -O1 and called through its buffers."""
    import casadi

    x = casadi.SX.sym("x", load.n)
    names = [x[i] for i in range(load.n)]
    function = casadi.Function(
        "f", [x], [casadi.vertcat(*_sums(load, names, lambda t: sum(t[1:], t[0]) if t else 0.0))]
    )
    folder = tempfile.mkdtemp()
    generator = casadi.CodeGenerator("f.c")
    generator.add(function)
    generator.generate(f"{folder}/")
    command = ["gcc", "-O1", "-march=native", "-shared", "-fPIC", "-o", "f.so", "f.c"]
    subprocess.run(command, cwd=folder, check=True)
    external = casadi.external("f", str(Path(folder) / "f.so"))
    buffer, call = external.buffer()
    out = np.empty(load.n)
    buffer.set_arg(0, memoryview(points))
    buffer.set_res(0, memoryview(out))

    def run() -> Array:
        call()
        return out

    run.keep = (external, buffer)  # type: ignore[attr-defined]
    return run


PEERS = {"numba": numba_map, "heyoka": heyoka_map, "casadi": casadi_map}


def contest(goal: str, load: Load, points: Array, peers: list[str], floor: float, aim: float) -> Row:
    """One row: for a single point by straight-line code, which `codes` compares with the packed loop."""
    m = len(load.map)
    work = m * (points.shape[1] if points.ndim == 2 else 1) / 1e6
    single = points.ndim == 1
    sides = [Contender("qevo", ours(load, points, single), True, work)]
    for name in peers:
        start = time.perf_counter()
        run = PEERS[name](load, points)
        run()
        print(f"    build of {name}: {time.perf_counter() - start:.1f} s", flush=True)
        sides.append(Contender(name, run, False, work))
    sample = points if single else points[:, :8].T
    expected = evaluate(load.map, sample)

    def check(value: Array) -> str:
        found = value if single else value[:, :8].T
        return f"error {np.abs(found - expected).max() / np.abs(expected).max():.1e}"

    return compare(f"{goal} {load.name}", "Mmon/s", sides, floor=floor, aim=aim, check=check)


def codes(load: Load) -> Row:
    """What the cost model decides from: straight-line code against the packed loop at one point."""
    points = np.random.default_rng(1).uniform(-1, 1, load.n)
    sides = [
        Contender("straight line", ours(load, points, True), True, len(load.map) / 1e6),
        Contender("packed loop", ours(load, points, False), False, len(load.map) / 1e6),
    ]
    return compare(f"codes {load.name}", "Mmon/s", sides)


def half(load: Load, points: Array) -> Row:
    """float32 against float64, both ours."""
    work = len(load.map) * points.shape[1] / 1e6
    sides = [
        Contender("float32", ours(load, points.astype(np.float32), False), True, work, "f32"),
        Contender("float64", ours(load, points, False), False, work),
    ]
    return compare(f"precision {load.name}", "Mmon/s", sides)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="without 10^6 monomials and without heyoka in batches")
    parser.add_argument("--out", help="a file for the figures as JSON")
    options = parser.parse_args()
    rng, rows = np.random.default_rng(0), []
    slow = [] if options.quick else ["heyoka"]
    jobs = [(random_load(100, 10_000), ["numba", *slow]), (sgd_load(100, 60), ["numba", *slow])]
    jobs.append((random_load(300, 100_000), ["numba"]))
    if not options.quick:
        jobs.append((random_load(1000, 1_000_000), ["numba"]))
    for load, peers in jobs:
        rows.append(contest("G4", load, rng.uniform(-1, 1, (load.n, BATCH)), peers, 1.2, 3.0))
    rows.append(half(jobs[0][0], rng.uniform(-1, 1, (jobs[0][0].n, BATCH))))
    for load, _ in jobs[:2]:
        rows.append(contest("G5", load, rng.uniform(-1, 1, load.n), ["heyoka", "casadi"], 1.0, 2.0))
    for load in (random_load(100, 300), random_load(100, 1000), random_load(20, 1000), sgd_load(100, 10), jobs[0][0]):
        rows.append(codes(load))
    if options.out:
        write_rows(options.out, rows)


if __name__ == "__main__":
    main()

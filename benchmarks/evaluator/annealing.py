"""Annealing: updates a second (G1, G3), energies of samples (G11) and quality at equal CPU time (G2, G3, instances).

    python -m benchmarks.evaluator.annealing [--only rate,energies,quality,best] [--budget SECONDS] [--json rows.json]

One thread but for `best`, which gives the best known values of the G-set a minute on all threads. Samplers get
the same dimod model and are timed from the call to its result, conversion included. Peers that are not
installed are left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dimod
import numpy as np

from benchmarks.evaluator import instances
from benchmarks.harness import Contender, Row, compare, write_rows
from qevo_compiler.backends.local import Annealer
from qevo_compiler.evaluator.annealing import SpinModel, energies

Run = Callable[[int, int, int], tuple[float, float]]  # reads, sweeps, seed -> mean and least energy
READS = 16


def rate_row(name: str, bqm: dimod.BinaryQuadraticModel, floor: float, aim: float, sweeps: int, slow: int) -> Row:
    """Proposals a second, same reads and inverse temperatures for both; each has sweeps enough to hide conversion."""
    n, betas = bqm.num_variables, (0.05, 5.0)
    given: dict[str, Any] = {"num_reads": READS, "beta_range": betas, "seed": 1}

    def ours() -> Any:
        return Annealer().sample(bqm, num_sweeps=sweeps, method="annealing", threads=1, **given)

    sides = [Contender("ours", ours, True, READS * sweeps * n / 1e6, "f32")]
    if importlib.util.find_spec("dwave.samplers"):
        from dwave.samplers import SimulatedAnnealingSampler

        def peer() -> Any:
            return SimulatedAnnealingSampler().sample(bqm, num_sweeps=slow, randomize_order=False, **given)

        sides.append(Contender("dwave SA", peer, False, READS * slow * n / 1e6, "f64"))

    def check(found: Any) -> str:
        wrong = np.abs(bqm.energies(found) - found.record.energy).max()
        return f"mean energy {found.record.energy.mean():.1f}, largest energy error {wrong:.1e}"

    return compare(f"{name} annealing", "Mupdates/s", sides, floor=floor, aim=aim, check=check)


def energy_row(name: str, bqm: dimod.BinaryQuadraticModel, samples: int) -> Row:
    """G11: energies of a matrix of samples, from the model as each package holds it."""
    n = bqm.num_variables
    spins = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), size=(samples, n))
    order = list(range(n))
    vectors = bqm.to_numpy_vectors(variable_order=order)
    model = SpinModel.from_pairs(vectors.linear_biases, *vectors.quadratic, float(bqm.offset))
    work = samples * bqm.num_interactions / 1e6
    precision = "f32 sums, exact" if model.integral else "f64"
    expected = bqm.energies((spins, order))
    sides = [
        Contender("ours", lambda: energies(model, spins, 1), True, work, precision),
        Contender("dimod", lambda: bqm.energies((spins, order)), False, work),
    ]
    return compare(
        f"G11 energies of {samples} samples, {name}", "Medges/s", sides, floor=5, aim=20,
        check=lambda found: f"largest error {np.abs(found - expected).max():.1e}",
    )  # fmt: skip


@dataclass
class Quality:
    """A sampler's energies at about the budget: medians over seeds of the mean and least of its reads."""

    name: str
    seconds: float
    sweeps: int
    mean: float
    least: float


def samplers(bqm: dimod.BinaryQuadraticModel, budget: float) -> dict[str, Run]:
    def stats(found: Any) -> tuple[float, float]:
        return float(found.record.energy.mean()), float(found.record.energy.min())

    def ours(method: str, reads_of: Callable[[int], int]) -> Run:
        return lambda reads, sweeps, seed: stats(
            Annealer().sample(bqm, num_reads=reads_of(reads), num_sweeps=sweeps, seed=seed, method=method, threads=1)
        )

    runs: dict[str, Run] = {"ours": ours("auto", lambda r: r), "ours, tempering": ours("tempering", lambda r: 1)}
    if 2 * bqm.num_interactions > 0.2 * bqm.num_variables**2:
        runs["ours, tabu"] = ours("tabu", lambda r: 1)
    if importlib.util.find_spec("dwave.samplers"):
        from dwave.samplers import SimulatedAnnealingSampler, TabuSampler

        runs["dwave SA"] = lambda reads, sweeps, seed: stats(
            SimulatedAnnealingSampler().sample(bqm, num_reads=reads, num_sweeps=sweeps, seed=seed % 2**31)
        )
        # Tabu is steered by time; one read of the whole budget is its best way to use it.
        runs["dwave tabu"] = lambda reads, sweeps, seed: stats(
            TabuSampler().sample(bqm, num_reads=1, timeout=max(1, sweeps), seed=seed % 2**31)
        )
    if importlib.util.find_spec("openjij"):
        import openjij

        # With a seed, openjij repeats one read.
        runs["openjij SA"] = lambda reads, sweeps, seed: stats(
            openjij.SASampler().sample(bqm, num_reads=reads, num_sweeps=sweeps)
        )
    if importlib.util.find_spec("simulated_bifurcation") and bqm.num_variables <= 3000:
        runs["simulated bifurcation"] = _bifurcation(bqm)
    return runs


def _bifurcation(bqm: dimod.BinaryQuadraticModel) -> Run:
    import simulated_bifurcation as sb
    import torch

    torch.set_num_threads(1)
    spin = bqm.change_vartype("SPIN", inplace=False)
    order = list(spin.variables)
    vectors = spin.to_numpy_vectors(variable_order=order)
    matrix = np.zeros((len(order), len(order)), np.float32)
    matrix[vectors.quadratic[0], vectors.quadratic[1]] = vectors.quadratic[2]
    half = torch.from_numpy((matrix + matrix.T) / 2)
    linear = torch.from_numpy(np.asarray(vectors.linear_biases, np.float32))

    def run(reads: int, sweeps: int, seed: int) -> tuple[float, float]:
        torch.manual_seed(seed)
        states, _ = sb.minimize(
            half, linear, domain="spin", agents=reads, max_steps=sweeps, mode="ballistic", early_stopping=False,
            best_only=False, verbose=False, dtype=torch.float32,
        )  # fmt: skip
        found = spin.energies((states.numpy().astype(np.int8), order))
        return float(found.mean()), float(found.min())

    return run


def sweeps_for(run: Run, budget: float) -> int:
    """Sweeps that use most of the budget of CPU seconds: from a growing series of trials."""
    sweeps = 2
    run(READS, sweeps, 0)
    while True:
        start = time.process_time()
        run(READS, sweeps, 0)
        spent = time.process_time() - start
        if spent > 0.3 * budget or sweeps > 10**7:
            return max(1, int(sweeps * 0.85 * budget / spent))
        sweeps = int(sweeps * max(1.5, min(10.0, 0.5 * budget / max(spent, 1e-3))))


def quality(name: str, bqm: dimod.BinaryQuadraticModel, best: float, budget: float, seeds: int) -> list[Quality]:
    """Energies of every sampler after about the same CPU time, seeds in turn."""
    runs = samplers(bqm, budget)
    sweeps = {key: int(budget * 1000) if key == "dwave tabu" else sweeps_for(run, budget) for key, run in runs.items()}
    found: dict[str, list[tuple[float, float, float]]] = {key: [] for key in runs}
    for seed in range(seeds):
        for key, run in runs.items():
            start = time.process_time()
            mean, least = run(READS, sweeps[key], 1000 + seed)
            found[key].append((time.process_time() - start, mean, least))
    table = []
    for key, rows in found.items():
        seconds, mean, least = (statistics.median(column) for column in zip(*rows, strict=True))
        table.append(Quality(key, seconds, sweeps[key], mean, least))
    _print_quality(name, bqm, best, table)
    return table


def _print_quality(name: str, bqm: dimod.BinaryQuadraticModel, best: float, table: list[Quality]) -> None:
    ours, peers = table[0], [row for row in table if not row.name.startswith("ours")]
    slack = 1e-9 * max(1.0, abs(ours.least))
    # The mean of tabu is that of one read which had the whole budget.
    means = [p for p in peers if p.name != "dwave tabu" and p.mean < ours.mean - slack]
    worse = [p.name for p in peers if p in means or p.least < ours.least - slack]
    verdict = f"worse than {', '.join(worse)}" if worse else "not worse than any peer"
    known = "" if np.isnan(best) else f", best known {best:g}"
    print(f"{name}: n={bqm.num_variables}, {bqm.num_interactions} couplings{known}: ours {verdict}", flush=True)
    for row in table:
        numbers = f"{row.seconds:6.2f} s  {row.sweeps:8d} sweeps  mean {row.mean:14.2f}  best {row.least:14.2f}"
        print(f"    {row.name:24s} {numbers}")


def best_known(limit: float) -> None:
    """Wall time on all threads until the best known cut is met, in runs of doubling length."""
    for name, value in instances.BEST_CUTS.items():
        bqm = instances.cut(name)
        start, sweeps, least, seed = time.perf_counter(), 1000, 0.0, 0
        while time.perf_counter() - start < limit and least > -value:
            spent = time.perf_counter() - start

            def late(until: float = start + limit) -> bool:
                return time.perf_counter() > until

            found = Annealer().sample(bqm, num_reads=128, num_sweeps=sweeps, seed=seed, interrupt_function=late)
            least, seed = min(least, float(found.record.energy.min())), seed + 1
            took = time.perf_counter() - start - spent
            sweeps = min(sweeps * 2, int(sweeps * max(1.0, limit / 4 / took)))
        gap = "reached" if least <= -value else f"gap {value + least:g}"
        print(f"{name}: cut {-least:g} of {value}, {gap}, {time.perf_counter() - start:.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="rate,energies,quality,best")
    parser.add_argument("--budget", type=float, default=0.5, help="CPU seconds of a sampler in `quality`")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json")
    args = parser.parse_args()
    parts, rows = set(args.only.split(",")), []
    random = {"3-regular 1e4": instances.regular(), "SK 1000": instances.glass()}
    if importlib.util.find_spec("dwave_networkx"):
        random["Pegasus P16"] = instances.pegasus()
    if "rate" in parts:
        for name, bqm in random.items():
            dense = name.startswith("SK")
            floor, aim = (4, 15) if dense else (15, 60)
            rows.append(rate_row(f"{'G3' if dense else 'G1'} {name}", bqm, floor, aim, 2000, 20 if dense else 40))
    if "energies" in parts:
        rows += [energy_row(name, bqm, 10_000) for name, bqm in random.items()]
    if "quality" in parts:
        for name, bqm in random.items():
            quality(f"{'G3' if name.startswith('SK') else 'G2'} {name}", bqm, float("nan"), args.budget, args.seeds)
        for name, (load, best) in instances.available().items():
            quality(name, load(), best, args.budget, args.seeds)
    if "best" in parts and instances.DATA.is_dir():
        best_known(60.0)
    if args.json:
        write_rows(args.json, rows)


if __name__ == "__main__":
    # BLAS and torch on one thread, as ours is.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    main()

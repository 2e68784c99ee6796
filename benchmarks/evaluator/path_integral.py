"""Path-integral annealing against dwave's sampler of that name, and against ordinary annealing at equal CPU time.

    python -m benchmarks.evaluator.path_integral [--budget SECONDS] [--json rows.json]

One thread, 16 reads. The unit of the rate is a worldline visit: one qubit of one read, once. Ours then proposes each
of its slices and the whole line; dwave's draws one segment of a continuous line. So energies at equal CPU time
are the fair comparison; they are printed for every sampler. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from typing import Any

import dimod
import numpy as np

from benchmarks.evaluator import instances
from benchmarks.harness import Contender, Row, compare, write_rows
from qevo_compiler.evaluator.annealing import SpinModel, anneal, beta_range, energies
from qevo_compiler.evaluator.annealing.path_integral import default_drive, path_integral
from qevo_compiler.evaluator.annealing.schedules import geometric

READS = 16
SLICES = (4, 8, 16)


def spin_model(bqm: dimod.BinaryQuadraticModel) -> SpinModel:
    vectors = bqm.to_numpy_vectors(variable_order=list(range(bqm.num_variables)))
    return SpinModel.from_pairs(vectors.linear_biases, *vectors.quadratic, float(bqm.offset))


def ours(model: SpinModel, slices: int) -> Callable[[int], Any]:
    def run(sweeps: int) -> Any:
        a, b, beta = default_drive(model, sweeps, slices)
        return energies(model, path_integral(model, a, b, READS, 1, slices=slices, beta=beta, threads=1))

    return run


def ordinary(model: SpinModel) -> Callable[[int], Any]:
    return lambda sweeps: energies(
        model, anneal(model, geometric(*beta_range(model), sweeps), READS, 1, dense=False, threads=1)
    )


def peer(bqm: dimod.BinaryQuadraticModel, name: str) -> Callable[[int], Any]:
    import dwave.samplers

    sampler = getattr(dwave.samplers, name)()
    return lambda sweeps: sampler.sample(bqm, num_reads=READS, num_sweeps=sweeps, seed=1).record.energy


def rate_row(name: str, bqm: dimod.BinaryQuadraticModel, slices: int, sweeps: int, slow: int) -> Row:
    visits = READS * bqm.num_variables / 1e6
    run = ours(spin_model(bqm), slices)
    sides = [Contender(f"ours, {slices} slices", lambda: run(sweeps), True, visits * sweeps, "f32")]
    if importlib.util.find_spec("dwave.samplers"):
        theirs = peer(bqm, "PathIntegralAnnealingSampler")
        sides.append(Contender("dwave path integral", lambda: theirs(slow), False, visits * slow, "f64"))
    job = f"{name} path integral, {slices} slices"
    return compare(job, "Mvisits/s", sides, rounds=3, check=lambda e: f"mean energy {e.mean():.1f}")


def quality(name: str, bqm: dimod.BinaryQuadraticModel, budget: float) -> None:
    """Mean and least energy of each sampler with the sweeps that fill the budget."""
    model = spin_model(bqm)
    runs = {f"ours, {slices} slices": ours(model, slices) for slices in SLICES} | {"ours, ordinary": ordinary(model)}
    if importlib.util.find_spec("dwave.samplers"):
        runs["dwave path integral"] = peer(bqm, "PathIntegralAnnealingSampler")
        runs["dwave ordinary"] = peer(bqm, "SimulatedAnnealingSampler")
    print(f"{name} at {budget:g} s of CPU time, {READS} reads")
    for label, run in runs.items():
        sweeps = filling(run, budget)
        start = time.process_time()
        found = np.asarray(run(sweeps))
        spent = time.process_time() - start
        print(
            f"    {label:24s} {sweeps:7d} sweeps {spent:6.2f} s  mean {found.mean():10.2f}  least {found.min():10.2f}",
            flush=True,
        )


def filling(run: Callable[[int], Any], budget: float) -> int:
    """Sweeps that take about the budget, from runs that grow until they are long enough to tell."""
    sweeps = 2
    while True:
        start = time.process_time()
        run(sweeps)
        seconds = time.process_time() - start
        if seconds > budget / 8 or sweeps > 10**6:
            return max(2, int(sweeps * budget / max(seconds, 1e-6)))
        sweeps *= 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=2.0)
    parser.add_argument("--json")
    options = parser.parse_args()
    jobs = {"3-regular n=10000": instances.regular(), "Pegasus n=5640": instances.pegasus(), "SK": instances.glass(500)}
    rows = [rate_row(name, bqm, slices, 40, 4) for name, bqm in jobs.items() for slices in (4, 16)]
    for name, bqm in jobs.items():
        quality(name, bqm, options.budget)
    if options.json:
        write_rows(options.json, rows)


if __name__ == "__main__":
    main()

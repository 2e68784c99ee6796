"""Polynomials of any degree without quadratization: rate, and energy at equal CPU time.

    python -m benchmarks.evaluator.higher [--budget SECONDS] [--json rows.json]

A random cubic of 5000 terms over 500 bits, and one over spins; one thread, 16 reads. Peers: OpenJij's sampler of
polynomials, and our own annealer on the quadratized model (dimod's reduction), whose states are read as states
of the polynomial. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable
from typing import Any

import dimod
import numpy as np

from benchmarks.evaluator.path_integral import filling, spin_model
from benchmarks.harness import Contender, Row, compare, write_rows
from qevo_compiler.dialects.poly import Polynomials, Vartype
from qevo_compiler.dialects.poly.arithmetic import evaluate
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.evaluator.annealing import anneal, beta_range
from qevo_compiler.evaluator.annealing.higher import (
    anneal_polynomial,
    polynomial_beta_range,
    polynomial_energies,
)
from qevo_compiler.evaluator.annealing.polynomial import PolynomialModel
from qevo_compiler.evaluator.annealing.schedules import geometric

READS = 16
SIZE, TERMS = 500, 5000


def cubic(seed: int = 1) -> Polynomials:
    rng = np.random.default_rng(seed)
    variables = np.array([rng.choice(SIZE, 3, replace=False) for _ in range(TERMS)], np.int32)
    return pack(1, [(np.zeros(TERMS, np.int32), variables, rng.normal(size=TERMS))])


def terms_of(polynomial: Polynomials) -> dict[tuple[int, ...], float]:
    _, variables, coefficients = polynomial.block(3)
    return dict(zip(map(tuple, variables.tolist()), coefficients.tolist(), strict=True))


def ours(polynomial: Polynomials, vartype: Vartype) -> Callable[[int], Any]:
    def run(sweeps: int) -> Any:
        model = PolynomialModel.of(polynomial, vartype, SIZE)
        betas = geometric(*polynomial_beta_range(model), sweeps)
        return polynomial_energies(model, anneal_polynomial(model, betas, READS, 1, threads=1))

    return run


def openjij(polynomial: Polynomials, vartype: Vartype) -> Callable[[int], Any]:
    import openjij as package

    terms = terms_of(polynomial)

    def run(sweeps: int) -> Any:
        sampler = package.SASampler()
        found = sampler.sample_hubo(terms, vartype.value.upper(), num_sweeps=sweeps, num_reads=READS, seed=1)
        return np.asarray(found.energies)

    return run


def quadratized(polynomial: Polynomials, vartype: Vartype) -> Callable[[int], Any]:
    """Our annealer on dimod's reduction, at the least strength of penalties that holds for this instance."""
    terms = terms_of(polynomial)
    bqm = dimod.make_quadratic(terms, 2 * max(map(abs, terms.values())), vartype.value.upper())
    order = [*range(SIZE), *(v for v in bqm.variables if v not in range(SIZE))]
    bqm.relabel_variables({name: number for number, name in enumerate(order)})
    model = spin_model(bqm.spin)

    def run(sweeps: int) -> Any:
        states = anneal(model, geometric(*beta_range(model), sweeps), READS, 1, dense=False, threads=1)[:, :SIZE]
        values = states if vartype is Vartype.SPIN else (states > 0)
        return evaluate(polynomial, values.astype(np.float64)).reshape(-1)

    return run


def row(vartype: Vartype, budget: float) -> Row:
    polynomial = cubic()
    runs = {"ours": ours(polynomial, vartype), "ours, quadratized": quadratized(polynomial, vartype)}
    if importlib.util.find_spec("openjij"):
        runs["openjij"] = openjij(polynomial, vartype)
    sides = []
    for name, run in runs.items():
        sweeps = filling(run, budget)
        work = READS * SIZE * sweeps / 1e6
        sides.append(Contender(name, lambda run=run, sweeps=sweeps: run(sweeps), name == "ours", work, "f32"))  # type: ignore[misc]

    def check(found: Any) -> str:
        return f"mean {found.mean():.2f}, least {found.min():.2f}"

    return compare(f"cubic of {TERMS} terms over {SIZE} {vartype.value}", "Mupdates/s", sides, rounds=3, check=check)


def energy_row(samples: int = 10_000) -> Row:
    """Energies of a matrix of samples, from the polynomial as each package holds it."""
    polynomial = cubic()
    model = PolynomialModel.of(polynomial, Vartype.BINARY, SIZE)
    bits = np.random.default_rng(0).integers(0, 2, (samples, SIZE)).astype(np.int8)
    theirs = dimod.BinaryPolynomial(terms_of(polynomial), "BINARY")
    expected = evaluate(polynomial, bits[:1000].astype(np.float64)).reshape(-1)
    work = samples * TERMS / 1e6
    sides = [
        Contender("ours", lambda: polynomial_energies(model, bits, 1), True, work),
        Contender("dimod", lambda: theirs.energies((bits, list(range(SIZE)))), False, work),
    ]
    job = f"energies of {samples} samples of {TERMS} terms"
    return compare(job, "Mterms/s", sides, check=lambda e: f"largest error {np.abs(e[:1000] - expected).max():.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=1.0)
    parser.add_argument("--json")
    options = parser.parse_args()
    rows = [row(vartype, options.budget) for vartype in Vartype] + [energy_row()]
    if options.json:
        write_rows(options.json, rows)


if __name__ == "__main__":
    main()

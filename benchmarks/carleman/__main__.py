"""`python -m benchmarks.carleman [--quick] [--out FILE]`: assembly of the lift, end-to-end solve, limits of size.

Assembly: our lift in the basis of monomials (weights, start and dependency closure included) against
`scipy.sparse.kron` in the full tensor basis; the rate counts the entries that each makes. End to end: from the
coefficients of the map to the states of T steps, against kron, the block-bidiagonal matrix and
`spsolve_triangular`. One thread, CPU seconds. CarlemanLinearization.jl is not run here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from benchmarks.carleman import limits, peers
from benchmarks.carleman.loads import Load, load
from benchmarks.harness import Contender, Row, compare, write_rows
from qevo_compiler.analyses.carleman.aposteriori import iterate
from qevo_compiler.analyses.carleman.lift import lift, propagate

LIMIT = 4 * 2**30


def assembly(given: Load, floor: float | None, rounds: int = 5) -> Row:
    """Lifts a second, whose ratio counts, with the entries a second of ours said beside it."""
    entries = 0

    def ours() -> object:
        nonlocal entries
        found = lift(given.steps(1), given.start, given.order, constant=False)
        entries = found.nonzeros
        return found

    def check(value: object) -> str:
        count = getattr(value, "nonzeros", None) or value.nnz  # type: ignore[attr-defined]
        return f"{count} entries"

    sides = [Contender("qevo", ours, True), Contender("scipy.sparse.kron", lambda: peers.kron_lift(given))]
    row = compare(f"assembly {given.name}", "lifts/s", sides, rounds=rounds, floor=floor, check=check)
    print(f"    ours: {entries * row.ours.rate / 1e6:.1f} million entries a second (floor 20)", flush=True)
    return row


def end_to_end(given: Load, steps: int, rounds: int = 5) -> Row:
    """From the coefficients to u(0) .. u(T)."""
    truth = iterate(given.steps(steps), given.start)

    def ours() -> np.ndarray:
        found = lift(given.steps(steps), given.start, given.order, constant=False)
        return propagate(found, found.initial, steps)[:, found.first_block]

    def kron() -> np.ndarray:
        return peers.history(peers.kron_lift(given), peers.lifted_vector(given), steps)[:, : given.n]

    expected = ours()

    def check(value: np.ndarray) -> str:
        return f"off ours {np.abs(value - expected).max():.1e}, off the map {np.abs(value - truth).max():.1e}"

    sides = [Contender("qevo", ours, True), Contender("kron + spsolve_triangular", kron)]
    job = f"end to end {given.name} T={steps}"
    return compare(job, "solves/s", sides, rounds=rounds, floor=100.0, aim=1000.0, check=check)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="small loads only")
    parser.add_argument("--out", help="a file for the figures as JSON")
    options = parser.parse_args()
    jobs: list[Callable[[], Row]] = [
        lambda: assembly(load(10, 4), None),
        lambda: end_to_end(load(10, 3), 100),
        lambda: end_to_end(load(10, 4), 20, 3),
    ]
    if not options.quick:
        jobs += [lambda: assembly(load(20, 4), 20.0), lambda: end_to_end(load(20, 4), 3, 1)]
    rows = [job() for job in jobs]
    print("largest n whose lift fits within 4 GiB, from counts of terms:")
    found = limits.table(LIMIT)
    if not options.quick:
        limits.build(int(found[2]["n"]), 4)
    print("CarlemanLinearization.jl: not run (no Julia here)")
    if options.out:
        write_rows(options.out, rows)


if __name__ == "__main__":
    main()

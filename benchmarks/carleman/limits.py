"""How large a lift fits into a given memory: from counts for a table, and one really built."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from math import comb
from pathlib import Path

import numpy as np

from benchmarks.carleman.loads import load
from qevo_compiler.analyses.carleman.lift import lift, propagate
from qevo_compiler.analyses.carleman.monomials import basis_size, tensor_size

# Terms of a row of the loads: -u_i and three linear ones, four products.
LINEAR, QUADRATIC = 4, 4
STEPS = 10


def entries(sizes: list[int]) -> float:
    """At most so many entries, when sizes[k] rows have degree k: terms of products of k factors, none merged."""
    order = len(sizes) - 1
    return sum(
        size * sum(comb(k, j) * LINEAR ** (k - j) * QUADRATIC**j for j in range(min(k, order - k) + 1))
        for k, size in enumerate(sizes)
    )


def lift_bytes(n: int, order: int) -> float:
    """Entries of 12 bytes; starts, weights, initial vector, tree and variable list of every monomial."""
    sizes = [comb(n + k - 1, k) for k in range(order + 1)]
    tree = 4 * n * basis_size(n, order - 1)
    return 12 * entries(sizes) + (8 + 8 + 8 + 8 + 4 + 1 + 4 * order) * basis_size(n, order) + tree


def kron_bytes(n: int, order: int) -> float:
    """The same in the full tensor basis, its matrix alone."""
    return 12 * entries([n**k for k in range(order + 1)]) + 8 * tensor_size(n, order)


def largest(cost: object, order: int, limit: float) -> int:
    """The largest n within the limit, by bisection."""
    low, high = 1, 1 << 20
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle, order) <= limit else (low, middle)  # type: ignore[operator]
    return low


def table(limit: float) -> list[dict[str, float]]:
    """For orders 2 to 6 the largest n of our lift and of the full basis."""
    rows = []
    for order in range(2, 7):
        ours, full = largest(lift_bytes, order, limit), largest(kron_bytes, order, limit)
        rows.append({"N": order, "n": ours, "D": basis_size(ours, order), "n_full": full})
        print(f"    N={order}: n={ours} (D={basis_size(ours, order)}) against n={full} in the full basis", flush=True)
    return rows


def build(n: int, order: int) -> dict[str, float]:
    """One lift in a process of its own: seconds, entries, and the peak of memory above that of a small lift."""
    command = [sys.executable, "-m", "benchmarks.carleman.limits", str(n), str(order)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    counted = lift_bytes(n, order) / 2**30
    print(
        f"    built n={n} N={order}: D={found['D']}, {found['entries']:.4g} entries in {found['user']:.2f} s of user"
        f" code ({found['entries'] / found['user'] / 1e6:.0f} Mnnz/s), {found['wall']:.2f} s wall; peak"
        f" {found['gib']:.2f} GiB (counted at most {counted:.2f}); {STEPS} steps in {found['steps']:.2f} s wall",
        flush=True,
    )
    return found


def _main(n: int, order: int) -> None:
    small = load(3, 2)
    lift(small.steps(2), small.start, 2)
    Path("/proc/self/clear_refs").write_text("5")  # Linux: forget the peak of imports
    before = _memory("VmRSS")
    given = load(n, order)
    began = _times()
    found = lift(given.steps(STEPS), given.start, order, closure=False)
    seconds = _times() - began
    peak = _memory("VmHWM") - before
    began = _times()
    propagate(found, found.initial, STEPS)
    steps = _times() - began
    figures = {"D": found.size, "entries": found.nonzeros, "gib": peak / 2**20, "wall": seconds[0], "user": seconds[1]}
    figures |= {"steps": steps[0]}
    print(json.dumps(figures))


def _times() -> np.ndarray:
    """Wall seconds, and seconds of user code: where memory is slow to come the two differ widely."""
    return np.array([time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_utime])


def _memory(word: str) -> int:
    """A line of this process's status, in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(word))


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]))

"""Exact annealing of random 8-spin models: success against anneal time, linear schedule and measured gap.

    python -m benchmarks.exact_annealing [--models 50] [--picture docs/pictures/exact-annealing.svg]

Models have normal fields and couplings between all pairs, the largest magnitude 1; H(s) = -(1 - s) sum X + s C.
Prints, for each model, the time to a success probability of 0.9 under both schedules, and draws the picture.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.statevector import Cost, evolve, gap_schedule, linear_schedule

Floats = NDArray[np.float64]
Schedule = Callable[[float], tuple[Floats, Floats]]

SPINS = 8
TARGET = 0.9
TIMES = 2.0 ** np.arange(0, 10)
LONGEST = 1024.0


def random_model(seed: int, spins: int = SPINS) -> Cost:
    """A cost of all pairs, scaled to a largest magnitude of 1."""
    rng = np.random.Generator(np.random.Philox(seed))
    rows, columns = np.triu_indices(spins, 1)
    fields, weights = rng.normal(size=spins), rng.normal(size=len(rows))
    largest = max(np.abs(fields).max(), np.abs(weights).max())
    return Cost.of_edges(fields / largest, rows, columns, weights / largest)


def measured_schedule(cost: Cost) -> tuple[Schedule, float]:
    """The schedule from the measured gap, for any time, and the smallest gap."""
    times, fractions, levels = gap_schedule(cost, 1.0)
    return (lambda time: (times * time, fractions)), float(levels.gaps.min())


def success(cost: Cost, schedule: Schedule, time: float) -> float:
    """Probability of a ground state after an anneal of that time."""
    return evolve(cost, *schedule(time), tolerance=5e-3, threads=1).success


def time_to(cost: Cost, schedule: Schedule, target: float = TARGET) -> float:
    """The least anneal time, within about 2 %, that reaches the target; infinite beyond `LONGEST`."""
    high = 8.0
    while success(cost, schedule, high) < target:
        high *= 2
        if high > LONGEST:
            return float("inf")
    while success(cost, schedule, high / 2) >= target:
        high /= 2
    low = high / 2
    for _ in range(5):
        middle = float(np.sqrt(low * high))
        low, high = (low, middle) if success(cost, schedule, middle) >= target else (middle, high)
    return high


def measure(seed: int) -> dict[str, Any]:
    """Both schedules' success over `TIMES`, and their times to the target."""
    cost = random_model(seed)
    measured, gap = measured_schedule(cost)
    row: dict[str, Any] = {"gap": gap}
    for name, schedule in (("linear", linear_schedule), ("measured", measured)):
        row[name] = [success(cost, schedule, float(time)) for time in TIMES]
        row[name + " time"] = time_to(cost, schedule)
    row["at longest"] = tuple(success(cost, schedule, LONGEST) for schedule in (linear_schedule, measured))
    linear, other = row["linear time"], row["measured time"]
    print(
        f"model {seed}: least gap {gap:.3f}, time to {TARGET}: linear {linear:.1f}, measured gap {other:.1f}",
        flush=True,
    )
    return row


def draw(rows: list[dict[str, Any]], path: str) -> None:
    """Left: quartiles of success over the models. Right: the two times of each model."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "exact-annealing"
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for name, colour in (("linear", "tab:orange"), ("measured", "tab:blue")):
        table = np.array([row[name] for row in rows])
        low, middle, high = np.quantile(table, [0.25, 0.5, 0.75], axis=0)
        label = "linear schedule" if name == "linear" else "schedule from the measured gap"
        left.fill_between(TIMES, low, high, color=colour, alpha=0.2, linewidth=0)
        left.plot(TIMES, middle, "o-", color=colour, markersize=3, label=label)
    left.set(xscale="log", xlabel="anneal time (hbar / largest coefficient)", ylabel="success probability")
    left.set_title(f"{len(rows)} random models of {SPINS} spins: median and quartiles", fontsize=10)
    left.axhline(1.0, color="grey", linewidth=0.6)
    left.legend(loc="lower right", frameon=False)
    linear, measured = (np.array([row[key] for row in rows]) for key in ("linear time", "measured time"))
    shown = np.isfinite(measured)
    # Models that the linear schedule does not bring to the target stand at the edge, as arrows.
    over = shown & ~np.isfinite(linear)
    gaps = np.array([row["gap"] for row in rows])
    both = shown & ~over
    scale = {"vmin": gaps.min(), "vmax": gaps.max(), "cmap": "viridis_r"}
    points = right.scatter(linear[both], measured[both], c=gaps[both], s=18, **scale)
    right.scatter(np.full(over.sum(), LONGEST), measured[over], c=gaps[over], s=30, marker=">", **scale)
    ends = [0.8 * measured.min(), LONGEST]
    right.plot(ends, ends, color="grey", linewidth=0.8)
    right.annotate("equal times", (ends[1], ends[1]), xytext=(-76, -4), textcoords="offset points", color="grey")
    right.set(xscale="log", yscale="log", xlabel="linear schedule", ylabel="schedule from the measured gap")
    right.set_title(f"anneal time to success {TARGET} (arrows: linear not by {LONGEST:g})", fontsize=10)
    figure.colorbar(points, ax=right, label="least gap")
    figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--picture", nargs="+", default=["docs/pictures/exact-annealing.svg"])
    options = parser.parse_args()
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        rows = pool.map(measure, range(options.models), chunksize=1)
    times = np.array([(row["linear time"], row["measured time"]) for row in rows])
    ends = np.array([row["at longest"] for row in rows])
    reached = np.isfinite(times).all(axis=1)
    ratios = times[reached, 1] / times[reached, 0]
    print(f"both reach {TARGET}: {reached.sum()} models; measured over linear time: ", end="")
    print(f"median {np.median(ratios):.3f}, largest {ratios.max():.3f}")
    other = ends[~reached]
    print(f"the other {len(other)}: measured does better at {LONGEST:g} in {(other[:, 1] > other[:, 0]).sum()}")
    print(f"success at {LONGEST:g}, linear: median {np.median(ends[:, 0]):.4f}, least {ends[:, 0].min():.4f}; ", end="")
    print(f"measured: median {np.median(ends[:, 1]):.4f}, least {ends[:, 1].min():.4f}")
    for path in options.picture:
        draw(rows, path)


if __name__ == "__main__":
    main()

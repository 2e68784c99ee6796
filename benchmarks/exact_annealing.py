"""Exact annealing of random 8-spin models: success against anneal time, linear schedule and measured gap.

    python -m benchmarks.exact_annealing [--models 50] [--picture docs/pictures/exact-annealing.svg]

Models have normal fields and couplings between all pairs, the largest magnitude 1; H(s) = -(1 - s) sum X + s C.
Prints, for each model, the time to a success probability of 0.9 under both schedules, and draws the picture.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.statevector import Cost, evolve, gap_schedule, linear_schedule

Floats = NDArray[np.float64]
Schedule = Callable[[float], tuple[Floats, Floats]]

SPINS = 8
TARGET = 0.9
TIMES = 2.0 ** np.arange(0, 12)


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
    return evolve(cost, *schedule(time), tolerance=1e-3, threads=1).success


def time_to(cost: Cost, schedule: Schedule, target: float = TARGET) -> float:
    """An anneal time, within about 2 %, from which half of it does not reach the target."""
    high = 8.0
    while success(cost, schedule, high) < target:
        high *= 2
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
    linear, measured = ([row[key] for row in rows] for key in ("linear time", "measured time"))
    points = right.scatter(linear, measured, c=[row["gap"] for row in rows], cmap="viridis_r", s=18)
    ends = [0.8 * min(measured), 1.25 * max(linear)]
    right.plot(ends, ends, color="grey", linewidth=0.8)
    right.annotate("equal times", (ends[1], ends[1]), xytext=(-64, -4), textcoords="offset points", color="grey")
    right.set(xscale="log", yscale="log", xlabel="linear schedule", ylabel="schedule from the measured gap")
    right.set_title(f"anneal time to success {TARGET}", fontsize=10)
    figure.colorbar(points, ax=right, label="least gap")
    figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--picture", default="docs/pictures/exact-annealing.svg")
    options = parser.parse_args()
    rows = [measure(seed) for seed in range(options.models)]
    ratios = np.array([row["measured time"] / row["linear time"] for row in rows])
    final = np.array([row["linear"][-1] for row in rows])
    print(f"measured over linear time: median {np.median(ratios):.3f}, largest {ratios.max():.3f}")
    print(f"linear success at time {TIMES[-1]:g}: median {np.median(final):.4f}, least {final.min():.4f}")
    draw(rows, options.picture)


if __name__ == "__main__":
    main()

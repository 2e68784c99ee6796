"""Physical qubits and time of one shot by the estimator of Microsoft's `qdk`, where that is installed.

The package takes logical counts and a default qubit model (gates of 50 ns with error 1e-3, surface code).
"""

from __future__ import annotations

from collections.abc import Mapping

from qevo_compiler.dialects.linear import Figure, Known

# Beyond this the estimator's time, nanoseconds in 64 bits, overflows without an error (qdk 1.33).
_MOST = 10**15
MISSING = "no physical estimate: the package `qdk` is not installed (extra `resources`)"
BEYOND = "no physical estimate: {count:.3g} T gates and rotations in one shot are beyond the estimator"
FAILED = "no physical estimate: {reason}"


def logical_counts(value: Mapping[str, float]) -> dict[str, float]:
    """Counts of one coherent shot: every query with its preparations, solver with known norm, amplified."""
    queries = value["queries_known_norm"] * (2 * value["rounds"] + 1)
    rotations = queries * (value["query_rotations"] + 2 * value["prep_rotations"])
    return {
        "numQubits": value["logical_qubits"],
        "tCount": queries * (value["query_t_fixed"] + 2 * value["prep_t_fixed"]),
        "rotationCount": rotations,
        "rotationDepth": rotations,
        "measurementCount": value["logical_qubits"],
    }


def physical(figures: tuple[Figure, ...]) -> tuple[tuple[Figure, ...], tuple[str, ...]]:
    """Figures of the physical layer, and notes on what could not be had."""
    value = {figure.quantity: figure.value for figure in figures}
    counts = logical_counts(value)
    size = counts["tCount"] + counts["rotationCount"]
    if size > _MOST:
        return (), (BEYOND.format(count=size),)
    try:
        from qdk.estimator import LogicalCounts
    except ImportError:
        return (), (MISSING,)
    try:
        found = LogicalCounts({name: round(count) for name, count in counts.items()}).estimate()
        physical_counts = found["physicalCounts"]
    except Exception as error:  # the estimator raises errors of its own Rust core
        return (), (FAILED.format(reason=str(error).splitlines()[0] if str(error) else type(error).__name__),)
    seconds = physical_counts["runtime"] / 1e9
    rows = (
        (
            "physical_qubits",
            physical_counts["physicalQubits"],
            "",
            "default qubits of the estimator: 50 ns, error 1e-3",
        ),
        ("seconds_per_shot", seconds, "s", "one amplified run, solver with known norm"),
        ("seconds", seconds * value["shots"], "s", "all shots, one after the other"),
    )
    return tuple(Figure("physical", n, float(v), Known.ESTIMATED, unit, note) for n, v, unit, note in rows), ()

"""`python -m benchmarks.ising [--loads a,b] [--ways a,b] [--rounds 3]`: every measurement in its own process, in turn.

Printed are medians of seconds (source to the compiled form), the peak memory above what was resident after
import and data generation, the size of the result, the check, and our ratios to every peer against the goals.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.ising.check import verdict
from benchmarks.ising.contenders import WAYS
from benchmarks.ising.loads import LOADS

LIMIT = 150  # seconds for one measurement; what takes longer is printed as such

# (load, way, peer, how many times faster at least)
FLOORS = [
    ("npp2000", "qevo", "amplify", 4.0),
    ("npp2000", "qevo", "pyqubo", 50.0),
    ("npp2000", "qevo", "ommx", 50.0),
    ("tsp30", "qevo", "amplify", 10.0),
    ("cut1000000", "qevo", "ommx", 20.0),
    ("cut1000000", "qevo", "dimod", 1.0),
    ("ineq796", "qevo", "dimod", 3.0),
    ("chain18", "qevo", "amplify", 30.0),
    ("hubo50000", "qevo_greedy", "amplify", 1.0),
]
HYBRID_SECONDS = 1.5
SLOW = {"npp2000": {"pyqubo", "ommx"}, "hubo50000": {"pyqubo"}, "hubo5000": {"pyqubo"}}
UNABLE = {"hubo": {"ommx"}, "tsp100": {"pyqubo", "ommx"}, "cut1000000": {"pyqubo"}}

Figures = dict[str, Any]


def measure(way_name: str, load_name: str) -> Figures:
    """One compilation in this process."""
    way, load = WAYS[way_name], LOADS[load_name]()
    way.prepare()
    Path("/proc/self/clear_refs").write_text("5")  # Linux: forget the peak of imports
    before = _memory("VmRSS")
    start = time.perf_counter()
    compiled = way.compile(load)
    seconds = time.perf_counter() - start
    peak = (_memory("VmHWM") - before) / 1024
    model = way.read(load, compiled)
    terms = len(model.quadratic)
    size = (16 * terms + 8 * len(model.linear)) / 2**20
    extra = len(model.linear) - load.bits
    return {
        "seconds": seconds,
        "mb": peak,
        "result_mb": size,
        "extra": extra,
        "terms": terms,
        "check": verdict(load, model),
    }


def _memory(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{key}:")))


def measure_apart(way: str, load: str) -> Figures:
    command = [sys.executable, "-m", "benchmarks.ising", "--measure", way, load]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return {"failed": f"over {LIMIT} s"}
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1][:90] if done.stderr.strip() else "failed"}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def contestants(load: str, chosen: list[str]) -> list[str]:
    kind = load.rstrip("0123456789")
    left_out = UNABLE.get(kind, set()) | UNABLE.get(load, set())
    greedy = set() if kind == "hubo" else {"qevo_greedy"}
    return [way for way in chosen if way not in left_out | greedy]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", default=",".join(LOADS))
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "LOAD"))
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
        return
    table: dict[str, dict[str, list[Figures]]] = {}
    for load in arguments.loads.split(","):
        table[load] = _rounds(load, arguments.ways.split(","), arguments.rounds)
        _print_load(load, table[load])
    print()
    for line in goals(table):
        print(line)
    if arguments.out:
        arguments.out.write_text(json.dumps(table, indent=1) + "\n")


def _rounds(load: str, ways: list[str], rounds: int) -> dict[str, list[Figures]]:
    found: dict[str, list[Figures]] = {way: [] for way in contestants(load, ways)}
    for turn in range(rounds):
        for way, runs in found.items():
            if turn and (way in SLOW.get(load, set()) or "failed" in runs[0]):
                continue  # one run says enough of what takes half a minute
            runs.append(measure_apart(way, load))
    return found


def _median(runs: list[Figures], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def _print_load(load: str, found: dict[str, list[Figures]]) -> None:
    print(f"\n{load}", flush=True)
    for way, runs in found.items():
        if "failed" in runs[0]:
            print(f"  {way:12s} {runs[0]['failed']}")
            continue
        seconds, mb, first = _median(runs, "seconds"), _median(runs, "mb"), runs[0]
        peak = f"{mb:8.1f} MB ({mb / first['result_mb']:.1f} x result)"
        size = f"{first['terms']} couplings, {first['extra']} extra bits"
        print(f"  {way:12s} {seconds:9.4f} s {peak}  {size}  {first['check']}", flush=True)


def goals(table: dict[str, dict[str, list[Figures]]]) -> list[str]:
    """One line a goal whose sides were both measured."""
    lines = []
    for load, way, peer, floor in FLOORS:
        sides = table.get(load, {})
        if way not in sides or peer not in sides or "failed" in sides[way][0]:
            continue
        if "failed" in sides[peer][0]:
            lines.append(f"{load}: {peer} {sides[peer][0]['failed']}")
            continue
        ratio = _median(sides[peer], "seconds") / _median(sides[way], "seconds")
        lines.append(f"{load}: {way} {ratio:.1f}x {peer}, floor {floor:g} {'reached' if ratio >= floor else 'MISSED'}")
    hybrid = table.get("hubo50000", {}).get("qevo")
    if hybrid and "failed" not in hybrid[0]:
        seconds = _median(hybrid, "seconds")
        kept = "kept" if seconds <= HYBRID_SECONDS else "MISSED"
        lines.append(f"hubo50000: hybrid {seconds:.2f} s, limit {HYBRID_SECONDS} {kept}")
    for load, sides in table.items():
        runs = sides.get("qevo")
        if runs and "failed" not in runs[0]:
            times = _median(runs, "mb") / runs[0]["result_mb"]
            lines.append(f"{load}: memory {times:.1f}x the result, limit 2 {'kept' if times <= 2 else 'MISSED'}")
    return lines


if __name__ == "__main__":
    main()

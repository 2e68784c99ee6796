"""`python -m benchmarks.quadratization [--loads hubo5000,hubo50000] [--rounds 3]`: quadratization alone, side by side.

Every way gets the polynomial in its own form, made outside of the clock, and gives a quadratic one. Printed are
auxiliaries, couplings, range (the largest coefficient over the smallest of all linear and quadratic ones), medians
of process CPU seconds, and a check at random assignments. Ways whose package is not installed are left out.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.ising.check import verdict
from benchmarks.ising.contenders import Model, read_bqm
from benchmarks.ising.loads import LOADS, Load

# (load, most auxiliaries, couplings and range of the hybrid method, most seconds of hybrid and of greedy)
GOALS = {"hubo5000": (4508, 19942, 62.0, 0.15, 0.05), "hubo50000": (21083, 109592, 167.0, 1.5, 0.3)}


@dataclass(frozen=True)
class Way:
    """`make` states the load in the way's own form; `run` is timed; `read` gives the arrays."""

    name: str
    make: Callable[[Load], Any]
    run: Callable[[Any], Any]
    read: Callable[[Load, Any, Any], Model]
    package: str = "numpy"


def packed(load: Load) -> Any:
    from qevo_compiler.dialects.poly.polynomials import pack

    data = load.data
    rows = {k: np.zeros(len(data[f"c{k}"]), np.int32) for k in (3, 4)}
    return pack(1, [(rows[k], data[f"v{k}"].astype(np.int32), data[f"c{k}"]) for k in (3, 4)])


def ours(method: str) -> Way:
    def run(polynomial: Any) -> Any:
        from qevo_compiler.passes.quadratize import Method, Quadratize

        return Quadratize(Method(method)).quadratized(polynomial, 300)

    return Way(f"qevo {method}", packed, run, read_ours)


def read_ours(load: Load, made: Any, found: Any) -> Model:
    """The arrays, after the same check as for all and one of ours: recomputed auxiliaries give the energy."""
    quadratic, auxiliaries = found
    size = load.bits + auxiliaries.count
    _, names, single = quadratic.block(1)
    _, pairs, values = quadratic.block(2)
    linear = np.bincount(names[:, 0], single, size)
    offset = float(quadratic.constants()[0])
    rng = np.random.default_rng(5)
    for _ in range(8):
        ones = np.zeros((1, size), bool)
        ones[0, : load.bits] = rng.random(load.bits) < rng.random()
        x = auxiliaries.filled(ones, load.bits)[0].astype(float)
        energy = offset + linear @ x + (x[pairs[:, 0]] * x[pairs[:, 1]]) @ values
        assert abs(energy - load.energy(x[: load.bits].astype(np.int8))) < 1e-6
    return Model(linear, pairs[:, 0], pairs[:, 1], values, offset)


def terms_of(load: Load) -> dict[tuple[int, ...], float]:
    data = load.data
    parts = [zip(data[f"v{k}"].tolist(), data[f"c{k}"].tolist(), strict=True) for k in (3, 4)]
    return {tuple(names): value for part in parts for names, value in part}


def dimod_way() -> Way:
    def run(terms: Any) -> Any:
        import dimod

        return dimod.make_quadratic(terms, float(sum(map(abs, terms.values()))), "BINARY")

    return Way("dimod, strength sum |c|", terms_of, run, lambda load, made, bqm: read_bqm(load, bqm), "dimod")


def amplify_way(method: str) -> Way:
    def make(load: Load) -> Any:
        import amplify

        x = list(amplify.VariableGenerator().array("Binary", load.bits))
        parts = []
        for names, value in terms_of(load).items():
            product = x[names[0]] * value
            for i in names[1:]:
                product = product * x[i]
            parts.append(product)
        return amplify.Model(amplify.sum(parts)), x

    def run(made: Any) -> Any:
        import amplify

        wanted = amplify.AcceptableDegrees(objective={"Binary": "Quadratic"})
        return made[0].to_intermediate_model(wanted, quadratization_method=method)

    def read(load: Load, made: Any, found: Any) -> Model:
        import dimod

        model, mapping = found
        terms = model.to_unconstrained_poly().as_dict()
        bqm = dimod.BinaryQuadraticModel("BINARY")
        bqm.add_linear_from({k[0]: v for k, v in terms.items() if len(k) == 1})
        bqm.add_quadratic_from((*k, v) for k, v in terms.items() if len(k) == 2)
        bqm.offset = terms.get((), 0.0)
        return read_bqm(load, bqm, [mapping[v].as_variable().id for v in made[1]])

    return Way(f"amplify {method}", make, run, read, "amplify")


WAYS = [
    ours("hybrid"),
    ours("greedy"),
    ours("termwise"),
    amplify_way("Substitute"),
    amplify_way("IshikawaKZFD"),
    dimod_way(),
]


@dataclass(frozen=True)
class Figures:
    """What one way did with one load."""

    auxiliaries: int
    couplings: int
    range: float
    seconds: float
    check: str


def measure(load: Load, ways: list[Way], rounds: int) -> dict[str, Figures]:
    """All ways in turn, `rounds` times after one warming run; slow ones (over 2 s) once."""
    forms = {way.name: way.make(load) for way in ways}
    seconds: dict[str, list[float]] = {way.name: [] for way in ways}
    first = {way.name: way.run(forms[way.name]) for way in ways}
    for _ in range(rounds):
        for way in ways:
            if seconds[way.name][:1] > [2.0]:
                continue
            start = time.process_time()
            way.run(forms[way.name])
            seconds[way.name].append(time.process_time() - start)
    found = {}
    for way in ways:
        model = way.read(load, forms[way.name], first[way.name])
        quadratic, sizes = np.abs(model.quadratic), np.abs(np.concatenate([model.linear, model.quadratic]))
        sizes = sizes[sizes > 0]
        found[way.name] = Figures(
            len(model.linear) - load.bits,
            int((quadratic > 0).sum()),
            float(sizes.max() / sizes.min()),
            statistics.median(seconds[way.name]),
            verdict(load, model),
        )
    return found


def goals(load: str, found: dict[str, Figures]) -> list[str]:
    most, couplings, width, hybrid_seconds, greedy_seconds = GOALS[load]
    hybrid, greedy = found["qevo hybrid"], found["qevo greedy"]
    pairs = [
        ("auxiliaries", hybrid.auxiliaries, most),
        ("couplings", hybrid.couplings, couplings),
        ("range", hybrid.range, width),
        ("hybrid seconds", hybrid.seconds, hybrid_seconds),
        ("greedy seconds", greedy.seconds, greedy_seconds),
    ]
    return [f"  {name}: {value:.4g} of {goal:g} {'met' if value <= goal else 'MISSED'}" for name, value, goal in pairs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", default=",".join(GOALS))
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    ways = [way for way in WAYS if find_spec(way.package)]
    for name in arguments.loads.split(","):
        found = measure(LOADS[name](), ways, arguments.rounds)
        print(f"\n{name}\n  {'way':26s} auxiliaries couplings    range  CPU s  check")
        for way, f in found.items():
            print(f"  {way:26s} {f.auxiliaries:11d} {f.couplings:9d} {f.range:8.4g} {f.seconds:6.3f}  {f.check}")
        print("\n".join(goals(name, found)), flush=True)


if __name__ == "__main__":
    main()

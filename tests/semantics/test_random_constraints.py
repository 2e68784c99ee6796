"""Random small programs with constraints of all kinds against plain Python: answers, splits and verdicts."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from qevo_compiler import CompileError, compile
from qevo_compiler.dialects.ising import ModelOp, PenaltyOp, SettledOp

Bits = tuple[int, ...]
LABELS = "abd"


class Point(NamedTuple):
    x: Bits
    y: Bits
    k: int
    m: int
    c: str


Holds = Callable[[Point], bool]


@dataclass(frozen=True)
class Stated:
    """A program's text, and the least objective with soft penalties over its feasible values (None: there are none)."""

    text: str
    best: float | None


def constraints(r: random.Random, bits: int, top: int) -> list[tuple[str, str, Holds]]:
    """Name, text and meaning of rows: two sides, big M of a bit and of labels, comparisons, groups, fixings."""
    weights = [r.randint(1, 9) for _ in range(bits)]
    low, big, value, bit = r.randint(0, 8), r.choice([20, 1000, 10**6, 10**9]), r.randint(0, top), r.randrange(bits)
    high, one, label = low + r.randint(0, 9), r.randint(0, 1), r.choice(LABELS)
    load = " + ".join(f"{w} * x[{i}]" for i, w in enumerate(weights))

    def loaded(x: Bits) -> int:
        return sum(w * v for w, v in zip(weights, x, strict=True))

    kinds: list[tuple[float, str, str, Holds]] = [
        (0.6, "band", f"{low} <= {load} + k <= {high}", lambda p: low <= loaded(p.x) + p.k <= high),
        (
            0.5,
            "big",
            f"x[0] + 2 * x[1] + x[2] <= {big} * y[0]",
            lambda p: p.x[0] + 2 * p.x[1] + p.x[2] <= big * p.y[0],
        ),
        (
            0.5,
            "lab",
            f"x[0] + x[1] + x[2] + x[3] + {big} * (c == a) + {big + bits - 5} * (c == b) <= {big + 2}",
            lambda p: sum(p.x[:4]) + big * (p.c in "ab") + (bits - 5) * (p.c == "b") <= big + 2,
        ),
        (0.4, "apart", "k != m", lambda p: p.k != p.m),
        (0.3, "set", f"k == {value}", lambda p: p.k == value),
        (0.3, "fix", f"x[{bit}] == {one}", lambda p: p.x[bit] == one),
        (0.3, "either", f"x[{bit}] + y[1] == 1", lambda p: p.x[bit] + p.y[1] == 1),
        (0.3, "other", f"c != {label}", lambda p: p.c != label),
        (0.4, "one", "x[0] + x[1] + x[2] == 1", lambda p: p.x[0] + p.x[1] + p.x[2] == 1),
        (0.4, "pair", "x[0] + x[3] <= 1", lambda p: p.x[0] + p.x[3] <= 1),
        (0.3, "cover", "x[1] + x[3] + y[1] >= 1", lambda p: p.x[1] + p.x[3] + p.y[1] >= 1),
        (0.9, "then", f"k >= {value} * y[1]", lambda p: p.k >= value * p.y[1]),
    ]
    return [(name, text, holds) for share, name, text, holds in kinds if r.random() < share]


def stated(seed: int) -> Stated:
    r = random.Random(seed)
    bits, top, sign = r.randint(4, 6), r.randint(1, 3), r.choice([-1, 0, 1])
    values, prices = [r.randint(-9, 9) for _ in range(bits)], {label: r.randint(-5, 5) for label in LABELS}
    pairs = [(i, j, r.randint(-4, 4)) for i, j in itertools.combinations(range(bits), 2) if r.random() < 0.2]
    at, soft = r.randint(0, top), r.random() < 0.3
    rows = constraints(r, bits, top)
    terms = [f"({v}) * x[{i}]" for i, v in enumerate(values)] + [f"({v}) * x[{i}] * x[{j}]" for i, j, v in pairs]
    terms += [f"({price}) * (c == {label})" for label, price in prices.items()]
    lines = [f"  {name}: {text}" for name, text, _ in rows] + ["  wish: sum(x) >= 4 weight 1.5"] * soft
    text = f"""program random
var x: binary[{bits}]
var y: binary[2]
var k: int in [0, {top}]
var m: int in [0, {top}]
var c: choice {{a, b, d}}
minimize {" + ".join(terms)} + 3 * y[0] + 2 * y[1] + ({sign}) * k * x[0] - m + 4 * (k == {at})
""" + "\n".join(["subject to", *lines, ""] if lines else [""])

    def cost(p: Point) -> float:
        x, y, k, m, c = p
        own = sum(v * b for v, b in zip(values, x, strict=True)) + sum(v * x[i] * x[j] for i, j, v in pairs)
        wish = 1.5 * max(0, 4 - sum(x)) ** 2 if soft else 0.0
        return own + prices[c] + 3 * y[0] + 2 * y[1] + sign * k * x[0] - m + 4 * (k == at) + wish

    numbers = range(top + 1)
    points = itertools.product(
        itertools.product((0, 1), repeat=bits), itertools.product((0, 1), repeat=2), numbers, numbers, LABELS
    )
    found = [cost(p) for p in itertools.starmap(Point, points) if all(holds(p) for _, _, holds in rows)]
    return Stated(text, min(found, default=None))


def check(seed: int) -> tuple[bool, bool, bool]:
    """Whether the best was found, whether bits were settled, and whether labels were cut together."""
    problem = stated(seed)
    try:
        program = compile(problem.text, level=seed % 3)
    except CompileError:
        assert problem.best is None
        return False, False, False
    assert problem.best is None or not [w for w in program.warnings if w.code == "Q0654"]
    result, main = program.run(seed=1), program.module.main
    scale = main.only(ModelOp).scale
    for solution in result.solutions[:3]:
        assert sum(solution.energy_split.values()) == pytest.approx(solution.energy / scale, abs=1e-6)
    merit = result.best.objective + result.best.energy_split.get("wish", 0.0) if result.best.feasible else None
    assert merit is None or (problem.best is not None and merit >= problem.best - 1e-6)
    if result.status == "optimal":
        assert merit == pytest.approx(problem.best)
    assert problem.best is None or "no values satisfy" not in result.note
    settled = main.first(SettledOp)
    found = merit is not None and merit <= (problem.best or 0.0) + 1e-6
    return (
        found,
        settled is not None and settled.weight > 0,
        any(op.shared is not None for op in main.ops_of(PenaltyOp)),
    )


def test_random_constraints() -> None:
    met = [check(seed) for seed in range(36)]
    assert sum(found for found, _, _ in met) > 28
    assert any(settled for _, settled, _ in met)
    assert any(labels for _, _, labels in met)


@pytest.mark.slow
def test_many_random_constraints() -> None:
    for seed in range(1000, 1600):
        check(seed)

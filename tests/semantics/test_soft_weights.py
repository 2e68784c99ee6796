"""Soft constraints with a weight for each row, new weights and new data against enumeration."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from qevo_compiler import CompiledProgram, CompileError, Problem, compile
from qevo_compiler.validation import validate

ROWS = ["x[i] + x[i + 1] <= {c}", "2 * x[i] - x[i + 1] >= {c}", "x[i] + 2 * x[i + 1] == {c}"]
ROWS += ["{c} <= x[i] + 2 * x[i + 1] <= {d}", "1.5 * x[i] <= {c} * x[i + 1] + 0.25"]
ROWS += ["2 * x[i] + x[(i + 2) % 4] <= 1e{d} * x[i + 1] + {c}"]


def text(row: str, weight: str, values: list[float]) -> str:
    head = f"program soft\ndata w: real[3] = {values}\nvar x: binary[4]\nminimize x[0] - 2 * x[1] + x[2] - x[3]\n"
    return f"{head}subject to\n  wish[i]: {row} for i in 0..3 weight {weight}\n"


def least(row: str, values: list[float]) -> float:
    """The best objective plus penalties over all points."""
    found = []
    for x in itertools.product((0, 1), repeat=4):
        total = float(x[0] - 2 * x[1] + x[2] - x[3])
        for i, weight in enumerate(values):
            total += weight * violation(row, x, i) ** 2
        found.append(total)
    return min(found)


def violation(row: str, x: tuple[int, ...], i: int) -> float:
    names: dict[str, Any] = {"x": x, "i": i}
    if row.count("<=") == 2:
        low, body, high = (eval(side, names) for side in row.split("<="))
        return max(low - body, body - high, 0)
    left, relation, right = row.partition(row.split()[-2]) if "*" not in row.split("=")[1] else row.partition("<=")
    over = float(eval(left, names) - eval(right, names))
    return {"<=": max(over, 0.0), ">=": max(-over, 0.0), "==": abs(over)}[relation]


def paid(program: CompiledProgram) -> float:
    result = program.run()
    assert result.status == "optimal"
    best = result.best
    cost = sum(float(family.costs[best.read]) for family in best.families.values())
    assert sum(best.energy_split.values()) == pytest.approx(best.objective + cost)
    return best.objective + cost


@pytest.mark.parametrize("seed", range(20))
def test_every_row_has_its_own_weight(seed: int) -> None:
    rng = np.random.default_rng(seed)
    row = ROWS[seed % len(ROWS)].format(c=int(rng.integers(0, 2)), d=int(rng.integers(2, 4)))
    values = [float(value) for value in np.round(rng.uniform(0, 3, 3), 2)]
    values[seed % 3] *= seed % 4 > 0  # a wish may cost nothing
    program = compile(text(row, "w[i]", values), target="dwave", level=seed % 3)
    validate(program)
    assert paid(program) == pytest.approx(least(row, values))
    doubled = [2 * value for value in values]
    assert paid(program.reweight(wish=2.0)) == pytest.approx(least(row, doubled))
    source = text(row, "w[i]", values)
    other = [float(value) for value in np.round(rng.uniform(0.5, 3, 3), 2)]
    fresh = compile(source, data={"w": np.array([1.0, 1.0, 1.0])}).update(source, {"w": np.array(other)})
    assert paid(fresh) == pytest.approx(least(row, other))


def test_equal_weights_are_one_weight() -> None:
    alike, single = text(ROWS[0].format(c=0), "w[i]", [1.5] * 3), text(ROWS[0].format(c=0), "1.5", [1.5] * 3)
    assert compile(alike).bqm == compile(single).bqm


@pytest.mark.parametrize("two_sided", [False, True])
def test_the_same_from_python(two_sided: bool) -> None:
    p = Problem("soft")
    x = p.binary("x", 4)
    p.minimize(x[0] - 2 * x[1] + x[2] - x[3])
    total = x[:3] + 2 * x[1:]
    p.subject_to((total >= 1) & (total <= 2) if two_sided else total <= 1, name="wish", weight=[0.5, 2, 3])
    row = "1 <= x[i] + 2 * x[i + 1] <= 2" if two_sided else "x[i] + 2 * x[i + 1] <= 1"
    assert p.compile().bqm == compile(text(row, "w[i]", [0.5, 2, 3])).bqm


def test_two_sided_wishes_without_room_between_their_sides() -> None:
    program = compile(text("1 <= x[i] + x[0] <= 1", "2", [1.0] * 3))
    validate(program)
    assert paid(program) == pytest.approx(least("1 <= x[i] + x[0] <= 1", [2.0] * 3))


@pytest.mark.parametrize(("weight", "code"), [("w[i] - 2", "Q0227"), ("w", "Q0207"), ("x[i]", "Q0212")])
def test_what_is_no_weight(weight: str, code: str) -> None:
    with pytest.raises(CompileError) as caught:
        compile(text(ROWS[0].format(c=0), weight, [1.0, 2.0, 3.0]))
    assert [found.code for found in caught.value.diagnostics] == [code]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_weight_of_0_asks_for_nothing(level: int) -> None:
    """As for a row; so a weight that comes from data may be swept from 0 on."""
    program = compile(text("x[i] + x[i + 1] == 2", "w[0]", [0.0, 1.0, 1.0]), level=level)
    validate(program)
    assert paid(program) == -3
    p = Problem("soft")
    x = p.binary("x", 2)
    p.minimize(x[0] - x[1])
    p.subject_to(x[0] == 1, name="wish", weight=0)
    best = p.compile(level=level).run().best
    assert (best.objective, best.feasible) == (-1, True)

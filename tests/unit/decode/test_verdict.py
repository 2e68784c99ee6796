"""`optimal` is said of optima only: random programs with weights that prove nothing, against all points."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from qevo_compiler.driver import compile
from qevo_compiler.program import CompiledProgram

SOURCE = """program knapsack
data value: int[n] = [{value}]
data weight: int[n] = [{weight}]
var take: binary[n]
maximize value @ take
subject to
  fits: weight @ take <= {capacity}
  pair: take[0] + take[1] <= 1
"""


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    rng = np.random.default_rng(seed)
    return rng.integers(1, 12, 4), rng.integers(1, 8, 4), int(rng.integers(3, 12))


def compiled(seed: int, level: int, options: dict[str, Any]) -> CompiledProgram:
    value, weight, capacity = drawn(seed)
    listed = [", ".join(map(str, row.tolist())) for row in (value, weight)]
    source = SOURCE.format(value=listed[0], weight=listed[1], capacity=capacity)
    return compile(source, level=level, passes=options)


def optimum(seed: int) -> float:
    value, weight, capacity = drawn(seed)
    points = np.array([x for x in itertools.product((0, 1), repeat=4) if x[0] + x[1] <= 1])
    return float((points @ value)[points @ weight <= capacity].max())


OPTIONS: dict[str, dict[str, Any]] = {
    "proved": {},
    "momc": {"penalize-constraints": {"method": "momc"}},
    "unbalanced": {"penalize-constraints": {"method": "unbalanced", "clauses": 0}},
    "scaled": {"penalize-constraints": {"scale": 0.1}},
    "rounded": {"round-coefficients": {"bits": 2}},
}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize(("level", "reads"), [(0, 4), (1, 4), (1, 20)])
def test_what_is_called_optimal_is(name: str, level: int, reads: int) -> None:
    said = set()
    for seed in range(12):
        result = compiled(seed, level, OPTIONS[name]).run(reads=reads)
        said.add(result.status)
        if result.status == "optimal":
            assert result.best.objective == optimum(seed)
        assert result.best.feasible == (result.status != "infeasible")
    assert name != "proved" or said == {"optimal"}


def test_an_approximated_function_proves_nothing() -> None:
    source = "program p\nvar r: real in [0, 1] bits 3\nminimize exp(r) - r\n"
    result = compile(source).run()
    assert result.status == "feasible"
    assert "polynomials that stand for functions" in result.note
    exact = "program p\nvar k: int in [0, 4]\nminimize abs(k - 3) - 0.1 * k\n"
    found = compile(exact).run()
    assert (found.status, found.note) == ("optimal", "")
    assert found.best.objective == pytest.approx(-0.3)


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ({}, "no values satisfy every hard constraint"),
        ({"penalize-constraints": {"weights": ["a=0.5"]}}, "no read satisfies every hard constraint: take larger"),
    ],
)
def test_infeasible_says_whether_that_is_proved(options: dict[str, Any], note: str) -> None:
    source = "program p\nvar x: binary[3]\nminimize sum(x)\nsubject to\n  a: sum(x) >= 2\n  b: sum(x) <= 1\n"
    result = compile(source, passes=options).run()
    assert (result.status, result.best.feasible) == ("infeasible", False)
    assert result.note.startswith(note)
    assert result.to_json()["note"] == result.note

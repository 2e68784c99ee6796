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


COLOURING = """program colouring
data border: int[m, 2] = [{border}]
var colour: choice {{red, green, blue}}[9]
minimize 3 + sum(colour[border[e, 0]] == colour[border[e, 1]] for e in 0..m)
subject to
  first: (colour[0] == red) == 1
  wish: (colour[1] == {wish}) == 1 weight 0.25
"""


def ring(*more: tuple[int, int]) -> str:
    edges = [*((i, (i + 1) % 9) for i in range(9)), *more]
    return ", ".join(f"[{a}, {b}]" for a, b in edges)


def test_an_objective_at_its_bound_is_optimal_whatever_the_samples_are() -> None:
    result = compile(COLOURING.format(border=ring((0, 4)), wish="blue")).run(reads=50, seed=1)
    assert (result.status, result.best.objective) == ("optimal", 3)
    assert "at their bounds" in result.note


def test_neither_a_worse_objective_nor_a_violated_wish_is_at_the_bound() -> None:
    clique = compile(COLOURING.format(border=ring((0, 2), (0, 3), (1, 3)), wish="blue")).run(reads=50, seed=1)
    assert (clique.status, clique.best.objective) == ("feasible", 4)
    wish = compile(COLOURING.format(border=ring((0, 4)), wish="red")).run(reads=50, seed=1)
    assert (wish.status, wish.best.objective) == ("feasible", 3)


def test_a_bound_knows_that_labels_exclude_each_other() -> None:
    """Thirty choices with a price each: the sum of the least prices, also where prices are negative."""
    rng = np.random.default_rng(5)
    price = rng.integers(-9, 9, (30, 3))
    for sense, best in (("minimize", price.min(axis=1).sum()), ("maximize", price.max(axis=1).sum())):
        text = f"""program prices
data price: int[30, 3] = {price.tolist()}
var pick: choice {{a, b, c}}[30]
{sense} sum(price[i, pick[i]] for i in 0..30)
"""
        result = compile(text).run(reads=50, seed=1)
        assert (result.status, result.best.objective) == ("optimal", best)


def test_spins_at_their_bound_and_programs_without_an_objective() -> None:
    chain = compile("program chain\nvar s: spin[40]\nminimize sum(s[i] * s[i + 1] for i in 0..39)\n").run(seed=1)
    assert (chain.status, chain.best.objective) == ("optimal", -39)
    free = compile("program free\nvar x: binary[40]\nsubject to\n  some: sum(x) == 7\n").run(seed=1)
    assert free.status == "feasible"

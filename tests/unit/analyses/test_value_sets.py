"""Sets of values hold whatever the elements take, and say nothing where there are many."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from qevo_compiler.analyses.value_sets import ValueSets
from qevo_compiler.dialects import problem
from qevo_compiler.evaluator.reference import evaluate_func
from qevo_compiler.frontend.builder import Problem

LIMIT = 9
ASSIGNMENTS = {
    "x": [np.array(bits) for bits in itertools.product((0, 1), repeat=3)],
    "s": [-1, 1],
    "k": list(range(-1, 3)),
    "r": [0.0, 0.25, 0.5, 0.75],
}
Formula = Callable[[Any, Any, Any, Any], Any]
FEW: list[tuple[Formula, list[float]]] = [
    (lambda x, s, k, r: k - 3, [-4, -3, -2, -1]),
    (lambda x, s, k, r: 2 * k + s, [-3, -1, 1, 3, 5]),
    (lambda x, s, k, r: x.sum() - 1, [-1, 0, 1, 2]),
    (lambda x, s, k, r: x[0] + x[2] - s, [-1, 0, 1, 2, 3]),
    (lambda x, s, k, r: -(0.1 + r), [-0.85, -0.6, -0.35, -0.1]),
    (lambda x, s, k, r: (x - np.array([0.5, 1, 0.5]))[0], [-1, -0.5, 0, 0.5]),
    (lambda x, s, k, r: s * k, [-2, -1, 0, 1, 2]),
]
MANY: list[Formula] = [
    lambda x, s, k, r: r + 0.1 * k,
    lambda x, s, k, r: k**2,
    lambda x, s, k, r: x @ np.array([1, 20, 400]) + 3 * k,
]


def sets(formula: Formula) -> tuple[Any, Any]:
    p = Problem("p")
    x, s = p.binary("x", 3), p.spin("s")
    k, r = p.integer("k", low=-1, high=2), p.real("r", low=0, high=0.75, bits=2)
    p.minimize(formula(x, s, k, r))
    main = p.to_module().main
    return main, ValueSets(main.definitions(), LIMIT).of(main.only(problem.ObjectiveOp).x)


@pytest.mark.parametrize(("formula", "expected"), FEW)
def test_few_values_are_all_that_is_taken(formula: Formula, expected: list[float]) -> None:
    main, found = sets(formula)
    assert found == pytest.approx(expected)
    taken = {
        evaluate_func(main, variables=dict(zip(ASSIGNMENTS, point, strict=True))).objective
        for point in itertools.product(*ASSIGNMENTS.values())
    }
    assert all(np.abs(found - value).min() < 1e-12 for value in taken)


@pytest.mark.parametrize("formula", MANY)
def test_many_values_are_not_listed(formula: Formula) -> None:
    assert sets(formula)[1] is None


def test_a_long_sum_costs_nothing() -> None:
    _, found = sets(lambda x, s, k, r: sum(x[i % 3] for i in range(3000)))
    assert found is None

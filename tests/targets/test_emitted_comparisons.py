"""Goldens of two emitted programs: a constraint with two sides, and comparisons of integers; and what they mean."""

from __future__ import annotations

import itertools
import json
from typing import Any

import dimod
import pytest

from qevo_compiler import CompiledProgram, compile

RANGE = """program staffed
data cost: int[5] = [3, 1, 4, 1, 5]
var works: binary[5]
minimize sum(cost[p] * works[p] for p in 0..5)
subject to
  team: 2 <= sum(works) <= 4
  shift[d]: 1 <= works[d] + 2 * works[d + 1] <= 2 for d in 0..2
"""
COMPARED = """program colours
var colour: int[3] in [1, 3]
minimize 2 * (colour[0] == 1) - 3 * (colour[1] >= 2) + colour[2]
subject to
  edge[i]: colour[i] != colour[i + 1] for i in 0..2
"""


def ground_states(program: CompiledProgram, name: str) -> list[Any]:
    bqm = dimod.BinaryQuadraticModel.from_serializable(json.loads(program.files[f"{name}.bqm.json"]))
    found = dimod.ExactSolver().sample(bqm)
    least = found.record.energy.min()
    return [
        program.decode([sample[spin] for spin in range(len(bqm))])
        for sample, energy in found.data(["sample", "energy"])
        if energy < least + 1e-9
    ]


def test_golden_of_a_constraint_with_two_sides(golden: Any) -> None:
    golden("staffed.bqm.json", compile(RANGE, level=0).files["staffed.bqm.json"])


def test_the_emitted_range_is_solved_by_its_cheapest_team() -> None:
    cost = [3, 1, 4, 1, 5]
    fits = [
        x
        for x in itertools.product((0, 1), repeat=5)
        if 2 <= sum(x) <= 4 and all(1 <= x[d] + 2 * x[d + 1] <= 2 for d in range(2))
    ]
    best = min(sum(c * v for c, v in zip(cost, x, strict=True)) for x in fits)
    program = compile(RANGE, level=0)
    answers = ground_states(program, "staffed")
    assert {tuple(a.values["works"].tolist()) for a in answers} == {
        x for x in fits if sum(c * v for c, v in zip(cost, x, strict=True)) == best
    }
    assert all(a.feasible and a.objective == best for a in answers)


def test_golden_of_compared_integers(golden: Any) -> None:
    golden("colours.bqm.json", compile(COMPARED, level=0).files["colours.bqm.json"])


def test_the_emitted_comparisons_are_solved_by_the_best_colours() -> None:
    def value(c: tuple[int, ...]) -> int:
        return 2 * (c[0] == 1) - 3 * (c[1] >= 2) + c[2]

    fits = [c for c in itertools.product((1, 2, 3), repeat=3) if c[0] != c[1] != c[2]]
    best = min(map(value, fits))
    answers = ground_states(compile(COMPARED, level=0), "colours")
    assert {tuple(a.values["colour"].tolist()) for a in answers} == {c for c in fits if value(c) == best}
    assert all(a.objective == pytest.approx(best) for a in answers)

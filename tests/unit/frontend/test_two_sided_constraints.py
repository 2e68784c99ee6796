"""Constraints with two sides: what they state, how they are named, and that both roads say the same."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from dsl_helpers import at, imported

from qevo_compiler import CompileError, Problem, compile
from qevo_compiler.dialects import problem
from qevo_compiler.dialects.problem import Relation

HEAD = "program test\nvar x: binary[4]\nvar k: int in [0, 9]\nvar on: binary\n"


def stated(line: str) -> problem.ConstraintOp:
    return imported(f"{HEAD}subject to\n  {line}\n").main.only(problem.ConstraintOp)


def test_a_chain_is_two_rows_of_one_family_left_minus_right() -> None:
    module = imported(f"{HEAD}subject to\n  c: 1 <= sum(x) + k <= 3\n")
    op = module.main.only(problem.ConstraintOp)
    assert (op.symbol, op.relation, op.indices.shape) == ("c", Relation.LE, (2, 0))
    assert at(module, x=[1, 0, 1, 0], k=4, on=0).constraints["c"].tolist() == [1 - 6, 6 - 3]


def test_the_other_direction() -> None:
    module = imported(f"{HEAD}subject to\n  c: 6 * on >= k >= 2 * on weight 2\n")
    op = module.main.only(problem.ConstraintOp)
    assert (op.relation, op.weight) == (Relation.GE, 2.0)
    assert at(module, x=[0] * 4, k=3, on=1).constraints["c"].tolist() == [3, 1]


def test_index_variables_name_both_rows() -> None:
    op = stated("c[i, j]: i <= x[i] + x[j] <= j for i in 0..2 for j in {1, 3}")
    assert op.indices.values.tolist() == [[i, j] for i in (0, 1) for j in (1, 3) for _ in range(2)]


def test_arrays_have_two_rows_an_element() -> None:
    module = imported(f"{HEAD}subject to\n  c[i]: [0, 1] <= [x[i], x[i + 1]] <= 1 for i in 0..2\n")
    op = module.main.only(problem.ConstraintOp)
    assert op.indices.values.tolist() == [[i, e] for i in (0, 1) for e in (0, 1) for _ in range(2)]
    body = at(module, x=[0, 1, 1, 0], k=0, on=0).constraints["c"]
    assert body.tolist() == [0, -1, 0, 0, -1, 0, 0, 0]


def test_constants_are_judged_at_once() -> None:
    assert imported(f"{HEAD}subject to\n  c: 1 <= 2 <= 3\n").main.first(problem.ConstraintOp) is None
    with pytest.raises(CompileError, match="Q0225"):
        stated("c: 1 <= 4 <= 3")


EQUAL = [
    ("1 <= sum(x) <= 3", lambda p, v: (v["x"].sum() >= 1) & (v["x"].sum() <= 3)),
    ("1 <= sum(x) <= 3", lambda p, v: (1 <= v["x"].sum()) & (v["x"].sum() <= 3)),  # noqa: SIM300
    ("1 <= sum(x) <= 3", lambda p, v: (v["x"].sum() >= 1) & (3 >= v["x"].sum())),  # noqa: SIM300
    ("3 >= sum(x) >= 1", lambda p, v: (v["x"].sum() <= 3) & (v["x"].sum() >= 1)),
    ("2 * on <= k <= 6 * on", lambda p, v: (2 * v["on"] <= v["k"]) & (v["k"] <= 6 * v["on"])),
    ("[0, 1, 0, 1] <= x + on <= 1", lambda p, v: (v["x"] + v["on"] >= [0, 1, 0, 1]) & (v["x"] + v["on"] <= 1)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "build"), EQUAL)
def test_both_roads_emit_the_same(text: str, build: Any) -> None:
    written = compile(f"{HEAD}minimize 3 * x[0] - k + on\nsubject to\n  c: {text}\n")
    p = Problem("test")
    v = {"x": p.binary("x", 4), "k": p.integer("k", low=0, high=9), "on": p.binary("on")}
    p.minimize(3 * v["x"][0] - v["k"] + v["on"])
    p.subject_to(build(p, v), name="c")
    built = p.compile()
    files, others = dict(written.files), dict(built.files)
    manifests = [json.loads(found.pop("test.manifest.json")) for found in (files, others)]
    assert files == others
    for manifest in manifests:
        manifest.pop("source")
    assert manifests[0] == manifests[1]


def test_a_joined_constraint_tells_its_shape() -> None:
    p = Problem("test")
    x = p.binary("x", (2, 3))
    both = (x >= 0) & (x <= 1)
    assert repr(both) == "Constraint(<=, shape=(2, 3))"


def test_what_is_joined_are_two_inequalities() -> None:
    p, q = Problem("p"), Problem("q")
    x, y = p.binary("x", 3), q.binary("y", 3)
    low, high = x.sum() >= 1, x.sum() <= 2
    with pytest.raises(CompileError, match="Q0250"):
        low & high & low
    with pytest.raises(CompileError, match="Q0252"):
        low & (y.sum() <= 1)
    with pytest.raises(CompileError, match="Q0251"):
        0 <= x.sum() <= 2  # noqa: B015


def test_answers_name_the_side_that_is_violated() -> None:
    text = f"{HEAD}minimize k\nsubject to\n  c[i]: 1 <= x[i] + x[i + 1] + on <= 2 for i in 0..2\n  d: 3 <= k <= 5\n"
    program = compile(text, level=0)
    rng = np.random.default_rng(3)
    spins = rng.choice([-1, 1], (200, len(program.bqm)))
    seen = set()
    for answer in program.decoder.decode(spins):
        x, on, k = answer.values["x"], answer.values["on"], answer.values["k"]
        sums = [x[i] + x[i + 1] + on for i in range(2)]
        rows = [side for total in sums for side in (1 - total, total - 2)]
        assert answer.violations["c"].tolist() == rows
        assert answer.violations["d"].tolist() == [3 - k, k - 5]
        wrong = {f"c[{i}]": max(1 - t, t - 2) for i, t in enumerate(sums) if not 1 <= t <= 2}
        wrong |= {} if 3 <= k <= 5 else {"d": max(3 - k, k - 5)}
        assert answer.violations_json() == wrong
        assert answer.feasible == (not wrong)
        seen |= set(wrong)
    assert seen == {"c[0]", "c[1]", "d"}


def test_a_weight_multiplies_both_sides() -> None:
    text = f"{HEAD}minimize k - 3 * sum(x)\nsubject to\n  c: 2 <= sum(x) <= 3\n"
    program = compile(text)
    changed = program.reweight({"c": 2.0})
    (before,), (after,) = (
        [op.weight for op in one.module.main.ops if op.name == "ising.penalty"] for one in (program, changed)
    )
    assert after == 2 * before


def test_explaining_shows_both_rows_and_one_slack() -> None:
    from qevo_compiler.decode.explain_model import explain_constraint

    program = compile(f"{HEAD}minimize k\nsubject to\n  c: 1 <= sum(x) + k <= 5\n")
    lines = explain_constraint(program.module, "c")
    assert lines[0].startswith("c: -x[0] - x[1] - x[2] - x[3] - k + 1 <= 0")
    assert lines[1].startswith("c: x[0] + x[1] + x[2] + x[3] + k - 5 <= 0")
    assert sum(line.count("(weight ") for line in lines) == 3

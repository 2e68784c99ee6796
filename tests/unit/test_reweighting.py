"""Reweighted programs equal recompiled ones; tuning and updating say what they did."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from qevo_compiler import tuning
from qevo_compiler.backends.base import Samples
from qevo_compiler.backends.local import LocalBackend
from qevo_compiler.decode.projection import Projection
from qevo_compiler.decode.sources import sources_of
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects.anneal import ScheduleOp
from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.dialects.ising import ModelOp, PenaltyForm, PenaltyOp, PenaltyRule
from qevo_compiler.driver import compile
from qevo_compiler.ir import Evidence, Module
from qevo_compiler.loading import load
from qevo_compiler.passes.binary_to_spin import spin_view
from qevo_compiler.passes.quantities import UNUSED_WEIGHT
from qevo_compiler.program import CompiledProgram
from qevo_compiler.tuning import TuneOptions, tuned

KNAPSACK = """program knapsack
data w: int[7] = [4, 2, 3, 5, 7, 3, 6]
data v: int[7] = [8, 3, 5, 9, 6, 2, 7]
var take: binary[7]
var k: int in [0, 5] encoded as domainwall
maximize sum(v[i] * take[i] for i in 0..7) + k * take[0] - 0.3 * k^2
subject to
  fits: sum(w[i] * take[i] for i in 0..7) <= 15
  pair: take[i] + take[i + 1] <= 1 for i in 0..3
  near: k == 2 * take[1] + 3 * take[2]
  wish: sum(take) >= 3 weight 0.5
"""
CUBIC = """program cubic
var x: binary[5]
minimize 3 * x[0] * x[1] * x[2] - 2 * x[1] * x[3] - x[4] - x[0]
subject to
  some: x[0] + x[3] + x[4] >= 2
  most: x[1] + x[2] + x[4] <= 2
"""
TOUR = """program tour
data d: int[4, 4] = [[0, 3, 9, 4], [3, 0, 5, 8], [9, 5, 0, 2], [4, 8, 2, 0]]
var x: binary[4, 4]
minimize sum(d[i, j] * x[t, i] * x[(t + 1) % 4, j] for t in 0..4 for i in 0..4 for j in 0..4 if i != j)
subject to
  place: sum(x[t, i] for i in 0..4) == 1 for t in 0..4
  visit: sum(x[t, i] for t in 0..4) == 1 for i in 0..4
"""


def model(program: CompiledProgram) -> ModelOp:
    return program.module.main.only(ModelOp)


def rules(program: CompiledProgram) -> dict[str, PenaltyRule]:
    return {op.symbol: op.rule for op in program.module.main.ops_of(PenaltyOp)}


def assert_same(left: ModelOp, right: ModelOp) -> None:
    assert left.rows == right.rows
    assert left.columns == right.columns
    size = np.abs(right.couplings.values).max(initial=1.0)
    assert np.abs(left.couplings.values - right.couplings.values).max(initial=0.0) <= 1e-12 * size
    assert np.abs(left.fields.values - right.fields.values).max() <= 1e-12 * max(
        size, np.abs(right.fields.values).max()
    )
    assert left.offset == pytest.approx(right.offset, rel=1e-12)
    assert left.scale == pytest.approx(right.scale, rel=1e-12)


@pytest.mark.parametrize("options", [{}, {"method": "lagrangian"}, {"slack": "none"}, {"slack": "domainwall"}])
@pytest.mark.parametrize("target", ["dwave", "cirq"])
def test_reweighted_equals_recompiled(target: str, options: dict[str, str]) -> None:
    weights = {"fits": 7.25, "pair": 3.0, "near": 11.5, "wish": 0.75, "k": 20.0}
    program = compile(KNAPSACK, target=target, passes={"penalize-constraints": options})
    chosen = tuple(f"{name}={weight}" for name, weight in weights.items())
    again = compile(KNAPSACK, target=target, passes={"penalize-constraints": {**options, "weights": chosen}})
    found = program.reweight(**weights)
    assert_same(model(found), model(again))
    assert [op.weight for op in found.module.main.ops_of(PenaltyOp)] == [
        op.weight for op in again.module.main.ops_of(PenaltyOp)
    ]
    assert found.module.main.ops_of(CircuitOp) == again.module.main.ops_of(CircuitOp) or target == "cirq"
    assert len(found.files) == len(again.files)


@pytest.mark.parametrize("target", ["dwave", "qubo"])
def test_rows_that_are_stated_the_other_way_round_keep_their_sign(target: str) -> None:
    """One row is 1 - x == 0, the other a square: as a family mixed, and the first is nowhere positive as x - 1."""
    text = """program mixed
var x: binary[3]
minimize x[0] - 2 * x[1] - x[2]
subject to
  rows[i]: (x[0] xor (x[i] or x[2])) == 1 for i in 0..2
"""
    program = compile(text, target=target, level=0)
    form = program.module.main.only(PenaltyOp).form
    assert form is PenaltyForm.MIXED
    again = compile(text, target=target, level=0, passes={"penalize-constraints": {"weights": ("rows=9",)}})
    found, wanted = (spin_view(p.module) for p in (program.reweight(rows=9.0), again))
    assert found is not None
    assert wanted is not None
    assert_same(found, wanted)
    assert all(source.title != "later steps" for source in sources_of(Projection(program.module)))


def test_factors_multiply_and_reweighting_back_restores_the_model() -> None:
    program = compile(KNAPSACK)
    twice = program.reweight({"fits": 2.0, "wish": 4.0})
    weight = {op.symbol: op.weight for op in program.module.main.ops_of(PenaltyOp)}
    assert {op.symbol: op.weight for op in twice.module.main.ops_of(PenaltyOp)} == weight | {
        "fits": 2 * weight["fits"],
        "wish": 4 * weight["wish"],
    }
    back = twice.reweight(fits=weight["fits"], wish=weight["wish"])
    assert_same(model(back), model(program))


def test_products_are_split_anew() -> None:
    program = compile(CUBIC)
    found = program.reweight({"most": 3.0})
    weight = next(op.weight for op in found.module.main.ops_of(PenaltyOp) if op.symbol == "most")
    assert_same(model(found), model(compile(CUBIC, passes={"penalize-constraints": {"weights": (f"most={weight}",)}})))
    assert found.run().best.objective == program.run().best.objective


def test_proofs_are_kept_only_where_they_hold() -> None:
    program = compile(TOUR)
    assert set(rules(program).values()) == {PenaltyRule.REPAIR}
    assert set(rules(program.reweight({"place": 2.0, "visit": 2.0})).values()) == {PenaltyRule.REPAIR}
    # The repair rule needs both families alike.
    assert set(rules(program.reweight({"place": 2.0})).values()) == {PenaltyRule.GIVEN}
    assert set(rules(program.reweight({"place": 0.5, "visit": 0.5})).values()) == {PenaltyRule.GIVEN}
    knapsack = compile(KNAPSACK.replace("k * take[0]", "k").replace("  near: k == 2 * take[1] + 3 * take[2]\n", ""))
    assert rules(knapsack)["fits"] is PenaltyRule.FLIP
    assert rules(knapsack.reweight({"fits": 1.5}))["fits"] is PenaltyRule.FLIP
    assert rules(knapsack.reweight({"fits": 0.5}))["fits"] is PenaltyRule.GIVEN
    gaps = [e for e in knapsack.reweight({"fits": 0.5}).ledger if e.quantity == "penalty gap"]
    assert {e.subject: e.kind for e in gaps}["fits"] is Evidence.ESTIMATED


def test_a_given_weight_takes_the_groups_argument_from_the_others() -> None:
    mixed = rules(compile(TOUR, passes={"penalize-constraints": {"weights": ("place=0.5",)}}))
    assert mixed["place"] is PenaltyRule.GIVEN
    assert mixed["visit"] in (PenaltyRule.RANGE, PenaltyRule.INCUMBENT)
    visit = next(
        op.weight
        for op in compile(TOUR, passes={"penalize-constraints": {"weights": ("place=0.5",)}}).module.main.ops_of(
            PenaltyOp
        )
        if op.symbol == "visit"
    )
    # Without the groups the objective's whole range counts.
    assert visit > max(op.weight for op in compile(TOUR).module.main.ops_of(PenaltyOp))


@pytest.mark.parametrize("weights", [{"fit": 2.0}, {"fits": 0.0}, {"fits": float("nan")}])
def test_wrong_names_and_weights(weights: dict[str, float]) -> None:
    with pytest.raises(CompileError, match="Q0666"):
        compile(KNAPSACK).reweight(**weights)


def test_a_family_without_a_penalty_takes_any_weight_and_the_ledger_says_so() -> None:
    text = """program loose
var x: binary[4]
minimize x[0] + 2 * x[1] - x[3]
subject to
  fix: x[3] == 0
  one: sum(x) >= 1
  most: sum(x) <= 9
"""
    program = compile(text)
    assert [op.symbol for op in program.module.main.ops_of(PenaltyOp)] == ["one"]
    again = program.reweight({"most": 2.0}, fix=5.0).reweight(fix=7.0)
    assert model(again) == model(program)
    said = [entry for entry in again.ledger if entry.quantity == UNUSED_WEIGHT]
    assert sorted(entry.subject for entry in said) == ["fix", "most"]
    assert all("no effect" in entry.note and entry.kind is Evidence.PROVED for entry in said)
    for name, value in (("fix", -1.0), ("free", 2.0)):
        with pytest.raises(CompileError, match=r"Q0666.*\n.*`one`, `fix`, `most`"):
            program.reweight(**{name: value})


def test_a_program_read_back_is_reweighted_too(tmp_path: object) -> None:
    program = compile(KNAPSACK)
    program.write(str(tmp_path))
    assert_same(model(load(str(tmp_path)).reweight(fits=9.0)), model(program.reweight(fits=9.0)))


def test_new_objective_data() -> None:
    program = compile(KNAPSACK)
    data = {"v": np.array([1, 3, 9, 2, 6, 5, 4])}
    found = program.update(KNAPSACK, data, prove=False)
    chosen = tuple(f"{op.symbol}={op.weight}" for op in program.module.main.ops_of(PenaltyOp))
    again = compile(KNAPSACK, data=data, passes={"penalize-constraints": {"weights": chosen}})
    assert_same(model(found), model(again))
    assert found.run(seed=1).best.objective == again.run(seed=1).best.objective
    assert not any(rule.proved for rule in rules(found).values())
    for prove in (False, True):
        with pytest.raises(CompileError, match=r"Q0668.*which bits are coupled"):
            program.update(KNAPSACK.replace("k * take[0]", "k * take[4] * 2"), prove=prove)
        with pytest.raises(CompileError, match=r"Q0668.*the variables"):
            program.update(KNAPSACK.replace("var take: binary[7]", "var take: binary[7]\nvar y: binary"), prove=prove)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("target", ["dwave", "qubo", "cirq"])
def test_new_data_of_constraints_and_objective_equal_a_new_compilation(target: str, level: int) -> None:
    program = compile(KNAPSACK, target=target, level=level)
    data = {"w": np.array([3, 2, 4, 6, 5, 3, 7]), "v": np.array([80, 30, 51, 90, 60, 20, 70])}
    text = KNAPSACK.replace("<= 15", "<= 12").replace("weight 0.5", "weight 0.25")
    found, again = program.update(text, data), compile(text, data=data, target=target, level=level)
    assert_same(*(spin_view(p.module) or model(p) for p in (found, again)))
    assert rules(found) == rules(again)
    assert [e for e in found.ledger if e.quantity == "penalty gap"] == [
        e for e in again.ledger if e.quantity == "penalty gap"
    ]
    one, other = found.run(seed=1), again.run(seed=1)
    assert (one.status, one.best.objective, one.best.feasible) == (other.status, other.best.objective, True)


def test_new_data_keep_weights_that_were_given_and_the_schedule() -> None:
    program = compile(KNAPSACK + "anneal linear(time = 35)\n").reweight(fits=9.0)
    text = KNAPSACK.replace("<= 15", "<= 12")
    proved, kept = program.update(text), program.update(text, prove=False)
    weights = [{op.symbol: op.weight for op in p.module.main.ops_of(PenaltyOp)} for p in (program, proved, kept)]
    assert weights[1]["fits"] == 9.0
    assert weights[2] == weights[0]
    assert rules(proved)["near"].proved
    assert not any(rule.proved for rule in rules(kept).values())
    schedules = [p.module.main.only(ScheduleOp) for p in (program, proved, kept)]
    assert schedules[1] == schedules[2] == schedules[0]


def test_new_data_go_the_way_of_the_programs_own_options() -> None:
    text = """program bent
data a: real = 0.5
var k: int[2] in [0, 7]
minimize tanh(a * k[0] - 1) + (k[1] - 2)^2
subject to
  most: k[0] + k[1] >= 4
"""
    options = {"approximate-functions": {"degree": 3}}
    data = {"a": np.array(0.25)}
    found = compile(text, passes=options).update(text, data)
    assert_same(model(found), model(compile(text, data=data, passes=options)))


def test_slack_of_another_size_is_named() -> None:
    program = compile(KNAPSACK)
    with pytest.raises(CompileError, match=r"Q0668.*the number of slack bits of `fits`"):
        program.update(KNAPSACK.replace("<= 15", "<= 3"))


RANGED = """program ranged
data p: int[4] = [3, 2, 5, 4]
data cap: int = 9
let load = sum(p[j] * on[j] for j in 0..4)
var on: binary[4]
var k: int in [0, cap]
minimize max(load, sum(p[j] * (1 - on[j]) for j in 0..4)) - k
subject to
  fits: load + k <= 12
"""


@pytest.mark.parametrize("data", [{"cap": 11}, {"cap": 8}, {"p": [3, 2, 5, 5]}, {"p": [1, 1, 3, 4], "cap": 15}])
@pytest.mark.parametrize("level", [0, 2])
def test_ranges_change_within_their_bits(level: int, data: dict[str, object]) -> None:
    """The largest value and the integer have other weights then, as a new compilation says."""
    found = compile(RANGED, level=level).update(RANGED, data)
    again = compile(RANGED, data=data, level=level)
    assert_same(model(found), model(again))
    assert found.run(seed=1).best.objective == again.run(seed=1).best.objective


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({"cap": 17, "p": [3, 2, 5, 3]}, r"the bits of `k` from 4 to 5\n.*\n.*\n.*\n.*depends on the new `cap`\n"),
        ({"p": [3, 2, 5, 9]}, r"the bits of `max1` from 4 to 5\n.*\n.*\n.*\n.*depends on the new `p`\n"),
    ],
)
def test_more_bits_are_named_with_the_data_that_ask_for_them(data: dict[str, object], what: str) -> None:
    for prove in (True, False):
        with pytest.raises(CompileError, match="Q0668.*" + what):
            compile(RANGED).update(RANGED, data, prove=prove)


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("target", ["dwave", "qubo"])
def test_new_data_where_bits_were_eliminated_or_products_split(target: str, level: int) -> None:
    text = """program cubic
data w: real[4]
var x: binary[4]
minimize w[0] * x[0] * x[1] * x[2] + w[1] * x[2] * x[3] + w[2] * x[1] + w[3] * x[3]
subject to
  few: sum(x[i] for i in 0..4) <= 2
"""
    some, others = [-3, 2, 1, -1], [2, -4, -1, 3]
    for first, second in ((some, others), (others, some), ([1, 1, 1, 1], [1, 1, 1, 1])):
        old, new = ({"w": np.array(w, float)} for w in (first, second))
        found = compile(text, data=old, target=target, level=level).update(text, new).run(seed=1).best
        states = [x for x in itertools.product((0, 1), repeat=4) if sum(x) <= 2]
        values = [second[0] * a * b * c + second[1] * c * d + second[2] * b + second[3] * d for a, b, c, d in states]
        assert found.feasible
        assert found.objective == min(values)


def test_rounded_programs_are_reweighted_before_rounding() -> None:
    options = {"round-coefficients": {"bits": 6}}
    program = compile(KNAPSACK, passes=options)
    again = compile(KNAPSACK, passes={**options, "penalize-constraints": {"weights": ("fits=9",)}})
    assert_same(model(program.reweight(fits=9.0)), model(again))


def test_tuning_is_deterministic_and_measured() -> None:
    program = compile(KNAPSACK)
    options = TuneOptions(rounds=5, reads=20, sweeps=100, seed=3)
    told: list[float] = []
    first, second = tuned(program, options, lambda what, done: told.append(done)), tuned(program, options)
    assert first.steps == second.steps
    assert model(first.program) == model(second.program)
    assert told[0] == 0.0
    assert first.chosen is not None
    kept = first.steps[first.chosen]
    assert kept.objective == max(step.objective for step in first.steps if step.objective is not None)
    entry = first.program.ledger[-1]
    assert (entry.stage, entry.kind, entry.value) == ("tune", Evidence.MEASURED, kept.feasible)
    assert len(first.lines()) == len(first.steps)
    for step in first.steps:
        for op in program.module.main.ops_of(PenaltyOp):
            if op.rule.proved:
                assert step.weights[op.symbol] <= op.weight


def test_tuning_raises_what_is_violated() -> None:
    tight = KNAPSACK.replace("  wish: sum(take) >= 3 weight 0.5\n", "")
    low = {"weights": ("fits=0.01", "pair=0.01", "near=0.01", "k=0.01")}
    program = compile(tight, passes={"penalize-constraints": low})
    found = tuned(program, TuneOptions(rounds=8, reads=20, sweeps=100, grow=4.0))
    assert found.steps[0].violated
    assert found.steps[1].weights["fits"] > found.steps[0].weights["fits"] or "fits" not in found.steps[0].violated


class Freezing:
    """Samples as after weights that are too large to move: feasible ones only below a quarter of `frozen`."""

    def __init__(self, frozen: float) -> None:
        self.frozen = frozen

    def sample(self, module: Module, reads: int, seed: int, sweeps: int | None) -> Samples:
        found = LocalBackend().sample(module, reads, seed, sweeps)
        weight = next(op.weight for op in module.main.ops_of(PenaltyOp) if op.symbol == "fits")
        return found if weight < self.frozen / 4 else replace(found, spins=np.ones_like(found.spins))


def test_tuning_shrinks_weights_at_which_nothing_is_feasible(monkeypatch: pytest.MonkeyPatch) -> None:
    tight = KNAPSACK.replace("  wish: sum(take) >= 3 weight 0.5\n", "")
    program = compile(tight)
    proved = {op.symbol: op.weight for op in program.module.main.ops_of(PenaltyOp)}
    monkeypatch.setattr(tuning, "select_backend", lambda name: Freezing(proved["fits"]))
    found = tuned(program, TuneOptions(rounds=8, reads=20, sweeps=100))
    assert found.steps[0].objective is None
    assert found.chosen is not None
    assert found.steps[found.chosen].weights["fits"] < proved["fits"] / 4
    assert "feasible" in found.program.ledger[-1].quantity
    assert found.program.ledger[-1].value > 0


def test_multipliers_move() -> None:
    program = compile(KNAPSACK, penalties="lagrangian")
    found = tuned(program, TuneOptions(rounds=4, reads=10, sweeps=50))
    assert found.steps
    assert all(step.weights["fits"] == found.steps[0].weights["fits"] or step.violated for step in found.steps)


def test_nothing_to_tune_and_bad_options() -> None:
    free = compile("program p\nvar x: binary[2]\nminimize x[0] * x[1]\n")
    assert tuned(free).program is free
    for bad in ({"rounds": 0}, {"reads": 0}, {"shrink": 1.0}, {"grow": 0.5}):
        with pytest.raises(CompileError, match="Q0669"):
            tuned(free, TuneOptions(**bad))


def test_compile_takes_the_ways_to_weigh() -> None:
    assert compile(KNAPSACK, penalties="tune").ledger[-1].stage == "tune"
    assert PenaltyRule.VLM in rules(compile(KNAPSACK, penalties="vlm")).values()
    with pytest.raises(CompileError, match="Q05"):
        compile(KNAPSACK, penalties="best")

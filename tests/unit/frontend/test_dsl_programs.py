"""The programs of the language page: they import, verify, and mean what their formulas say."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from dsl_helpers import EXAMPLES, at, example, imported, random_point

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import anneal, nn, problem
from qevo_compiler.dialects.problem import Domain, Encoding, Relation, Sense
from qevo_compiler.evaluator.reference import evaluate_func
from qevo_compiler.ir import Module, first_illegal, parse_module, print_module
from qevo_compiler.passes.stages import TENSOR
from qevo_compiler.source import SourceFile

NAMES = ("knapsack", "tour", "maxcut", "cell", "portfolio", "fit")
RNG = np.random.default_rng(5)


def sense(module: Module) -> Sense:
    return module.main.only(problem.ObjectiveOp).sense


@pytest.mark.parametrize("name", NAMES)
def test_examples_import_to_the_tensor_stage_and_print(name: str) -> None:
    module = example(name)
    assert module.name == name
    assert first_illegal(module, TENSOR) is None
    assert all(op.span is not None and op.span.file == f"{name}.qevo" for op in module.main.ops)
    text = print_module(module)
    assert print_module(parse_module(SourceFile("a.qir", text))) == text
    assert str(EXAMPLES) not in text


def test_knapsack() -> None:
    module = example("knapsack")
    take = np.array([1, 0, 0, 1])
    assert sense(module) is Sense.MAXIMIZE
    assert at(module, take=take).objective == 17
    assert at(module, take=take).constraints["fits"].tolist() == [0]
    assert module.main.only(problem.ConstraintOp).relation is Relation.LE


def test_tour() -> None:
    module = example("tour")
    d = np.load(EXAMPLES / "data" / "distances.npy")
    order = RNG.permutation(5)
    x = np.zeros((5, 5))
    x[order, np.arange(5)] = 1
    found = at(module, x=x)
    assert found.objective == pytest.approx(sum(d[a, b] for a, b in pairwise([*order, order[0]])))
    assert all((body == 0).all() for body in found.constraints.values())
    visit, time = module.main.ops_of(problem.ConstraintOp)
    assert (visit.symbol, time.symbol) == ("visit", "time")
    assert visit.indices.values.tolist() == [[0], [1], [2], [3], [4]]


def test_maxcut() -> None:
    module = example("maxcut")
    graph = np.load(EXAMPLES / "data" / "graph.npz")
    for _ in range(5):
        s = random_point(module, RNG)["s"]
        cut = sum(w for (i, j), w in zip(graph["edge"], graph["w"], strict=True) if s[i] != s[j])
        assert at(module, s=s).objective == pytest.approx(cut)


def test_cell() -> None:
    module = example("cell")
    pair = np.loadtxt(EXAMPLES / "data" / "pair.csv", delimiter=",")
    cost = np.array([0, 0, 1, 3, 0.5])
    for _ in range(5):
        op = random_point(module, RNG)["op"]
        found = at(module, op=op)
        assert found.objective == pytest.approx(pair[op[:-1], op[1:]].sum())
        assert found.constraints["budget"] == pytest.approx([cost[op].sum() - 7])
        assert found.constraints["some"] == pytest.approx([(op == 3).sum() - 1])
    request = module.main.only(anneal.RequestOp)
    assert (request.kind, request.names, request.numbers) == (
        anneal.ScheduleKind.ADAPTIVE,
        ("fast", "slow"),
        (0.1, 0.01),
    )
    sample = module.main.only(anneal.SampleOp)
    assert (sample.reads, sample.seed, sample.sweeps) == (200, 7, None)


def test_portfolio() -> None:
    module = example("portfolio")
    share = random_point(module, RNG)["share"]
    gain = np.array([0.09, 0.05, 0.12, 0.03])
    covariance = np.array([[60, 10, 25, 0], [10, 20, 8, 2], [25, 8, 110, -4], [0, 2, -4, 10]]) / 1000
    found = at(module, share=share)
    assert found.objective == pytest.approx(1.5 * share @ covariance @ share - gain @ share)
    assert found.constraints["invested"] == pytest.approx([share.sum() - 1])


def test_fit() -> None:
    module = example("fit")
    x, y = np.load(EXAMPLES / "data" / "x.npy"), np.load(EXAMPLES / "data" / "y.npy")
    theta = np.array([0.3, -0.7])
    expected = ((np.tanh(x @ theta) - y) ** 2).mean() / 2
    found = evaluate_func(module.main, parameters={"theta": theta})
    assert found.objective == pytest.approx(expected)
    assert module.main.only(problem.TrainOp) == problem.TrainOp(0.2, 30, weight_decay=0.05)
    assert module.main.only(problem.LinearizeOp) == problem.LinearizeOp(5, None, problem.Pivot.START, 10)
    assert module.main.only(problem.ApproximateOp) == problem.ApproximateOp(nn.Function.TANH, 3, -1.0, 1.0)


def test_declarations_of_every_kind() -> None:
    module = imported("""program all
data low: int[2] = [0, -3]
var b: binary
var s: spin[2, 3]
var k: int[2] in [low, 4] encoded as onehot
var m: int in [-1, 1] encoded as domainwall
var r: real[2] in [0, 1] bits 3
var c: choice {a, b}[2]
minimize b
""")
    b, s, k, m, r, c = module.main.ops_of(problem.VariableOp)
    assert [op.domain for op in (b, s, k, m, r, c)] == [
        Domain.BINARY, Domain.SPIN, Domain.INTEGER, Domain.INTEGER, Domain.REAL, Domain.CHOICE,
    ]  # fmt: skip
    assert (b.shape, s.shape, c.shape, c.labels) == ((), (2, 3), (2,), ("a", "b"))
    assert k.lower is not None
    assert k.upper is not None
    assert (k.lower.values.tolist(), k.upper.values.tolist()) == ([0, -3], 4)
    assert (k.encoding, m.encoding, r.bits) == (Encoding.ONE_HOT, Encoding.DOMAIN_WALL, 3)


def test_ops_come_in_one_order_whatever_the_order_of_statements() -> None:
    module = imported("""program order
sample reads = 3
subject to
  c: x + y <= 1 weight 2.5
anneal points([(0, 0), (5, 0.5), (10, 1)])
minimize x + y
var x: binary
approximate exp degree = 2
var y: binary
""")
    names = [op.name for op in module.main.ops if op.name.split(".")[0] != "nn"]
    assert names == [
        "problem.variable", "problem.variable", "problem.objective", "problem.constraint",
        "problem.approximate", "anneal.request", "anneal.sample",
    ]  # fmt: skip
    assert module.main.only(problem.ConstraintOp).weight == 2.5
    points = module.main.only(anneal.RequestOp).points
    assert points is not None
    assert points.values.tolist() == [[0, 0], [5, 0.5], [10, 1]]


def test_without_an_objective_zero_is_minimised() -> None:
    module = imported("program find\nvar x: binary[3]\nsubject to\n  c: sum(x) == 2\n")
    assert sense(module) is Sense.MINIMIZE
    assert at(module, x=[1, 1, 0]).objective == 0


def test_what_is_not_used_leaves_no_trace() -> None:
    module = imported("program p\ndata a: real[3] = [1, 2, 3]\nvar x: binary\nlet b = a * x\nlet c = x^3\nminimize x\n")
    assert [op.name for op in module.main.ops] == ["problem.variable", "problem.objective"]


def test_syntax_errors_come_before_all_others() -> None:
    with pytest.raises(CompileError) as caught:
        imported("program p\nvar x binary\nminimize unknown\n")
    assert [d.code[:3] for d in caught.value.diagnostics] == ["Q01"]


def test_a_soft_constraint_on_data_alone_stays_where_it_is_violated() -> None:
    stated = "program p\nvar x: binary\nminimize x\nsubject to\n  {}\n"
    kept = {text: imported(stated.format(text)) for text in ("c: 5 <= 3 weight 2", "c: 2 <= 3 weight 2")}
    counts = [len(module.main.ops_of(problem.ConstraintOp)) for module in kept.values()]
    assert counts == [1, 0]

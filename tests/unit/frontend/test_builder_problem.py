"""`Problem`: expressions that follow numpy, and the same polynomials as the language."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dsl_helpers import EXAMPLES, at, example, imported, random_point
from scipy.sparse import coo_array, csr_array, csr_matrix

from qevo_compiler.dialects import anneal, problem
from qevo_compiler.frontend.builder import Problem, exp, gelu, relu, sigmoid, silu, sqrt, tanh
from qevo_compiler.ir import verify
from qevo_compiler.passes import Pipeline

LOWERING = Pipeline.parse("fold-constants,decompose-layers,approximate-functions,expand-polynomials")


def everything() -> tuple[Problem, dict[str, Any]]:
    """A problem with a variable of every kind."""
    p = Problem("test")
    return p, {
        "x": p.binary("x", 4),
        "y": p.binary("y"),
        "z": p.binary("z", (3, 4)),
        "s": p.spin("s", 4),
        "k": p.integer("k", 4, low=-2, high=5),
        "r": p.real("r", 3, low=-1, high=[2, 3, 4], bits=5),
        "op": p.choice("op", 4, labels=["skip", "conv", "pool"]),
        "one": p.choice("one", labels=["skip", "conv", "pool"]),
    }


u = np.array([0.5, -1.25, 2, 3])
A = np.arange(16.0).reshape(4, 4) - 5
pair = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9.5]])

# The same function of lazy arrays and of numpy arrays.
FORMULAS = {
    "linear": lambda v: u @ v["x"] + v["s"] @ u - 2 * v["y"],
    "quadratic": lambda v: v["x"] @ A @ v["s"] + (A @ v["x"]).sum() + (v["x"] @ A).mean(),
    "matrix": lambda v: (v["z"] @ A @ v["z"].T).sum() + (A[:3] * v["z"]).sum(),
    "reflected": lambda v: (3 - v["x"] + (1 + v["s"]) * 2 - (-v["k"])).sum() + (u / 2 - v["k"] / u).sum(),
    "powers": lambda v: ((v["k"] - u) ** 2).mean() + (v["k"] ** 3).sum() + v["k"][0] ** 0 * v["y"],
    "indexing": lambda v: v["z"][1, 2] * v["z"][-1, -1] + v["z"][::2, 1:].sum() + v["x"][[3, 0, 0]] @ u[:3],
    "masks": lambda v: v["x"][u > 0].sum() + v["z"][..., 1].sum() + v["z"][0].sum(),
    "axes": lambda v: (v["z"].sum(axis=0) * u).sum() + (v["z"].mean(axis=1) ** 2).sum() + v["z"].sum(axis=(0, -1)),
    "fancy": lambda v: (v["s"][[0, 1, 2]] * v["s"][np.array([1, 2, 3])] * u[1:]).sum(),
    "logic": lambda v: ((v["x"] & v["y"]) + 2 * (v["x"] | v["y"]) + 3 * (v["x"] ^ v["y"])).sum(),
    "numpy": lambda v: np.sum(v["x"]) + np.dot(A, v["s"]) @ u + np.mean(v["z"], axis=0) @ u + np.dot(2, v["y"]),
    "numpy shapes": lambda v: np.prod(v["x"][:2]) * np.size(v["z"]) + np.transpose(v["z"])[3, 2] * np.ndim(v["z"]),
    "reshaped": lambda v: (v["z"].reshape(4, -1) * v["x"].reshape(4, 1)).sum() + v["z"].reshape(-1)[7],
    "sparse": lambda v: (
        (csr_matrix(A) @ v["x"]).sum() + v["s"] @ csr_matrix(A) @ u + (csr_array(A[:, 1:]) @ v["r"]) @ u
    ),
    "sparse planes": lambda v: (
        (csr_array(A[:, 1:]) @ v["z"] @ u).sum() + (v["z"] @ coo_array(A)).sum() + v["x"] @ csr_matrix((4, 4)) @ v["s"]
    ),
    "sparse entries twice": lambda v: v["x"] @ coo_array(([1, 2, 4], ([0, 0, 3], [1, 1, 2])), shape=(4, 4)) @ v["x"],
    "iteration": lambda v: sum(a * b for a, b in zip(v["x"], v["s"], strict=True)) + sum(v["k"]),
    "abs": lambda v: abs(v["k"]).sum() + (+v["y"]),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_mean_what_numpy_says(name: str) -> None:
    p, variables = everything()
    p.minimize(FORMULAS[name](variables))
    module = p.to_module()
    verify(module)
    rng = np.random.default_rng(3)
    for _ in range(4):
        point = random_point(module, rng)
        assert at(module, **point).objective == pytest.approx(float(FORMULAS[name](point)), rel=1e-12)


def test_choices_read_tables_and_compare_with_labels() -> None:
    p, v = everything()
    op, one = v["op"], v["one"]
    p.minimize(
        p.lookup(pair, op[:-1], op[1:]).sum()
        + (op == "conv").sum() * 2
        + (op != one).sum()
        + p.constant(pair)[one, 1]
        + p.lookup(v["r"], one)
        + sum(c == "pool" for c in op)
    )
    module = p.to_module()
    point = random_point(module, np.random.default_rng(0))
    o, q = point["op"], int(point["one"])
    expected = pair[o[:-1], o[1:]].sum() + 2 * (o == 1).sum() + (o != q).sum() + pair[q, 1] + point["r"][q]
    assert at(module, **point).objective == pytest.approx(expected + (o == 2).sum())


def test_smooth_functions_take_expressions_and_arrays() -> None:
    p, v = everything()
    k = v["k"]
    p.minimize((tanh(k) + exp(k) + sigmoid(k) + silu(k) + relu(k) + gelu(k) + sqrt(k + 3)).sum() + float(tanh(0.5)))
    point = random_point(p.to_module(), np.random.default_rng(0))
    n = np.asarray(point["k"], float)
    expected = (tanh(n) + exp(n) + sigmoid(n) + silu(n) + relu(n) + gelu(n) + sqrt(n + 3)).sum() + np.tanh(0.5)
    assert at(p.to_module(), **point).objective == pytest.approx(expected)


def test_constraints_are_named_indexed_and_weighted() -> None:
    p, v = everything()
    p.subject_to(v["z"].sum(axis=1) == 1, name="rows")
    p.subject_to(A[0] * v["x"] <= v["k"], weight=2)
    p.subject_to(v["y"] + v["x"][0] <= 3)
    p.subject_to(v["x"][0].implies(v["y"]))
    p.subject_to(v["op"][0] == "conv", name="fixed")
    module = p.to_module()
    ops = module.main.ops_of(problem.ConstraintOp)
    assert [op.symbol for op in ops] == ["rows", "c1", "c2", "c3", "fixed"]
    assert [op.weight for op in ops] == [None, 2.0, None, None, None]
    assert [op.indices.shape for op in ops] == [(3, 1), (4, 1), (1, 0), (1, 0), (1, 0)]
    point = random_point(module, np.random.default_rng(0))
    found = at(module, **{**point, "op": [1, 0, 0, 0], "x": [1, 0, 0, 0], "y": 0}).constraints
    assert found["fixed"].tolist() == [0]
    assert found[ops[3].symbol].tolist() == [-1]
    assert found["rows"].tolist() == (point["z"].sum(axis=1) - 1).tolist()


def test_arrays_of_the_caller_stay_writable() -> None:
    p = Problem("p")
    x = p.binary("x", 3)
    mine = np.array([1.0, 2.0, 3.0])
    p.minimize(mine @ x)
    mine[0] = 100
    assert at(p.to_module(), x=[1, 1, 1]).objective == 6


def test_directives() -> None:
    p = Problem("p")
    theta = p.param("theta", [0.5, 1.0], low=-1, high=1, bits=3)
    p.minimize(theta.norm2())
    p.train(rate=0.1, steps=5, momentum=0.9, nesterov=True)
    p.linearize(order=3, pivot="start")
    p.anneal("points", [(0, 0), (4, 1)])
    p.sample(reads=10, seed=3)
    p.approximate("tanh", 5, on=(-2, 2))
    main = p.to_module().main
    assert main.only(problem.TrainOp) == problem.TrainOp(0.1, 5, 0.9, True)
    assert main.only(problem.LinearizeOp) == problem.LinearizeOp(3, None, problem.Pivot.START, None)
    assert main.only(anneal.RequestOp).kind is anneal.ScheduleKind.POINTS
    assert main.only(anneal.SampleOp) == anneal.SampleOp(10, 3, None)
    assert main.only(problem.ApproximateOp).degree == 5


def knapsack() -> Problem:
    p = Problem("knapsack")
    take = p.binary("take", 4)
    p.maximize(np.array([8, 3, 5, 9]) @ take)
    p.subject_to(np.array([4, 2, 3, 5]) @ take <= 9, name="fits")
    return p


def tour() -> Problem:
    p = Problem("tour")
    d = np.load(EXAMPLES / "data" / "distances.npy")
    x = p.binary("x", (5, 5))
    following = x[:, [1, 2, 3, 4, 0]]
    p.minimize((d * (x @ following.T)).sum())
    p.subject_to(x.sum(axis=1) == 1, name="visit")
    p.subject_to(x.sum(axis=0) == 1, name="time")
    return p


def maxcut() -> Problem:
    p = Problem("maxcut")
    graph = np.load(EXAMPLES / "data" / "graph.npz")
    edge, w = graph["edge"], graph["w"]
    s = p.spin("s", int(edge.max()) + 1)
    p.maximize((w * (1 - s[edge[:, 0]] * s[edge[:, 1]]) / 2).sum())
    return p


def cell() -> Problem:
    p = Problem("cell")
    pairs = np.loadtxt(EXAMPLES / "data" / "pair.csv", delimiter=",")
    op = p.choice("op", 6, labels=["none", "skip", "conv1", "conv3", "pool"])
    p.minimize(p.lookup(pairs, op[:-1], op[1:]).sum())
    p.subject_to(p.lookup([0, 0, 1, 3, 0.5], op).sum() <= 7, name="budget")
    p.subject_to((op == "conv3").sum() >= 1, name="some")
    p.anneal("adaptive", fast=0.1, slow=0.01)
    p.sample(reads=200, seed=7)
    return p


def portfolio() -> Problem:
    p = Problem("portfolio")
    gain = np.array([0.09, 0.05, 0.12, 0.03])
    covariance = np.array(
        [[0.06, 0.01, 0.025, 0], [0.01, 0.02, 0.008, 0.002], [0.025, 0.008, 0.11, -0.004], [0, 0.002, -0.004, 0.01]]
    )
    share = p.real("share", 4, low=0, high=0.6, bits=4)
    p.minimize(1.5 * (share @ covariance @ share) - gain @ share)
    p.subject_to(share.sum() == 1, name="invested")
    return p


@pytest.mark.parametrize("build", [knapsack, tour, maxcut, cell, portfolio])
def test_both_roads_meet_in_the_same_polynomials(build: Any) -> None:
    p = build()
    assert LOWERING.run(p.to_module()) == LOWERING.run(example(p.name))


def test_inline_loops_and_arrays_meet_too() -> None:
    text = """program same
data w: real[3] = [0.1, 0.7, -1.3]
var k: int[3] in [0, 6] encoded as unary
var x: binary[3]
minimize sum(w[i] * k[i] * x[i] for i in 0..3) + sum((not x[i]) for i in 0..3)
subject to
  near[i]: k[i] + 2 * x[i] >= 1 for i in 0..3 weight 4
"""
    p = Problem("same")
    k = p.integer("k", 3, low=0, high=6, encoding="unary")
    x = p.binary("x", 3)
    p.minimize((np.array([0.1, 0.7, -1.3]) * k) @ x + (~x).sum())
    p.subject_to(k + 2 * x >= 1, name="near", weight=4)
    assert LOWERING.run(p.to_module()) == LOWERING.run(imported(text))


def test_compile_goes_to_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    import qevo_compiler.driver

    calls: list[Any] = []
    monkeypatch.setattr(qevo_compiler.driver, "compile", lambda source, **given: calls.append((source, given)))
    p = knapsack()
    p.compile(target="cirq", device="willow_pink")
    assert calls == [(p, {"target": "cirq", "device": "willow_pink"})]

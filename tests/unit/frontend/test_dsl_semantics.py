"""What programs mean: modules evaluated at random points against an interpreter that loops in plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dsl_helpers import at, imported, random_point
from naive_language import Chosen, rows_of, value_of

from qevo_compiler.dialects import problem
from qevo_compiler.dialects.problem import Domain
from qevo_compiler.grammar import ast
from qevo_compiler.grammar.parser import parse
from qevo_compiler.ir import Module
from qevo_compiler.source import SourceFile

DECLARATIONS = """program test
data n: int = 4
data u: real[4] = [0.5, -1.25, 2, 3]
data v: int[4] = [3, 1, 0, 2]
data A: real[4, 4] = [[0, 1, 2, 3], [1, 0, -1, 0.5], [2, -1, 0, 4], [3, 0.5, 4, 0]]
data adj: bool[4, 4] = [[0, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0]]
data edge: int[3, 2] = [[0, 1], [1, 2], [0, 3]]
data cost: real[3] = [0, 1.5, -2]
data pair: real[3, 3] = [[1, 2, 3], [4, 5, 6], [7, 8, 9.5]]
data cube: real[3, 4, 3] = [[[1, 2, 3], [4, 5, 6], [7, 8, 9], [0, 1, 0]], [[1, 0, 3], [4, 0, 6], [7, 0, 9], [2, 1, 2]],
  [[2, 2, 2], [1, 1, 1], [0, 0, 0], [5, 4, 3]]]
var x: binary[4]
var y: binary
var z: binary[3, 4]
var s: spin[4]
var k: int[4] in [-2, 5]
var r: real[3] in [-1, 2] bits 5
var op: choice {skip, conv, pool}[4]
var one: choice {skip, conv, pool}
var other: choice {pool, none}[4]
"""

EXPRESSIONS = [
    "sum(u[i] * x[i] for i in 0..n)",
    "u @ x + v @ s - 2 * y",
    "sum(A[i, j] * x[i] * s[j] for i in 0..n for j in 0..n if i != j)",
    "sum(A[i, j] * x[i] * x[j] for i in 0..n for j in i + 1..n)",
    "sum(sum(A[i, j] * s[j] for j in 0..n) * x[i] for i in 0..n)",
    "sum(sum(A[i, j] * s[j] for j in 0..n) * x[i] for i in 0..n if i > 0)",
    "sum(sum(s[j] for j in i + 1..n) * x[i] for i in 0..n)",
    "sum(sum(s[j] * sum(k[l] for l in j..n if l != i) for j in i + 1..n) * x[i] for i in 0..n)",
    "sum(sum(x[j] for j in 0..n if adj[i, j]) * k[i] for i in 0..n)",
    "sum(sum(u[j] for j in 0..i) * k[i] for i in 0..n)",
    "sum(mean(u[j] for j in 0..i + 1) * k[i] + max(v[j] for j in i..n) * x[i] for i in 0..n)",
    "sum(min(A[i, j] for j in 0..n if j != i) * x[i] for i in 0..n)",
    "sum(prod(u[j] for j in 0..i) * x[i] for i in 0..n)",
    "prod(x[i] + 2 for i in 0..3)",
    "prod(s) + prod(k) + prod(1 - x[i] for i in 0..n)",
    "sum(prod(2 + s[j] for j in i..n) for i in 0..n)",
    "sum(prod(z[i, j] + 1 for j in 0..4) for i in 0..3)",
    "prod(u[i] for i in 2..2) * y",
    "sum(s[e[0]] * s[e[1]] for e in edge)",
    "sum(s[edge[e, 0]] * s[edge[e, 1]] for e in 0..len(edge))",
    "sum(x[i] * c for i in {0, 2} for c in {0.5, -1})",
    "sum(y for i in 0..3) + sum(3 for i in 0..2)",
    "sum(x[i] for i in 0..0) + y",
    "sum(x[v[i]] * s[(i + 1) % n] for i in 0..n)",
    "sum(x[i // 2] * u[i] for i in 0..n)",
    "sum(row[j] * x[j] for row in A for j in 0..n)",
    "sum(e[0] * x[j] + y for e in edge for j in 0..e[1] + 1 if e[0] < j)",
    "sum(u[(i - 7 * j) % n] * x[i] + ((2 - i) % -3) * s[j] + ((i - 2) % 1.5) * y for i in 0..n for j in 0..3)",
    "sum((5 - 2 * i) // -3 * x[i] + (7 % (i + 1)) * s[i] for i in 0..n)",
    "2^3 * y + (x[0] + s[1] - k[2])^3",
    "-x[0] - y + -(s[0] + k[1]) - -k[2]",
    "tanh(k[0]) + exp(r[0]) + abs(s[0]) + relu(k[1]) + gelu(k[2]) + silu(k[3]) + sigmoid(k[0])",
    "sqrt(k[0] + 3) + log(k[1] + 2.5) + exp(-1) + tanh(0.5)",
    "(x[0] and x[1] and not y) + 2 * (x[0] or x[1] or y) + 4 * (x[0] xor x[1] xor y)",
    "sum((x[i] == x[(i + 1) % n]) + 2 * (x[i] != y) + (x[i] == 1) + 3 * (0 == x[i]) for i in 0..n)",
    "((x[0] == y) == x[1]) + (op[0] == conv and y)",
    "(x[0] * x[1] => 1 - y) + (not not y)",
    "sum(cost[op[i]] for i in 0..4)",
    "sum(pair[op[i], op[i + 1]] for i in 0..3)",
    "sum(pair[op[i], 1] * x[i] + pair[i, op[i]] for i in 0..3)",
    "sum(cube[op[i], i, op[(i + 1) % n]] for i in 0..n)",
    "pair[one, one] + cost[one] * y",
    "sum(r[op[i]] * u[i] for i in 0..n)",
    "sum(op[i] == conv for i in 0..4) + 2 * (one == pool) + 4 * (skip != one)",
    "sum(op[i] == op[j] for i in 0..4 for j in i + 1..4)",
    "sum((op[i] == other[i]) + 2 * (one != other[i]) for i in 0..4)",
    "sum((z[i, j] - z[i, j + 1])^2 for i in 0..3 for j in 0..3) / 4",
    "max(u) * y + min(v) * x[0] + max(1, 2.5, n) + len(A) + len(u)",
    "(s[0] + 1) * (s[1] + 1) * (s[2] + 1) * (s[3] + 1)",
]


def naive_names(module: Module, program: ast.Program, point: dict[str, Any]) -> dict[str, Any]:
    """Data as nested lists, and the point with choices as positions with labels."""
    names: dict[str, Any] = {d.name.text: value_of(d.value, {}) for d in program.select(ast.Data)}
    for op in module.main.ops_of(problem.VariableOp):
        values = np.asarray(point[op.symbol]).tolist()
        names[op.symbol] = _chosen(values, op.labels) if op.domain is Domain.CHOICE else values
    return names


def _chosen(values: Any, labels: tuple[str, ...]) -> Any:
    return [_chosen(v, labels) for v in values] if isinstance(values, list) else Chosen(values, labels)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expressions_mean_what_loops_say(text: str) -> None:
    source = f"{DECLARATIONS}minimize {text}\n"
    module = imported(source)
    program = parse(SourceFile("test.qevo", source))
    assert program.objective is not None
    rng = np.random.default_rng(len(text))
    for _ in range(4):
        point = random_point(module, rng)
        names = naive_names(module, program, point)
        expected = value_of(program.objective.value, names)
        assert at(module, **point).objective == pytest.approx(expected, rel=1e-12, abs=1e-12)


BROADCAST = {
    "mean((k - u)^2) / 2 + norm2(r) + dot(r, cost)": lambda p, d: (
        ((p["k"] - d["u"]) ** 2).mean() / 2 + (p["r"] ** 2).sum() + p["r"] @ d["cost"]
    ),
    "sum(tanh(k) + exp(r[0]) + abs(s) + relu(k))": lambda p, d: (
        np.tanh(p["k"]) + np.exp(p["r"][0]) + abs(p["s"]) + np.maximum(p["k"], 0)
    ).sum(),
    "sum((x and y) + 7 * (x or y) + 2 * (x xor y) + 3 * (x => y) + 5 * (not x))": lambda p, d: (
        (p["x"] & p["y"])
        + 7 * (p["x"] | p["y"])
        + 2 * (p["x"] ^ p["y"])
        + 3 * (1 - (p["x"] & (1 - p["y"])))
        + 5 * (1 - p["x"])
    ).sum(),
    "sum((op[i] == c) * u[i] for i in 0..4 for c in {pool, conv})": lambda p, d: (
        ((p["op"] == 1) | (p["op"] == 2)) * d["u"]
    ).sum(),
    "sum((op[i] == c) * x[i] for i in 0..4 for c in {pool, conv, skip} if c != conv)": lambda p, d: (
        (p["op"] != 1) * p["x"]
    ).sum(),
    "sum([x[0], 2 * y, s[1], 3] @ A)": lambda p, d: (np.array([p["x"][0], 2 * p["y"], p["s"][1], 3]) @ d["A"]).sum(),
    "sum(dot(A[i], x) * k[i] for i in 0..n)": lambda p, d: (d["A"] @ p["x"]) @ p["k"],
    "x @ A @ s + sum(A @ x) + 2 * sum(x @ A)": lambda p, d: (
        p["x"] @ d["A"] @ p["s"] + (d["A"] @ p["x"]).sum() + 2 * (p["x"] @ d["A"]).sum()
    ),
    "sum(z * u) + sum(z.T * r) + sum(z[1:, ::2] * s[:2])": lambda p, d: (
        (p["z"] * d["u"]).sum() + (p["z"].T * p["r"]).sum() + (p["z"][1:, ::2] * p["s"][:2]).sum()
    ),
    "sum(z[:, v] * u) + sum(z[[0, 2]]) + sum(z[-1])": lambda p, d: (
        (p["z"][:, d["v"]] * d["u"]).sum() + p["z"][[0, 2]].sum() + p["z"][-1].sum()
    ),
    "sum(sum(z[:, i] * r) * u[i] for i in 0..n)": lambda p, d: ((p["z"].T @ p["r"]) * d["u"]).sum(),
    "sum(z[i] @ A @ z[i] for i in 0..3)": lambda p, d: sum(row @ d["A"] @ row for row in p["z"]),
    "sum((A @ (u[i] * x)) @ s for i in 0..n)": lambda p, d: d["u"].sum() * (d["A"] @ p["x"]) @ p["s"],
    "sum(cost[op] * u) + sum(pair[op, op])": lambda p, d: (
        (d["cost"][p["op"]] * d["u"]).sum() + d["pair"][p["op"], p["op"]].sum()
    ),
    "sum(pair[op]) + sum(pair[:, op] @ u)": lambda p, d: (
        d["pair"][p["op"]].sum() + (d["pair"][:, p["op"]] @ d["u"]).sum()
    ),
    "sum(cube[op, :, one]) + sum(op[1:] == op[:-1])": lambda p, d: (
        d["cube"][p["op"], :, int(p["one"])].sum() + (p["op"][1:] == p["op"][:-1]).sum()
    ),
    "sum(cube[op[i], :, op[i]] @ (u * x[i]) for i in 0..n)": lambda p, d: sum(
        d["cube"][p["op"][i], :, p["op"][i]] @ (d["u"] * p["x"][i]) for i in range(4)
    ),
    "sum(x[adj[0]]) + sum(k[u > 0])": lambda p, d: p["x"][d["adj"][0]].sum() + p["k"][d["u"] > 0].sum(),
    "sum([z[0], z[1] * 2, z[2]] @ u) + sum(A.T[1:3] @ s)": lambda p, d: (
        (np.array([p["z"][0], p["z"][1] * 2, p["z"][2]]) @ d["u"]).sum() + (d["A"].T[1:3] @ p["s"]).sum()
    ),
}

DATA = {
    "u": np.array([0.5, -1.25, 2, 3]),
    "v": np.array([3, 1, 0, 2]),
    "A": np.array([[0, 1, 2, 3], [1, 0, -1, 0.5], [2, -1, 0, 4], [3, 0.5, 4, 0]]),
    "adj": np.array([[0, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0]], bool),
    "cost": np.array([0, 1.5, -2]),
    "pair": np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9.5]]),
    "cube": np.array(
        [
            [[1, 2, 3], [4, 5, 6], [7, 8, 9], [0, 1, 0]],
            [[1, 0, 3], [4, 0, 6], [7, 0, 9], [2, 1, 2]],
            [[2, 2, 2], [1, 1, 1], [0, 0, 0], [5, 4, 3]],
        ]
    ),
}


@pytest.mark.parametrize("text", BROADCAST)
def test_arrays_mean_what_numpy_says(text: str) -> None:
    module = imported(f"{DECLARATIONS}minimize {text}\n")
    rng = np.random.default_rng(len(text))
    for _ in range(4):
        point = random_point(module, rng)
        expected = float(BROADCAST[text](point, DATA))
        assert at(module, **point).objective == pytest.approx(expected, rel=1e-12, abs=1e-12)


CONSTRAINTS = [
    "c: sum(x) <= 2",
    "c[i]: x[i] + y <= k[i] for i in 0..n",
    "c[j, i]: z[i, j] * u[j] >= s[j] for i in 0..3 for j in 0..n if i != j",
    "c[i]: sum(x[j] for j in 0..n if adj[i, j]) == 1 for i in 0..n",
    "c[i]: y == 1 for i in 0..3",
    "c[t, i]: k[i] + t >= 2 * sum(z[l, i] for l in 0..t) for i in 0..n for t in {1, 3}",
]


@pytest.mark.parametrize("text", CONSTRAINTS)
def test_constraints_have_a_row_for_every_step_of_their_loops(text: str) -> None:
    source = f"{DECLARATIONS}subject to\n  {text}\n"
    module = imported(source)
    program = parse(SourceFile("test.qevo", source))
    (node,) = program.select(ast.Constraint)
    (op,) = module.main.ops_of(problem.ConstraintOp)
    point = random_point(module, np.random.default_rng(1))
    rows = rows_of(node.generators, node.condition, naive_names(module, program, point))
    bodies = [value_of(node.left, row) - value_of(node.right, row) for row in rows]
    np.testing.assert_allclose(at(module, **point).constraints["c"], bodies, rtol=1e-12, atol=1e-12)
    indices = [[row[name.text] for name in node.indices] for row in rows]
    assert op.indices.values.tolist() == indices
    assert op.relation.value == node.op.value


def test_an_array_of_constraints_is_indexed_by_position() -> None:
    module = imported(f"{DECLARATIONS}subject to\n  c[i]: A[i] * x + s <= u for i in 1..3\n")
    (op,) = module.main.ops_of(problem.ConstraintOp)
    assert op.indices.values.tolist() == [[i, j] for i in (1, 2) for j in range(4)]
    point = random_point(module, np.random.default_rng(2))
    expected = np.array([DATA["A"][i] * point["x"] + point["s"] - DATA["u"] for i in (1, 2)])
    np.testing.assert_allclose(at(module, **point).constraints["c"], expected.reshape(-1))


def test_labels_index_constraints_by_position_in_their_set() -> None:
    module = imported(f"{DECLARATIONS}subject to\n  c[l]: sum(op[i] == l for i in 0..4) <= 1 for l in {{pool, skip}}\n")
    (op,) = module.main.ops_of(problem.ConstraintOp)
    assert op.indices.values.tolist() == [[0], [1]]
    found = at(module, **{**random_point(module, np.random.default_rng(0)), "op": [2, 2, 0, 1]}).constraints["c"]
    assert found.tolist() == [1, 0]


@pytest.mark.parametrize(
    "text",
    [
        "c[i]: x[i] >= 2 for i in 0..0",
        "c[i, j]: x[i] + x[j] <= 1 for i in 0..3 for j in i..i",
        "c[i]: sum(z[i]) >= 9 for i in 0..3 if i > 5 weight u[i]",
        "c[i]: z[i] >= 2 for i in 0..0",
        "c[i]: 8 <= k[i] <= 9 for i in 2..2",
        "c[i]: op[i] != op[i + 1] for i in 0..0",
        "c[e]: x[e[0]] + x[e[1]] >= 3 for e in edge if e[0] > 1",
        "c[l]: 1 * (one == l) >= 2 for l in {skip, pool} if false",
    ],
)
def test_a_family_without_instances_asks_for_nothing(text: str) -> None:
    assert not imported(f"{DECLARATIONS}subject to\n  {text}\n").main.ops_of(problem.ConstraintOp)


@pytest.mark.parametrize("seed", range(40))
def test_random_expressions(seed: int) -> None:
    """Random scalar expressions over indexed variables inside nested comprehensions."""
    rng = np.random.default_rng(seed)
    text = _random_scalar(rng, 3, ())
    source = f"{DECLARATIONS}minimize {text}\n"
    module = imported(source)
    program = parse(SourceFile("test.qevo", source))
    assert program.objective is not None
    for _ in range(2):
        point = random_point(module, rng)
        expected = value_of(program.objective.value, naive_names(module, program, point))
        assert at(module, **point).objective == pytest.approx(expected, rel=1e-9, abs=1e-9), text


def _random_scalar(rng: np.random.Generator, depth: int, indices: tuple[str, ...]) -> str:
    if depth == 0 or rng.random() < 0.15:
        return _random_leaf(rng, indices)
    deeper = lambda: _random_scalar(rng, depth - 1, indices)  # noqa: E731
    match rng.integers(0, 7):
        case 0:
            return f"({deeper()} + {deeper()} - {deeper()})"
        case 1:
            return f"{deeper()} * {deeper()}"
        case 2:
            return f"(-{deeper()})"
        case 3:
            return f"({deeper()})^{rng.integers(0, 3)}"
        case 4:
            return f"({deeper()}) / {rng.integers(1, 5)}"
        case _:
            new = "ijlt"[len(indices)]
            start = rng.choice([*indices, "0", "1"])
            keep = rng.choice(["", f" if {new} != 2", f" if {new} % 2 == 0 or {new} > {start}"])
            function = rng.choice(["sum", "sum", "sum", "prod"])
            body = _random_scalar(rng, depth - 1, (*indices, new))
            return f"{function}({body} for {new} in {start}..4{keep})"


def _random_leaf(rng: np.random.Generator, indices: tuple[str, ...]) -> str:
    i = rng.choice(indices) if indices else str(rng.integers(0, 4))
    j = rng.choice(indices) if indices else str(rng.integers(0, 4))
    leaves = [f"x[{i}]", f"s[({i} + 1) % 4]", f"k[{j}]", f"A[{i}, {j}]", f"u[{j}]", "y", f"z[{i} % 3, {j}]", "2", "0.5"]
    leaves += [f"(op[{i}] == conv)", f"cost[op[{j}]]", f"pair[op[{i}], op[{j}]]", f"(x[{i}] or not x[{j}])", f"{i}"]
    return str(rng.choice(leaves))

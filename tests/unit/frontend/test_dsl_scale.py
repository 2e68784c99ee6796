"""Large programs: arrays from the first, no object for each term."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from dsl_helpers import imported

from qevo_compiler.dialects import nn, problem
from qevo_compiler.frontend.dsl import expressions
from qevo_compiler.ir import Module, print_module

MAXCUT = """program maxcut
data edge: int[m, 2] from "graph.npz:edge"
data w: real[m] from "graph.npz:w"
var s: spin[n] where n = max(edge) + 1
maximize sum(w[e] * (1 - s[edge[e, 0]] * s[edge[e, 1]]) / 2 for e in 0..m)
"""


def sizes(module: Module) -> list[int]:
    return sorted(op.value.size for op in module.main.ops_of(nn.ConstantOp))


def test_a_million_edges_are_a_handful_of_ops(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    count = 10**6
    np.savez(tmp_path / "graph.npz", edge=rng.integers(0, 4000, (count, 2)), w=rng.random(count))
    tracemalloc.start()
    module = imported(MAXCUT, tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    objects = sum(trace.count for trace in tracemalloc.take_snapshot().statistics("filename"))
    tracemalloc.stop()
    assert len(module.main.ops) < 20
    assert sizes(module) == [1, 1, count]
    assert [op.indices.values.dtype for op in module.main.ops_of(nn.GatherOp)] == [np.int32, np.int32]
    assert peak < 200e6
    assert objects < 20_000


def test_a_chain_of_many_variables(tmp_path: Path) -> None:
    count = 2**18
    module = imported(f"program chain\nvar s: spin[{count}]\nminimize sum(s[i] * s[i + 1] for i in 0..{count} - 1)\n")
    assert [op.indices.size for op in module.main.ops_of(nn.GatherOp)] == [count - 1] * 2


@pytest.mark.slow
def test_ten_million_terms() -> None:
    module = imported(
        "program wide\nvar x: binary[n, n] where n = 3200\n"
        "minimize sum((i - j) * x[i, j] for i in 0..n for j in 0..n if i != j)\n"
    )
    (gather,) = module.main.ops_of(nn.GatherOp)
    assert gather.indices.size == 3200 * 3199


def test_inner_sums_of_uneven_length_cost_what_they_hold() -> None:
    """A star graph: one vertex with all neighbours must not widen the rows of the others."""
    count = 20_000
    module = imported(
        "program star\nvar x: binary[n] where n = 20000\n"
        "minimize sum(sum(x[j] for j in 1..1 + (n - 1) * (1 - min(i, 1))) * x[i] for i in 0..n)\n"
    )
    (scatter,) = module.main.ops_of(nn.ScatterAddOp)
    assert scatter.indices.size == count - 1
    assert scatter.shape == (count,)


def test_a_thousand_lines() -> None:
    lines = ["program long", "var x: binary[10]"]
    lines += [f"let a{i} = x[{i % 10}] * {i} + {f'a{i - 1}' if i else '0'}" for i in range(500)]
    lines += ["minimize a499", "subject to"]
    lines += [f"  c{i}: sum(x[j] * {i} for j in 0..10) <= a{i}" for i in range(500)]
    module = imported("\n".join(lines) + "\n")
    assert len(module.main.ops_of(problem.ConstraintOp)) == 500
    assert len(module.main.ops) < 6000


def test_a_long_sum_is_added_by_halves() -> None:
    terms = " + ".join(f"x[{i}]" for i in range(3000))
    module = imported(f"program long\nvar x: binary[3000]\nminimize {terms}\n")
    depth = {}
    for op in module.main.ops:
        below = [depth[value] for value in op.operands]
        depth.update({result: 1 + max(below, default=0) for result in op.results})
    assert max(depth.values()) < 20


REPEATED = """program repeated
data edge: int[m, 2]
data w: real[m, 3]
var x: binary[n] where n = max(edge) + 1
var c: choice{red, green}[n]
minimize sum(w[e, 1] * x[edge[e, 0]] * x[edge[e, 1]] - w[e, 1] * x[edge[e, 0]] for e in 0..m)
subject to
  later[e]: w[e, 0] * x[edge[e, 0]] + (c[edge[e, 0]] == red) <= x[edge[e, 1]] + x[edge[e, 0]] for e in 1..m
"""


def test_what_is_read_once_is_stated_as_often_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    data = {"edge": rng.integers(0, 9, (40, 2)), "w": rng.random((40, 3))}
    plain = imported(REPEATED, None, **data)
    monkeypatch.setattr(expressions, "LARGE", 0)
    remembered = imported(REPEATED, None, **data)
    assert print_module(remembered) == print_module(plain)
    tables = [op.indices for op in remembered.main.ops_of(nn.GatherOp)]
    assert len({id(table) for table in tables}) < len({id(op.indices) for op in plain.main.ops_of(nn.GatherOp)})

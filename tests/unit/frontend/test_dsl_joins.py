"""Conditions between index variables: found by sorting as by testing all, and costing what they keep."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.evaluator.reference import run_func
from qevo_compiler.frontend.dsl import conditions
from qevo_compiler.frontend.load import import_source

RNG = np.random.default_rng(7)
N, M = 5, 12
DATA: dict[str, Any] = {
    "n": N,
    "key": RNG.integers(0, N, M),
    "other": RNG.integers(-2, 4, M),
    "level": RNG.integers(0, 4, N),
    "part": RNG.integers(0, 4, M) / 2,
}
X = RNG.integers(0, 2, (N, M)).astype(float)
HEAD = """program p
data n: int
data key: int[m]
data other: int[m]
data level: int[n]
data part: real[m]
var x: binary[n, m]
minimize """
# Each reads the same in the language and in Python.
PARTS = (
    "key[e] == i",
    "key[e] == level[i] + 1",
    "i == key[e] - j",
    "e <= i + j",
    "i < e",
    "j - e > -4",
    "other[e] >= level[j]",
    "level[i] - other[e] < j",
    "e - j - i == 2",
    "i != e",
    "part[e] == i",
    "part[e] < level[j]",
    "level[i] == 2",
    "other[e] > 0",
    "i > 9",
    "2 > 1",
    "(i == j or key[e] == j)",
    "key[e] * level[i] == 2",
    "e > 0 and key[e - 1] == i",
)
BODY = "(1 + 3 * e + j) * x[i, e] * x[j, (e + 1) % m]"
LOOPS = ("i in 0..n", "j in 0..n", "e in 0..m")


def in_python(text: str) -> float:
    """The value of a sum, by Python's own comprehensions."""
    text = re.sub(r"0\.\.(\w)", r"range(\1)", text).replace("^", "**")
    return float(eval(text, {**DATA, "m": M, "x": X}))


def in_the_language(text: str) -> float:
    main = import_source(HEAD + text + "\n", data=DATA).module.main
    (op,) = [op for op in main.ops if op.name == "problem.objective"]
    return float(run_func(main, variables={"x": X})[op.x])


@st.composite
def nested_sums(draw: st.DrawFn) -> str:
    loops = draw(st.permutations(LOOPS))
    outer = draw(st.integers(0, 2))
    condition = " and ".join(draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=3)))
    inner = f"sum({BODY} for {' for '.join(loops[outer:])} if {condition})"
    return f"sum({inner} ^ 2 for {' for '.join(loops[:outer])})" if outer else inner


@pytest.mark.parametrize("many", [0, 1 << 14])
@given(text=nested_sums())
def test_conditions_mean_what_they_mean_in_python(many: int, text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conditions, "MANY", many)
        assert in_the_language(text) == pytest.approx(in_python(text))


def test_rows_are_in_one_order_whatever_the_way() -> None:
    text = "sum(x[i, e] * x[j, e] for i in 0..n for e in 0..m for j in 0..n if j <= key[e] and other[e] >= i - j)"
    found = []
    for many in (0, 1 << 14):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(conditions, "MANY", many)
            main = import_source(HEAD + text + "\n", data=DATA).module.main
        found.append([op.indices.values.tolist() for op in main.ops if op.name == "nn.gather"])
    assert found[0] == found[1]


def test_grouped_sums_cost_what_they_hold() -> None:
    nodes, edges = 20_000, 200_000
    rng = np.random.default_rng(0)
    text = """program grouped
data tail: int[m]
data n: int
var y: binary[m]
minimize sum(y)
subject to
  one[v]: sum(y[e] for e in 0..m if tail[e] == v and e % 2 == 0) == 1 for v in 0..n
"""
    tail = np.concatenate([np.arange(nodes).repeat(2), rng.integers(0, nodes, edges)])
    tracemalloc.start()
    module = import_source(text, data={"tail": tail, "n": nodes}).module
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60e6  # all pairs would be 4.8e9
    (sums,) = [op for op in module.main.ops if op.name == "nn.scatter_add"]
    assert sums.indices.values.tolist() == sorted(tail[::2].tolist())


@pytest.mark.parametrize("many", [0, 1 << 14])
@pytest.mark.parametrize("loops", ["i in 0..n for e in 0..m", "e in 0..m for i in 0..n"])
def test_parts_guard_each_other(many: int, loops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "MANY", many)
    guarded = f"sum(x[i, e] for {loops} if e > 0 and key[e - 1] == i)"
    assert in_the_language(guarded) == in_python(guarded)
    swapped = f"sum(x[i, e] for {loops} if key[e - 1] == i and e > 0)"
    assert in_the_language(swapped) == in_python(guarded)
    with pytest.raises(CompileError) as error:
        in_the_language(f"sum(x[i, e] for {loops} if key[e - 1] == i and e < 4)")
    assert [d.code for d in error.value.diagnostics] == ["Q0210"]


def test_mistakes_in_a_part_are_reported_once_and_at_the_part() -> None:
    with pytest.raises(CompileError) as error:
        import_source(HEAD + "sum(x[i, e] for i in 0..n for e in 0..m if i == key[e] and frob[i] == e)\n", data=DATA)
    assert [d.code for d in error.value.diagnostics] == ["Q0201"]
    with pytest.raises(CompileError) as error:
        import_source(HEAD + "sum(x[i, e] for i in 0..n for e in 0..m if i == key[e] and other[e])\n", data=DATA)
    assert [d.code for d in error.value.diagnostics] == ["Q0214"]

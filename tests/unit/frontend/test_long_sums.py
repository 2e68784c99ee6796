"""Sums that are written term by term: they mean what they say, and cost a handful of ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevo_compiler import Problem, compile
from qevo_compiler.evaluator.reference import run_func
from qevo_compiler.frontend.load import import_source
from qevo_compiler.frontend.tensors import batching
from qevo_compiler.ir import Module

RNG = np.random.default_rng(5)
N = 6
W = RNG.integers(-4, 5, (N, N))
R = RNG.normal(size=(N, N))
X = RNG.integers(0, 2, N).astype(float)
S = RNG.choice([-1.0, 1.0], (N, N))
K = RNG.integers(0, 4, N).astype(float)


def value_of(module: Module) -> float:
    (op,) = [op for op in module.main.ops if op.name == "problem.objective"]
    return float(run_func(module.main, variables={"x": X, "s": S, "k": K})[op.x])


def stated(body: Callable[[Any, Any, Any], Any]) -> Module:
    p = Problem("p")
    p.minimize(body(p.binary("x", N), p.spin("s", (N, N)), p.integer("k", N, low=0, high=3)))
    return p.to_module()


# One term each, of x, s, k and three indices.
TERMS: dict[str, Callable[..., Any]] = {
    "pair": lambda x, s, k, i, j, t: int(W[i, j]) * x[i] * x[j],
    "real": lambda x, s, k, i, j, t: float(R[i, j]) * s[i, j] * s[j, t],
    "square": lambda x, s, k, i, j, t: (x[i] - 2 * k[j] + t) ** 2,
    "quotient": lambda x, s, k, i, j, t: -(k[i] * x[j]) / (1 + t),
    "constant": lambda x, s, k, i, j, t: i * j - t,
    "inner": lambda x, s, k, i, j, t: sum(int(W[i, m]) * x[m] for m in range(N)) * s[i, t],
    "ragged": lambda x, s, k, i, j, t: (sum(x[m] for m in range(1 + i)) - t) ** 2,
    "vectors": lambda x, s, k, i, j, t: (W[i] @ x - t) ** 2 + R[j] @ k,
    "shared": lambda x, s, k, i, j, t: k[i] * SHARED[0](x, k),
    "cube": lambda x, s, k, i, j, t: k[i] ** 3 - x[t],
}
SHARED: list[Any] = [None]


def with_shared() -> None:
    """One tensor in many terms, as a name in a program is."""
    made: dict[int, Any] = {}
    SHARED[0] = lambda x, k: made.setdefault(id(x), x.sum() - 2 * k[0])


@st.composite
def sums(draw: st.DrawFn) -> list[tuple[str, bool, int, int, int]]:
    kinds = draw(st.lists(st.sampled_from(sorted(TERMS)), min_size=1, max_size=3))
    place = st.integers(0, N - 1)
    one = st.tuples(st.sampled_from(kinds), st.booleans(), place, place, place)
    return draw(st.lists(one, min_size=1, max_size=40))


@given(terms=sums())
def test_a_sum_means_what_its_terms_say(terms: list[tuple[str, bool, int, int, int]]) -> None:
    def body(x: Any, s: Any, k: Any) -> Any:
        total: Any = 0
        for name, minus, i, j, t in terms:
            term = TERMS[name](x, s, k, i, j, t)
            total = total - term if minus else total + term
        return total + 0 * x[0]

    with_shared()
    assert value_of(stated(body)) == pytest.approx(float(body(X, S, K)), rel=1e-9, abs=1e-9)


def test_short_sums_stay_as_they_are_written() -> None:
    module = stated(lambda x, s, k: x[0] + 2 * x[1] - x[2])
    assert len([op for op in module.main.ops if op.name == "nn.gather"]) == 3


@pytest.mark.parametrize("count", [50, 500])
def test_a_loop_becomes_a_few_ops(count: int) -> None:
    p = Problem("p")
    x = p.binary("x", count)
    total: Any = 0
    for i in range(count):
        total = total + i * x[i] * x[(i + 1) % count] - (x[i] - x[(i + 2) % count]) ** 2
    p.minimize(total)
    p.subject_to(sum(x[i] for i in range(count)) <= count // 2, name="few")
    assert len(p.to_module().main.ops) < 30


def test_a_loop_compiles_to_what_the_array_form_does() -> None:
    weights = RNG.integers(1, 9, (12, 12))
    models = []
    for loops in (True, False):
        p = Problem("p")
        x = p.binary("x", 12)
        upper = np.triu(weights, 1)
        p.minimize(
            sum(int(upper[i, j]) * x[i] * x[j] for i in range(12) for j in range(i + 1, 12)) if loops else x @ upper @ x
        )
        p.subject_to((sum(x[i] for i in range(12)) if loops else x.sum()) == 5, name="five")
        models.append(compile(p).bqm)
    assert models[0] == models[1]


def test_text_with_many_terms_is_read_as_arrays() -> None:
    terms = " + ".join(f"{i + 1} * x[{i}] * x[{i + 1}]" for i in range(300))
    module = import_source(f"program p\nvar x: binary[301]\nminimize {terms}\n").module
    assert len(module.main.ops) < 12
    (gather, _) = [op for op in module.main.ops if op.name == "nn.gather"]
    assert gather.indices.size == 300


def test_deep_terms_are_left_alone() -> None:
    def nested(x: Any, s: Any, k: Any) -> Any:
        def tower(i: int) -> Any:
            value: Any = x[i % N]
            for step in range(2 * batching._DEEPEST):
                value = value * x[(i + step) % N]
            return value

        return sum(tower(i) for i in range(batching.LONG + 4))

    assert value_of(stated(nested)) == pytest.approx(float(nested(X, S, K)))

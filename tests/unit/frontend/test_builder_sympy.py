"""sympy expressions in `Problem`."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from dsl_helpers import at, random_point

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.frontend.builder import Problem


def declared() -> Problem:
    p = Problem("p")
    p.binary("a")
    p.integer("k", 3, low=-1, high=4)
    p.spin("s", (2, 2))
    return p


def test_symbols_indexed_names_and_functions() -> None:
    a, k1 = sympy.symbols("a k[1]")
    k, s = sympy.IndexedBase("k"), sympy.IndexedBase("s")
    s01 = sympy.Symbol("s[0, 1]")
    p = declared()
    formula = (a + 2 * k[0] - k1 / 3) ** 3 * s[1, 0] + sympy.tanh(k[2]) * s01 + sympy.sqrt(2) - abs(k1)
    p.minimize(sympy.expand(formula) + sympy.exp(a) + sympy.sqrt(k[0] + 2) + sympy.pi)
    module = p.to_module()
    rng = np.random.default_rng(0)
    for _ in range(3):
        point = random_point(module, rng)
        kv, sv, av = point["k"], point["s"], point["a"]
        expected = (av + 2 * kv[0] - kv[1] / 3) ** 3 * sv[1, 0] + np.tanh(kv[2]) * sv[0, 1] + np.sqrt(2) - abs(kv[1])
        expected += np.exp(av) + np.sqrt(kv[0] + 2) + np.pi
        assert at(module, **point).objective == pytest.approx(float(expected))


def test_relations_are_constraints() -> None:
    a, k = sympy.Symbol("a"), sympy.IndexedBase("k")
    p = declared()
    p.subject_to(sympy.Le(a + k[0], 3), name="low")
    p.subject_to(sympy.Eq(k[1], 2 * a), name="same")
    found = at(p.to_module(), a=1, k=[4, 1, 0], s=[[1, 1], [1, 1]]).constraints
    assert {name: body.tolist() for name, body in found.items()} == {"low": [2], "same": [-1]}


def test_sympy_mixes_with_expressions() -> None:
    p = declared()
    b = p.binary("b")
    p.minimize(b * sympy.Symbol("a") + 1)
    assert at(p.to_module(), a=1, b=1, k=[0, 0, 0], s=np.ones((2, 2))).objective == 2


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        (sympy.Symbol("b"), "Q0201"),
        (sympy.Symbol("k[5]"), "Q0210"),
        (sympy.Symbol("k[0, 1]"), "Q0209"),
        (sympy.Symbol("k"), "Q0213"),
        (sympy.IndexedBase("k")[sympy.Symbol("i")], "Q0253"),
        (sympy.sin(sympy.Symbol("a")), "Q0253"),
        (sympy.I * sympy.Symbol("a"), "Q0253"),
        (1 / sympy.Symbol("a"), "Q0221"),
        (sympy.Symbol("a") ** sympy.Symbol("a"), "Q0221"),
    ],
)
def test_what_has_no_counterpart_is_named(expression: sympy.Expr, code: str) -> None:
    with pytest.raises(CompileError) as caught:
        declared().minimize(expression)
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_strict_relations_are_refused() -> None:
    with pytest.raises(CompileError) as caught:
        declared().subject_to(sympy.Lt(sympy.Symbol("a"), 1))
    assert [d.code for d in caught.value.diagnostics] == ["Q0253"]

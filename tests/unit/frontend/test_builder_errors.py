"""Mistakes in Python programs: a diagnostic with the user's line, never a traceback of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from qevo_compiler.diagnostics import CompileError, render
from qevo_compiler.frontend.builder import Problem
from qevo_compiler.source import SourceFile, SourceMap

p = Problem("p")
x = p.binary("x", 4)
y = p.binary("y")
k = p.integer("k", 4, low=0, high=3)
op = p.choice("op", 4, labels=["skip", "pool"])
foreign = Problem("q").binary("z", 4)


def fresh() -> Problem:
    q = Problem("fresh")
    q.binary("b", 4)
    return q


def in_turn(*steps: Callable[[Problem], Any]) -> Callable[[], None]:
    def run() -> None:
        problem = fresh()
        for step in steps:
            step(problem)

    return run


CASES: list[tuple[str, Callable[[], Any]]] = [
    ("Q0203", lambda: fresh().spin("b")),
    (
        "Q0203",
        in_turn(
            lambda q: q.subject_to(q.binary("c") <= 0, name="n"),
            lambda q: q.subject_to(q.binary("d") <= 0, name="n"),
        ),
    ),
    ("Q0207", lambda: x + np.ones(3)),
    ("Q0207", lambda: x <= np.ones(3)),
    ("Q0208", lambda: np.ones((2, 3)) @ x),
    ("Q0209", lambda: x[0, 1]),
    ("Q0210", lambda: x[4]),
    ("Q0250", lambda: np.concatenate([x, x])),
    ("Q0250", lambda: x.reshape(3)),
    ("Q0250", lambda: x - csr_matrix((10**6, 10**6))),
    ("Q0208", lambda: csr_matrix((10**6, 10**6)) @ x),
    ("Q0208", lambda: x @ csr_matrix((10**6, 10**6))),
    ("Q0207", in_turn(lambda q: q.subject_to(q.binary("c", 2) <= 0, weight=np.ones(3)))),
    ("Q0227", in_turn(lambda q: q.subject_to(q.binary("c", 2) <= 0, weight=[1, -1]))),
    ("Q0250", in_turn(lambda q: q.subject_to(q.binary("c") <= 0, weight=q.binary("d")))),
    ("Q0250", in_turn(lambda q: q.subject_to(q.binary("c", 2) <= 0, weight="large"))),
    ("Q0250", lambda: np.sum(x, dtype=np.float64)),
    ("Q0212", lambda: x[y]),
    ("Q0213", lambda: fresh().minimize(np.ones(3))),
    ("Q0114", lambda: x < 3),
    ("Q0114", lambda: x > 3),
    ("Q0214", lambda: k & y),
    ("Q0214", lambda: ~k),
    ("Q0216", lambda: x + op),
    ("Q0217", lambda: op == "pol"),
    ("Q0217", lambda: op == 1),
    ("Q0218", lambda: p.lookup([1, 2, 3], op)),
    ("Q0219", lambda: 1 / y),
    ("Q0220", lambda: y / 0),
    ("Q0221", lambda: y**0.5),
    ("Q0221", lambda: 2**y),
    ("Q0222", lambda: fresh().integer("c", low=2, high=1)),
    ("Q0223", lambda: fresh().real("c", low=0, high=1, bits=0)),
    ("Q0224", lambda: fresh().binary("c", 0)),
    ("Q0225", in_turn(lambda q: q.subject_to(q.constant(3) <= 2))),
    ("Q0227", in_turn(lambda q: q.subject_to(q.binary("c") <= 0, weight=-1))),
    ("Q0229", lambda: fresh().train("adam")),
    ("Q0230", lambda: fresh().sample(read=3)),
    ("Q0231", lambda: fresh().train(rate=0.1)),
    ("Q0232", lambda: fresh().sample(reads="many")),
    ("Q0232", lambda: fresh().anneal("points", [1, 2, 3])),
    ("Q0233", in_turn(lambda q: q.minimize(1), lambda q: q.maximize(1))),
    ("Q0233", in_turn(lambda q: q.sample(reads=1), lambda q: q.sample(seed=1))),
    ("Q0240", lambda: fresh().choice("c", labels=["a", "a"])),
    ("Q0243", lambda: Problem("empty").to_module()),
    ("Q0244", lambda: x[1.5]),
    ("Q0244", lambda: x[None]),
    ("Q0244", lambda: x[0:1.5]),
    ("Q0245", lambda: len(y)),
    ("Q0250", lambda: x + "a"),
    ("Q0250", lambda: x * None),
    ("Q0250", lambda: p.subject_to(True)),
    ("Q0250", lambda: p.subject_to(np.array([1, 2]) <= 3)),
    ("Q0250", lambda: p.subject_to(k)),
    ("Q0250", lambda: p.subject_to(x.sum())),
    ("Q0250", lambda: p.subject_to([x[0] <= 1, x[1] <= 1])),
    ("Q0250", lambda: p.subject_to(x[i] <= 1 for i in range(3))),
    ("Q0250", lambda: np.sin(x)),
    ("Q0250", lambda: np.add(x, 1, where=[True])),
    ("Q0114", lambda: max(x[0], y)),
    ("Q0212", lambda: y % 2),
    ("Q0212", lambda: 7 // y),
    ("Q0251", lambda: 1 if y == 3 else 0),
    ("Q0250", lambda: fresh().binary("two words")),
    ("Q0250", lambda: fresh().binary("c", (2.5,))),
    ("Q0250", lambda: x.sum(axis=3)),
    ("Q0250", lambda: fresh().integer("c", low=0, high=1, encoding="gray")),
    ("Q0250", lambda: fresh().param("c", 0.5, low=0)),
    ("Q0251", lambda: 0 <= x.sum() <= 3),
    ("Q0251", lambda: bool(op)),
    ("Q0251", lambda: x and y),
    ("Q0252", lambda: x + foreign),
    ("Q0252", lambda: p.subject_to(foreign <= 1)),
    ("Q0306", lambda: x * np.array([1, 2, 3, np.nan])),
    ("Q0307", lambda: x * np.array(["a", "b", "c", "d"])),
    ("Q0315", lambda: x * [[1, 2], [3]]),
]


@pytest.mark.parametrize(("code", "mistake"), CASES)
def test_each_mistake_is_named(code: str, mistake: Callable[[], Any]) -> None:
    with pytest.raises(CompileError) as caught:
        mistake()
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code
    assert diagnostic.span is None or diagnostic.span.file == "test_builder_errors.py"


def test_the_expression_of_the_user_is_underlined() -> None:
    with pytest.raises(CompileError) as caught:
        p.lookup(np.ones(2), op[0]) + (x + np.ones(3))
    source = SourceFile("test_builder_errors.py", open(__file__, encoding="utf-8").read())  # noqa: SIM115
    shown = render(caught.value.diagnostics, SourceMap(source))
    line, underline = shown.splitlines()[3:5]
    start, end = underline.index("^"), underline.rindex("^") + 1
    assert line[start:end] == "x + np.ones(3)"


def test_what_compilation_finds_is_shown_in_the_users_file() -> None:
    p = Problem("late")
    x = p.binary("x", 3)
    p.subject_to(x.sum() >= 4, name="all")
    with pytest.raises(CompileError) as caught:
        p.compile()
    shown = str(caught.value).splitlines()
    at = next(k for k, line in enumerate(shown) if line.endswith('p.subject_to(x.sum() >= 4, name="all")'))
    underlined = "".join(c for c, mark in zip(shown[at], shown[at + 1], strict=False) if mark == "^")
    assert underlined.startswith("x.sum() >= 4")


def test_a_file_that_is_gone_is_named_without_its_lines() -> None:
    scope: dict[str, object] = {"Problem": Problem}
    code = 'p = Problem("gone")\np.subject_to(p.binary("x", 2).sum() >= 3, name="all")\np.compile()\n'
    with pytest.raises(CompileError, match="Q0650") as caught:
        exec(compile(code, "/nowhere/gone.py", "exec"), scope)
    assert "--> gone.py:2:" in str(caught.value)
    assert " | " not in str(caught.value)

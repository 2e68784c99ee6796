"""`max` and `min` of decisions in every way of writing them, evaluated against plain Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from qevo_compiler import Problem
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.evaluator.reference import evaluate_func
from qevo_compiler.frontend.builder import maximum, minimum
from qevo_compiler.frontend.dsl import import_program
from qevo_compiler.ir import Module
from qevo_compiler.source import SourceFile

HEAD = "program ends\ndata w: int[3] = [2, -1, 3]\nvar k: int[3] in [-4, 4]\nvar x: binary[2, 3]\n"
Oracle = Callable[[list[int], list[list[int]]], float]
TEXTS: dict[str, Oracle] = {
    "max(k)": lambda k, x: max(k),
    "min(x)": lambda k, x: min(map(min, x)),
    "max(k[0], 2, k[1] - k[2])": lambda k, x: max(k[0], 2, k[1] - k[2]),
    "sum(max(k, w))": lambda k, x: sum(map(max, k, [2, -1, 3])),
    "sum(min(x, k))": lambda k, x: sum(min(a, b) for row in x for a, b in zip(row, k, strict=True)),
    "max(k[i] * w[i] for i in 0..3)": lambda k, x: max(k[0] * 2, -k[1], 3 * k[2]),
    "max(k[i] - k[j] for i in 0..3 for j in 0..3 if i < j)": lambda k, x: max(k[0] - k[1], k[0] - k[2], k[1] - k[2]),
    "sum(min(k[j] + i for j in i..3) for i in 0..3)": lambda k, x: min(k) + min(k[1:]) + 1 + k[2] + 2,
    "max(sum(x[a, i] * w[i] for i in 0..3) for a in 0..2)": lambda k, x: max(2 * r[0] - r[1] + 3 * r[2] for r in x),
    "sum(max(x[a] * k) * (a + 1) for a in 0..2)": lambda k, x: sum(
        (a + 1) * max(p * q for p, q in zip(x[a], k, strict=True)) for a in range(2)
    ),
    "max(max(k), min(k) + 5, abs(k[0]))": lambda k, x: max(max(k), min(k) + 5, abs(k[0])),
    "max([k[0], 3 * x[0, 1]])": lambda k, x: max(k[0], 3 * x[0][1]),
    "max(4 for i in 0..3) + k[0]": lambda k, x: 4 + k[0],
}


def points() -> list[tuple[list[int], list[list[int]]]]:
    rng = np.random.default_rng(0)
    return [(rng.integers(-4, 5, 3).tolist(), rng.integers(0, 2, (2, 3)).tolist()) for _ in range(12)]


def agrees(module: Module, oracle: Oracle) -> None:
    for k, x in points():
        found = evaluate_func(module.main, variables={"k": np.array(k), "x": np.array(x)}).objective
        assert found == oracle(k, x)


@pytest.mark.parametrize("text", TEXTS)
def test_texts(text: str) -> None:
    agrees(import_program(SourceFile("ends.qevo", f"{HEAD}minimize {text}\n"), None), TEXTS[text])


PYTHON: list[tuple[Callable[[Any, Any], Any], Oracle]] = [
    (lambda k, x: k.max() - x.min(), lambda k, x: max(k) - min(map(min, x))),
    (lambda k, x: x.max(axis=0) @ [1, 2, 3], lambda k, x: sum((i + 1) * max(x[0][i], x[1][i]) for i in range(3))),
    (
        lambda k, x: (k * x).min(axis=1).sum(),
        lambda k, x: sum(min(a * b for a, b in zip(k, r, strict=True)) for r in x),
    ),
    (lambda k, x: np.maximum(k, [2, -1, 3]).sum(), lambda k, x: sum(map(max, k, [2, -1, 3]))),
    (lambda k, x: np.minimum(4, k[0]) + np.abs(k[1]), lambda k, x: min(4, k[0]) + abs(k[1])),
    (lambda k, x: maximum(k[0], k[1], 0) - minimum(k[0], k[1]), lambda k, x: max(*k[:2], 0) - min(k[:2])),
    (lambda k, x: np.max(k) + np.min(x, axis=None), lambda k, x: max(k) + min(map(min, x))),
    (lambda k, x: np.array([1, 2, 3]) @ np.square(k), lambda k, x: sum((i + 1) * v * v for i, v in enumerate(k))),
]


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_python(number: int) -> None:
    stated, oracle = PYTHON[number]
    p = Problem("ends")
    p.minimize(stated(p.integer("k", 3, low=-4, high=4), p.binary("x", (2, 3))))
    agrees(p.to_module(), oracle)


def test_numbers_stay_numbers() -> None:
    assert maximum([1, 5], 3).tolist() == [3, 5]
    assert minimum(2, 1) == 1


def test_nothing_has_no_largest() -> None:
    with pytest.raises(CompileError, match="Q0236"):
        import_program(SourceFile("ends.qevo", f"{HEAD}minimize max(k[i] for i in 0..0)\n"), None)
    with pytest.raises(CompileError, match="Q0250"):
        maximum(Problem("one").binary("x", 2))

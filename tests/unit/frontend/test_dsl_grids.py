"""Index variables of product grids against plain loops: conditions on any axes, nested and dependent ranges."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from qevo_compiler.evaluator.reference import run_func
from qevo_compiler.frontend.load import import_source

N = 4
CONDITIONS = {
    "i != j": lambda t, i, j: i != j,
    "t != j": lambda t, i, j: t != j,
    "i == 2": lambda t, i, j: i == 2,
    "t + i < j": lambda t, i, j: t + i < j,
    "1 == 2": lambda t, i, j: False,
    "i > 5": lambda t, i, j: False,
    "(t + 1) % n != i and d[i, j] > 0.5": lambda t, i, j: (t + 1) % N != i and D[i, j] > 0.5,
}
D = np.random.default_rng(0).random((N, N))
X = np.random.default_rng(1).integers(0, 2, (N, N)).astype(float)


def objective(body: str) -> float:
    text = f"""program p
data n: int
data d: real[n, n]
var x: binary[n, n]
minimize {body}
"""
    main = import_source(text, data={"n": N, "d": D}).module.main
    values = run_func(main, variables={"x": X})
    (op,) = [op for op in main.ops if op.name == "problem.objective"]
    return float(values[op.x])


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_join_axes(condition: str) -> None:
    body = f"sum((d[i, j] + t) * x[t, i] * x[(t + 1) % n, j] for t in 0..n for i in 0..n for j in 0..n if {condition})"
    keep = CONDITIONS[condition]
    wanted = sum(
        (D[i, j] + t) * X[t, i] * X[(t + 1) % N, j] for t, i, j in product(range(N), repeat=3) if keep(t, i, j)
    )
    assert objective(body) == pytest.approx(wanted)


def test_dependent_and_nested_ranges() -> None:
    body = "sum(d[i, j] * x[t, j] for t in 1..n for i in {0, 2} for j in i..n)"
    wanted = sum(D[i, j] * X[t, j] for t in range(1, N) for i in (0, 2) for j in range(i, N))
    assert objective(body) == pytest.approx(wanted)
    body = "sum(sum(d[k, j] * x[i, k] for k in 0..n if k != j) ^ 2 for i in 0..n for j in 0..n if i != j)"
    wanted = sum(
        sum(D[k, j] * X[i, k] for k in range(N) if k != j) ** 2 for i, j in product(range(N), repeat=2) if i != j
    )
    assert objective(body) == pytest.approx(wanted)


def test_an_empty_range_reads_nothing() -> None:
    assert objective("sum(x) + sum(x[i, j + 9] for i in 0..0 for j in 0..n)") == X.sum()

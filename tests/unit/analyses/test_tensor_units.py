"""Units of tensors: every value that is taken is a multiple, and simple units are found."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler.analyses.granularity import common_unit
from qevo_compiler.analyses.tensor_units import tensor_units
from qevo_compiler.dialects import problem
from qevo_compiler.evaluator.reference import run_func
from qevo_compiler.frontend.dsl import import_program
from qevo_compiler.source import SourceFile

HEAD = "program unit\nvar x: binary[3]\nvar k: int[3] in [-1, 4]\nvar s: spin[3]\nvar r: real[3] in [0, 1] bits 2\n"
UNITS = {
    "sum(x) + 2 * sum(k)": 1.0,
    "sum(2 * x - 4 * s)": 2.0,
    "sum(0.5 * x) + 1.5": 0.5,
    "sum(k) / 4": 0.25,
    "sum(0.1 * x + 0.25 * k)": 0.05,
    "sum(3 * x * k)": 3.0,
    "sum(r)": 1 / 3,
    "sum((2 * k)^2)": 4.0,
    "max(6 * x[0], 9 * k[1])": 3.0,
    "abs(5 * k[0] - 10)": 5.0,
    "(k[0] == 2) + 0": 1.0,
    "sum(exp(x))": 0.0,
    "sum(3.141592653589793 * x + 2.718281828459045 * k)": 0.0,
}


@pytest.mark.parametrize("objective", UNITS)
def test_values_are_multiples_of_the_unit(objective: str) -> None:
    func = import_program(SourceFile("unit.qevo", f"{HEAD}minimize {objective}\n"), None).main
    units = tensor_units(func)
    assert units[func.only(problem.ObjectiveOp).x] == pytest.approx(UNITS[objective])
    rng = np.random.default_rng(0)
    for _ in range(20):
        point = {"x": rng.integers(0, 2, 3), "k": rng.integers(-1, 5, 3), "s": rng.choice([-1, 1], 3)}
        known = run_func(func, variables={**point, "r": rng.integers(0, 4, 3) / 3})
        for value, unit in units.items():
            if 0 < unit < np.inf:
                steps = known[value] / unit
                assert np.abs(steps - np.rint(steps)).max() < 1e-9
            elif unit:
                assert not known[value].any()


@pytest.mark.parametrize(
    ("values", "unit"),
    [([4, -6], 2), ([0.5, 0.75], 0.25), ([0, 0], np.inf), ([], np.inf), ([1 / 3, 1], 1 / 3), ([np.pi, 1], 0)],
)
def test_common_units(values: list[float], unit: float) -> None:
    assert common_unit(np.array(values, float)) == pytest.approx(unit)

"""Samples of programs with fitted functions are judged by the functions, also after writing and updating."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qevo_compiler.driver import compile
from qevo_compiler.loading import load
from qevo_compiler.program import CompiledProgram
from qevo_compiler.validation import validate

SOURCE = """program fitted
data a: real[3] = [0.5, -1, 2]
var r: real[2] in [-1, 2] bits 3
var k: int in [0, 9]
var op: choice {low, high}[2]
let gain = (op[0] == high) + 2 * (op[1] == high)
minimize sum(exp(r)) + a[0] * abs(k - 4) + a[1] * gain * r[0] + a[2] * tanh(r[1])
subject to
  cap: exp(r[0]) + 0.1 * k <= 3
  any[i]: r[i] + (op[i] == low) >= 0 for i in 0..2
"""


def function(values: dict[str, np.ndarray], a: tuple[float, float, float]) -> tuple[float, float]:
    """Objective and the residual of `cap` in plain numpy."""
    r, k, high = values["r"], values["k"], np.asarray(values["op"]) == "high"
    objective = np.exp(r).sum() + a[0] * abs(k - 4) + a[1] * (high[0] + 2 * high[1]) * r[0] + a[2] * np.tanh(r[1])
    return float(objective), float(np.exp(r[0]) + 0.1 * k - 3)


def check(program: CompiledProgram, a: tuple[float, float, float] = (0.5, -1, 2)) -> None:
    spins = np.random.default_rng(1).choice([-1, 1], (40, program.decoder.size))
    for solution in program.decoder.decode(np.concatenate([spins, spins[:5]])):
        objective, cap = function(dict(solution.values), a)
        assert solution.objective == pytest.approx(objective, abs=1e-12)
        assert solution.violations["cap"].tolist() == pytest.approx([cap], abs=1e-12)
        assert solution.feasible == (cap <= 0 and (solution.violations["any"] >= 0).all())
        assert sum(solution.energy_split.values()) == pytest.approx(solution.energy)


def test_solutions_are_those_of_the_functions(tmp_path: Path) -> None:
    program = compile(SOURCE)
    check(program)
    validate(program)
    program.write(tmp_path)
    check(load(tmp_path))


def test_updated_programs_are_judged_by_the_new_data() -> None:
    a = (1.5, -2, 1)
    updated = compile(SOURCE).update(SOURCE, {"a": np.array(a)})
    check(updated, a)
    check(updated.reweight(cap=3.0), a)


def test_exact_programs_keep_nothing_more() -> None:
    exact = SOURCE.replace("exp(r)", "r").replace("exp(r[0])", "r[0]").replace("tanh(r[1])", "r[1]").replace("9]", "4]")
    assert compile(exact).module.find("stated") is None
    assert compile(SOURCE).module.find("stated") is not None

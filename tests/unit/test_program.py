"""Compiled programs at a Python prompt: options that do not exist, samples that do not fit, and how things show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import qevo_compiler
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.driver import compile
from qevo_compiler.frontend.builder import Problem

SOURCE = "program p\nvar x: binary[3]\nminimize sum(x) - 2 * x[0] * x[1]\nsubject to\n  some: sum(x) >= 1\n"


@pytest.mark.parametrize(
    ("options", "named"),
    [({"level": 3}, "`level` cannot be `3`"), ({"penalties": "tun"}, "`penalties` cannot be `tun`")],
)
def test_options_that_do_not_exist_are_named(options: dict[str, Any], named: str) -> None:
    with pytest.raises(CompileError, match=f"Q0504: `compile`: {named}") as caught:
        compile(SOURCE, **options)
    assert "one of" in str(caught.value)


def test_a_sample_without_a_spin_is_refused_and_one_by_label_is_read() -> None:
    program = compile(SOURCE, level=0)
    labelled = dict.fromkeys(range(program.bqm.num_variables), 1)
    assert program.decode(labelled).values["x"].tolist() == [1, 1, 1]
    del labelled[1]
    with pytest.raises(CompileError, match=r"Q0637.*no value for spin 1"):
        program.decode(labelled)


@pytest.mark.parametrize("options", [{"reads": 2.5}, {"seed": 0.5}, {"sweeps": "many"}, {"reads": 0}, {"seed": -1}])
def test_counts_and_seeds_are_whole_numbers(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(CompileError, match=f"Q0855: `{name}` cannot be"):
        compile(SOURCE).run(**options)


def test_what_a_prompt_shows_fits_on_a_line() -> None:
    problem = Problem("large")
    x = problem.binary("x", (200, 50))
    c = problem.choice("c", labels=["left", "right"])
    problem.minimize(x.sum() + (c == "left"))
    row = x.sum(axis=1) >= 1
    problem.subject_to(row, name="some")
    program = compile(problem)
    solutions = program.decoder.decode(np.ones((3, program.decoder.size)))
    result = program.run(reads=5, sweeps=10)
    for shown in (problem, row, program, solutions, solutions[0], result, compile(SOURCE, target="qubo")):
        assert len(repr(shown)) < 700
        assert "\n" not in repr(shown)
    assert repr(problem) == "Problem('large', variables=['x', 'c'], constraints=['some'])"
    assert repr(row) == "Constraint(>=, shape=(200,))"
    assert repr(compile(SOURCE, level=0).run().best).startswith("Solution(objective=0, feasible=True, x=[1, 1, 0])")


def test_public_names_complete_at_a_prompt() -> None:
    assert {"compile", "load", "Problem", "CompiledProgram", "CompileError"} <= set(dir(qevo_compiler))

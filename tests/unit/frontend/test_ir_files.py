"""Texts of modules that were edited: what no single op can see is found before any pass runs."""

from __future__ import annotations

import pytest

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.ir import InvalidModule
from qevo_compiler.driver import lower_linear
from qevo_compiler.frontend.ir_files import read_module
from qevo_compiler.frontend.load import import_source
from qevo_compiler.ir import print_module
from qevo_compiler.passes import Pipeline
from qevo_compiler.source import SourceFile

PROGRAM = "program p\nvar x: binary[3]\nvar k: choice {a, b, c}[2]\nminimize x[0] * x[2] - (k[1] == c)\n"
STAGES = ("fold-constants,expand-polynomials", "fold-constants,expand-polynomials,encode-variables")


def text_after(pipeline: str) -> str:
    return print_module(Pipeline.parse(pipeline).run(import_source(PROGRAM).module))


def refused(text: str) -> str:
    with pytest.raises(CompileError) as error:
        read_module(SourceFile("p.qir", text))
    (found,) = error.value.diagnostics
    assert isinstance(found, InvalidModule)
    return found.reason


@pytest.mark.parametrize("pipeline", STAGES)
def test_whole_texts_are_read(pipeline: str) -> None:
    text = text_after(pipeline)
    assert print_module(read_module(SourceFile("p.qir", text))) == text


def test_parameters_count_as_variables() -> None:
    training = "train sgd(rate = 0.1, steps = 2)\nlinearize carleman(order = 1)\n"
    source = f"program p\nparam x: real = 0.5\nminimize x^2\n{training}"
    text = print_module(lower_linear(source))
    assert print_module(read_module(SourceFile("p.qir", text))) == text


@pytest.mark.parametrize("pipeline", STAGES)
@pytest.mark.parametrize("kind", ["problem.variable", "ising.register"])
def test_polynomials_over_missing_variables(pipeline: str, kind: str) -> None:
    lines = text_after(pipeline).split("\n")
    at = next((k for k, line in enumerate(lines) if f"{kind}()" in line), None)
    if at is None:
        pytest.skip("the stage has no such op")
    text = "\n".join(lines[:at] + lines[at + 1 :])
    assert "beyond the" in refused(text)


def test_a_module_without_main() -> None:
    assert "no func @main" in refused(text_after(STAGES[0]).replace("@main", "@other"))

"""One factor brings fields and couplings into range; the ledger says which and at what precision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevo_compiler.diagnostics import CompileError, Diagnostic
from qevo_compiler.dialects.ising import ModelOp
from qevo_compiler.ir import Array, Builder, Module
from qevo_compiler.passes import Context
from qevo_compiler.passes.scale_coefficients import ScaleCoefficients


def module_of(fields: list[float], coupling: float) -> Module:
    builder = Builder()
    builder.append(ModelOp(1.0, Array(np.array(fields)), Array([0]), Array([1]), Array(np.array([coupling]))))
    return Module("m", (builder.finish(),))


def test_the_pair_of_the_passs_documentation() -> None:
    module = ScaleCoefficients(max_coupling=1.0).run(module_of([2.0, 1.0], 4.0))
    model = module.main.only(ModelOp)
    assert model.fields.values.tolist() == [0.5, 0.25]
    assert (model.couplings.values.tolist(), model.scale, model.offset) == ([1.0], 0.25, 0.25)
    assert {entry.quantity: entry.value for entry in module.ledger} == {
        "bits of precision needed": 2.0,
        "scale factor": 0.25,
    }


def test_without_limits_only_the_ledger_says_what_precision_is_needed() -> None:
    module = module_of([2.0, 1.0], 4.0)
    result = ScaleCoefficients().run(module)
    assert result.main is module.main
    assert {entry.quantity: entry.value for entry in result.ledger} == {
        "bits of precision needed": 2,
        "scale factor": 1,
    }
    assert ScaleCoefficients().run(result) is result


def test_a_model_that_fits_is_not_enlarged() -> None:
    module = module_of([0.1, 0.1], 0.1)
    result = ScaleCoefficients(max_field=4.0, max_coupling=1.0).run(module)
    assert result.main is module.main


@given(st.floats(0.1, 1e6), st.floats(0.1, 1e6), st.floats(0.01, 10), st.floats(0.01, 10))
def test_limits_hold_and_a_second_run_changes_nothing(h: float, j: float, max_h: float, max_j: float) -> None:
    step = ScaleCoefficients(max_field=max_h, max_coupling=max_j)
    once = step.run(module_of([h, -h / 3], -j))
    model = once.main.only(ModelOp)
    assert np.abs(model.fields.values).max() <= max_h
    assert np.abs(model.couplings.values).max() <= max_j
    assert step.run(once).main is once.main


def test_too_little_precision_is_a_warning() -> None:
    warned: list[Diagnostic] = []
    ScaleCoefficients(bits=5).run(module_of([1.0, 1.0], 100.0), Context(warn=warned.append))
    assert [d.code for d in warned] == ["Q0662"]
    assert "6.6 bits" in warned[0].message
    warned.clear()
    ScaleCoefficients(bits=7).run(module_of([1.0, 1.0], 100.0), Context(warn=warned.append))
    assert not warned


@pytest.mark.parametrize("options", [{"max_field": 0.0}, {"max_coupling": -1.0}, {"bits": 0}, {"max_field": np.inf}])
def test_bad_limits(options: dict[str, float]) -> None:
    with pytest.raises(CompileError, match="Q0663"):
        ScaleCoefficients(**options).run(module_of([1.0, 1.0], 1.0))

"""Rounding costs what the ledger says and no more, and a model that fits the control stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ising_support import all_spins

from qevo_compiler.decode.decoder import model_energies
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects.ising import ModelOp
from qevo_compiler.driver import compile
from qevo_compiler.ir import Array, Builder, Evidence, LedgerEntry, Module
from qevo_compiler.passes.quantities import ENERGY_ERROR
from qevo_compiler.passes.round_coefficients import EXCESS, RoundCoefficients
from qevo_compiler.validation import validate

SMALL = """program small
var x: binary[4]
minimize 7 * x[0] - 3 * x[1] * x[2] + 0.01 * x[3]
subject to
  one: sum(x) == 1
"""


def module_of(fields: list[float], couplings: list[float], *ledger: LedgerEntry) -> Module:
    size = len(fields)
    rows, columns = (ends[: len(couplings)].astype(np.int32) for ends in np.triu_indices(size, 1))
    builder = Builder()
    builder.append(
        ModelOp(0.5, Array(np.array(fields)), Array(rows), Array(columns), Array(np.array(couplings, np.float64)))
    )
    return Module("m", (builder.finish(),), ledger)


def entry(module: Module, quantity: str = ENERGY_ERROR) -> LedgerEntry:
    return next(e for e in module.ledger if e.quantity == quantity)


def energies(module: Module) -> np.ndarray:
    model = module.main.only(ModelOp)
    return model_energies(model, all_spins(model.size))


def test_the_pair_of_the_passs_documentation() -> None:
    result = RoundCoefficients(bits=2).run(module_of([1.0, 0.3], [-0.1]))
    model = result.main.only(ModelOp)
    assert model.fields.values.tolist() == pytest.approx([0.9, 0.3])
    assert (model.couplings.size, model.rows.size, model.columns.size) == (0, 0, 0)
    assert entry(result).value == pytest.approx(0.2)
    assert entry(result).kind is Evidence.PROVED


def test_without_bits_nothing_happens() -> None:
    module = module_of([1.0, 0.3], [-0.1])
    assert RoundCoefficients().run(module) is module


def test_whole_numbers_that_fit_are_kept() -> None:
    module = module_of([3.0, -7.0, 5.0], [1.0, 2.0, -31.0])
    assert RoundCoefficients(bits=5).run(module) is module


coefficients = st.one_of(st.integers(-60, 60).map(float), st.floats(-5, 5).map(lambda v: round(v, 3)))


@given(
    st.lists(coefficients, min_size=4, max_size=4), st.lists(coefficients, min_size=6, max_size=6), st.integers(1, 9)
)
def test_no_energy_changes_by_more_than_the_ledger_says(h: list[float], j: list[float], bits: int) -> None:
    module = module_of(h, [value or 1.0 for value in j])
    result = RoundCoefficients(bits=bits).run(module)
    assert RoundCoefficients(bits=bits).run(result) is result
    if result is module:
        return
    before, after = energies(module), energies(result)
    bound = entry(result)
    assert np.abs(before - after).max() <= bound.value * (1 + 1e-12) + 1e-12
    excess = entry(result, EXCESS).value
    lowest = after <= after.min() + 1e-9
    assert (before - before.min())[lowest].max() <= excess + 1e-7
    sizes = np.abs(np.concatenate(model_values(result)))
    assert sizes.max() <= 2**bits * sizes[sizes > 0].min() * (1 + 1e-9)


def model_values(module: Module) -> tuple[np.ndarray, np.ndarray]:
    model = module.main.only(ModelOp)
    return model.fields.values, model.couplings.values


def test_small_models_are_enumerated_and_large_ones_bounded() -> None:
    kept = RoundCoefficients(bits=3).run(module_of([1.0, 0.3, -0.02], [-0.5]))
    assert entry(kept, EXCESS).value == pytest.approx(0.04)
    assert "may change" in entry(kept, EXCESS).note
    kept = RoundCoefficients(bits=3).run(module_of([1.0, 0.3, -0.26], [-0.5]))
    assert entry(kept, EXCESS).value == 0
    assert "lowest states still" in entry(kept, EXCESS).note
    many = RoundCoefficients(bits=3).run(module_of([8.0, *[1.0] * 19, 0.7], []))
    # The unit is 0.1 and the step 1: a rounding of 0.3 may cost 0.6, three steps between energies.
    assert entry(many, ENERGY_ERROR).value == pytest.approx(0.3)
    assert entry(many, EXCESS).value == pytest.approx(0.6)


def test_roundings_below_the_unit_keep_the_lowest_states_of_large_models() -> None:
    fields = [*np.linspace(1, 2**21, 18), 3.0]
    result = RoundCoefficients(bits=30).run(module_of([round(f) / 3 for f in fields], []))
    assert entry(result, EXCESS).value == 0


def test_the_penalty_gap_shrinks_by_twice_the_error() -> None:
    gap = LedgerEntry("penalize-constraints", "penalty gap", 0.5, Evidence.PROVED)
    result = RoundCoefficients(bits=2).run(module_of([1.0, 0.3], [-0.1], gap))
    left = entry(result, "penalty gap after rounding")
    assert left.value == pytest.approx(0.5 - 2 * 0.2)
    assert left.kind is Evidence.PROVED
    assert "still lie above" in left.note


def test_a_rounded_program_validates_and_splits_its_energy() -> None:
    program = compile(SMALL, passes={"round-coefficients": {"bits": 3}})
    assert entry(program.module).value > 0
    validate(program)
    best = program.run(reads=5, seed=1).best
    assert "rounding" in best.energy_split
    assert sum(best.energy_split.values()) == pytest.approx(best.energy)


@pytest.mark.parametrize("bits", [0, -1, 53])
def test_bits_out_of_range_are_refused(bits: int) -> None:
    with pytest.raises(CompileError):
        RoundCoefficients(bits=bits).run(module_of([1.0], []))

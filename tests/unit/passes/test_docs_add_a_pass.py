"""The pass of docs/add-a-pass.md, as it stands there: its pair, its second run, its energies and its ledger."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from quantum_support import energies, program, spin_model

from qevo_compiler.dialects import ising
from qevo_compiler.ir import verify
from qevo_compiler.passes.quantities import ENERGY_ERROR

PAGE = Path(__file__).parents[3] / "docs" / "add-a-pass.md"


@pytest.fixture
def drop_weak_couplings(monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    module = ModuleType("drop_weak_couplings")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, str(PAGE), "exec"), vars(module))
    return module.DropWeakCouplings


def test_the_pair_of_the_page(drop_weak_couplings):
    before = program(spin_model([1.0, 0.0, 0.0], {(0, 1): 1.0, (0, 2): 2e-9}))
    after = drop_weak_couplings().run(before)
    verify(after)
    assert after.main == program(spin_model([1.0, 0.0, 0.0], {(0, 1): 1.0})).main
    assert [(entry.quantity, entry.value) for entry in after.ledger] == [(ENERGY_ERROR, 2e-9)]
    assert drop_weak_couplings().run(after) is after


def test_no_energy_moves_by_more_than_the_ledger_says(drop_weak_couplings):
    rng = np.random.default_rng(0)
    pairs = {(i, j): rng.normal() for i in range(5) for j in range(i + 1, 5)}
    before = program(spin_model(rng.normal(size=5), pairs))
    after = drop_weak_couplings(relative=0.3).run(before)
    moved = [energies(module.main.only(ising.ModelOp)) for module in (before, after)]
    assert 0 < np.abs(moved[1] - moved[0]).max() <= after.ledger[0].value + 1e-12

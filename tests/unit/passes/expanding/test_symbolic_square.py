"""Squares that stay symbolic give the bytes of squares that are written out, and are not formed on the way."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.poly import pair_arrays
from qevo_compiler.dialects.poly.algebra import Algebra
from qevo_compiler.dialects.poly.expansion import Expansion, Part
from qevo_compiler.dialects.poly.pair_arrays import PairNames, PairProducts
from qevo_compiler.frontend.load import import_source
from qevo_compiler.ir import Module, print_module
from qevo_compiler.passes.expanding.affine_square import affine_form, symbolic_square
from qevo_compiler.passes.pipeline import Pipeline
from qevo_compiler.passes.pipelines import pipeline_text

COUNT = 40
DATA = {"a": np.linspace(-1.7, 2.3, COUNT), "w": np.arange(3, 3 + COUNT)}
HEAD = f"program p\ndata a: real[{COUNT}]\ndata w: int[{COUNT}]\n"
SUM = f"sum(a[i] * x[i] for i in 0..{COUNT})"
WHOLE = f"sum(w[i] * x[i] for i in 0..{COUNT})"
BITS, SPINS = f"var x: binary[{COUNT}]\n", f"var x: spin[{COUNT}]\n"
PROGRAMS = {
    "partition": f"{BITS}minimize ({WHOLE} - 400)^2\n",
    "halves": f"{BITS}minimize ({WHOLE} - 450)^2\n",
    "pinned": f"{BITS}minimize ({WHOLE} + 2000 * x[3] - 5000 * x[7] - 900)^2\n",
    "spins": f"{SPINS}minimize ({SUM} - 1.3)^2\n",
    "scaled": f"{BITS}maximize -0.3 * ({SUM} - 1.3)^2\n",
    "beside": f"{BITS}var y: binary[4]\nminimize ({SUM} - 1.3)^2 + sum(y)\n",
    "summed": f"{BITS}minimize sum(({SUM} - 1.3)^2 for k in 0..1) * 3\n",
    "quartic": "var x: binary[9]\nminimize (sum(x[i] * x[j] for i in 0..9 for j in 0..9) - 7)^2\n",
    "twice": f"{BITS}minimize ({SUM} - 1.3)^2 + ({WHOLE} - 70)^2\n",
    "integers": f"var x: int[{COUNT}] in [0, 2]\nminimize ({SUM} - 1.3)^2\n",
    "choices": "var c: choice {r, g, b}[6]\n"
    "minimize (sum(a[i] * (c[i] == r) + a[i + 1] * (c[i] == g) for i in 0..6) - 1)^2\n",
    "inequality": f"{BITS}subject to\n  fits: {WHOLE} <= 400\n",
    "valued": f"{BITS}maximize {SUM}\nsubject to\n  fits: {WHOLE} <= 400\n",
    "equation": f"{BITS}minimize {SUM}\nsubject to\n  fits: {WHOLE} == 400\n",
    "soft": f"{BITS}maximize {SUM}\nsubject to\n  fits: {WHOLE} <= 400 weight 2.3\n  few: sum(x) <= 9\n",
    "both": f"{BITS}minimize ({SUM} - 1.3)^2\nsubject to\n  fits: {WHOLE} <= 400\n",
}


def compiled(name: str, target: str, worth: int, monkeypatch: pytest.MonkeyPatch) -> Module:
    monkeypatch.setattr(pair_arrays, "WORTH", worth)
    module = import_source(HEAD + PROGRAMS[name], data=DATA).module
    return Pipeline.parse(pipeline_text("problem", target)).run(module)


@pytest.mark.parametrize("target", ["spin", "qubo"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_emitted_bytes_do_not_depend_on_it(name: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    symbolic = print_module(compiled(name, target, 1, monkeypatch))
    assert symbolic == print_module(compiled(name, target, 1 << 60, monkeypatch))


@pytest.mark.parametrize("name", ["partition", "spins", "scaled", "inequality", "equation"])
def test_nothing_is_formed_before_couplings_are_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_arrays, "WORTH", 1)
    text = pipeline_text("problem", "qubo").partition("quadratize")[0].rstrip(",").replace(",presolve", "")
    module = Pipeline.parse(text).run(import_source(HEAD + PROGRAMS[name], data=DATA).module)
    block = module.main.only(poly.ObjectiveOp).polynomial.terms[-1]
    assert isinstance(block.variables, PairNames)
    assert isinstance(block.coefficients, PairProducts)
    rules = (block.variables, block.coefficients)
    assert not any(rule.formed for rule in rules)
    assert not any(block.row.values.strides)
    module = Pipeline.parse("quadratize").run(module)
    model = module.main.first(ising.QuboOp) or module.main.only(ising.ModelOp)
    values = model.quadratic if isinstance(model, ising.QuboOp) else model.couplings
    assert not any(rule.formed for rule in rules)
    assert values == block.coefficients
    assert np.array_equal(np.stack([model.rows, model.columns], axis=1), block.variables)


@given(
    st.lists(st.integers(-5, 5).filter(bool), min_size=2, max_size=9),
    st.integers(-3, 3),
    st.sampled_from([1.0, -0.3, 8.0]),
    st.booleans(),
)
def test_it_is_the_general_square(weights: list[int], constant: int, factor: float, spins: bool) -> None:
    count = len(weights)
    flags = np.ones(count, bool)
    algebra = Algebra(flags & (not spins), flags & spins, np.full(count, -1, np.int32))
    parts = [Part(np.zeros(count, np.int32), np.arange(count, dtype=np.int32)[:, None], np.array(weights, float))]
    parts += [Part(np.zeros(1, np.int32), np.zeros((1, 0), np.int32), np.array([float(constant)]))]
    x = algebra.merged(Expansion(1, tuple(parts)))
    form = affine_form(x, algebra)
    assert form is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_arrays, "WORTH", 1)
        found = symbolic_square(form, factor)
    expected = algebra.polynomials(algebra.square(x))
    assert found is not None
    assert [b.variables for b in found.terms] == [b.variables for b in expected.terms]
    for block, other in zip(found.terms, expected.terms, strict=True):
        np.testing.assert_array_equal(block.coefficients.values, other.coefficients.values * factor)
        assert block.row == other.row


@pytest.mark.parametrize("options", ["", "{persistency=false,symmetry=false}"], ids=["reduced", "whole"])
def test_a_partition_takes_little_more_memory_than_its_couplings(options: str) -> None:
    count = 1500
    text = f"program p\ndata a: int[{count}]\nvar x: binary[{count}]\n"
    text += f"minimize (sum(a[i] * x[i] for i in 0..{count}) - 9000)^2\n"
    module = import_source(text, data={"a": np.arange(1, 1 + count) * 4}).module
    passes = Pipeline.parse(pipeline_text("problem", "qubo").replace("presolve", f"presolve{options}"))
    tracemalloc.start()
    try:
        model = passes.run(module).main.only(ising.QuboOp)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert model.quadratic.size == count * (count - 1) // 2
    assert peak < 1.4 * 16 * model.quadratic.size

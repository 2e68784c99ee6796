"""The IR's text: print, parse, print is the identity; damaged text is diagnosed."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import anneal, ising, nn, problem
from qevo_compiler.dialects.poly import Vartype
from qevo_compiler.ir import Array, Builder, Evidence, Func, LedgerEntry, Module, parse_module, print_module, verify
from qevo_compiler.source import SourceFile, Span


def reread(module: Module) -> Module:
    return parse_module(SourceFile("m.qir", print_module(module)))


def small_module() -> Module:
    builder = Builder()
    builder.span = Span("a.qevo", 2, 3, 2, 9)
    x = builder.add(problem.VariableOp("x", problem.Domain.BINARY, (3,)))
    w = builder.add(nn.ConstantOp(Array(np.array([1.0, -0.5, 1e-7])), "w"))
    total = builder.add(nn.SumOp(builder.add(nn.MulOp(x, w)), (0,)))
    builder.append(problem.ObjectiveOp(total, problem.Sense.MAXIMIZE))
    builder.append(anneal.SampleOp(reads=5))
    entry = LedgerEntry("a-pass", "grid step", 0.1, Evidence.PROVED, "x", 'says "so"')
    return Module("small", (builder.finish(total),), (entry,))


def spin_model(size: int, count: int, seed: int = 0) -> Module:
    rng = np.random.default_rng(seed)
    keys = np.unique(rng.integers(0, size * size, 2 * count))
    i, j = keys // size, keys % size
    upper = i < j
    rows, columns = i[upper][:count].astype(np.int32), j[upper][:count].astype(np.int32)
    model = ising.ModelOp(
        0.5, Array(rng.normal(size=size)), Array(rows), Array(columns), Array(rng.normal(size=len(rows)))
    )
    register = ising.RegisterOp("s", ising.Role.DECISION, Vartype.SPIN, 0, size)
    return Module("big", (Func("main", (), (register, model)),))


def test_round_trip_keeps_everything() -> None:
    module = small_module()
    again = reread(module)
    assert again == module
    assert [op.span for op in again.main.ops] == [op.span for op in module.main.ops]
    assert print_module(again) == print_module(module)


def test_spans_take_no_part_in_equality() -> None:
    module = small_module()
    bare = parse_module(SourceFile("m.qir", print_module(module).replace(' loc("a.qevo":2:3-2:9)', "")))
    assert bare == module
    assert all(op.span is None for op in bare.main.ops)


@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=2, max_side=30), elements=st.floats(allow_nan=True)))
def test_every_double_survives(values: np.ndarray) -> None:
    builder = Builder()
    builder.add(nn.ConstantOp(Array(values)))
    module = Module("m", (builder.finish(),))
    assert reread(module) == module


@pytest.mark.parametrize("values", [np.array([1.0, -np.nan]), np.array(-np.nan), np.array([-np.nan], np.float32)])
def test_all_nan_are_one(values: np.ndarray) -> None:
    assert Array(values) == Array(np.abs(values))
    assert hash(Array(values)) == hash(Array(np.abs(values)))
    assert Array(values).values.dtype == values.dtype


@given(st.text(), st.floats(allow_nan=False))
def test_any_text_and_number_survives_in_the_ledger(note: str, value: float) -> None:
    module = Module(note, (), (LedgerEntry("s", note, value, Evidence.MEASURED, note=note),))
    assert reread(module) == module


def test_empty_and_scalar_arrays() -> None:
    builder = Builder()
    for shape in ((), (0,), (0, 3), (1, 1)):
        builder.add(nn.ConstantOp(Array(np.zeros(shape))))
    module = Module("m", (builder.finish(),))
    assert reread(module) == module


def test_large_arrays_go_to_the_data_section_once() -> None:
    values = Array(np.arange(100.0))
    builder = Builder()
    builder.add(nn.ConstantOp(values))
    builder.add(nn.ConstantOp(Array(np.arange(100.0))))
    text = print_module(Module("m", (builder.finish(),)))
    assert text.count("\ndata #") == 1
    assert text.count(values.digest) == 3


def test_a_million_couplings_cost_no_object_each() -> None:
    count = 1_000_000
    before = sys.getallocatedblocks()
    module = spin_model(100_000, count)
    verify(module)
    text = print_module(module)
    again = parse_module(SourceFile("m.qir", text))
    made = sys.getallocatedblocks() - before
    assert again == module
    assert again.main.only(ising.ModelOp).couplings.size > 0.9 * count
    assert made < count / 100


@pytest.mark.parametrize("cut", [0.1, 0.35, 0.6, 0.8, 0.97])
def test_truncated_text_is_diagnosed(cut: float) -> None:
    text = print_module(spin_model(40, 60))
    with pytest.raises(CompileError) as caught:
        parse_module(SourceFile("m.qir", text[: int(len(text) * cut)]))
    assert caught.value.diagnostics[0].code in ("Q0401", "Q0402")


def test_changed_data_does_not_match_its_digest() -> None:
    text = print_module(spin_model(40, 60))
    at = text.index("\ndata #") + 60
    changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
    with pytest.raises(CompileError, match="Q0401"):
        parse_module(SourceFile("m.qir", changed))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("nn.mul", "nn.mull", "Q0402"),
        ("Sense.maximize", "Sense.maximise", "Q0402"),
        ("tensor{shape", "tenser{shape", "Q0402"),
        ("qir 1", "qir 2", "Q0401"),
        ("(%0, %1)", "(%0, %9)", "Q0401"),
        ("(%0, %1)", "(%0)", "Q0401"),
        ("shape = [3], lower", "shape = [4], lower", "Q0403"),
        ("{sense", "{cents", "Q0401"),
        ("module", "modul€", "Q0401"),
    ],
)
def test_wrong_text_is_diagnosed(old: str, new: str, code: str) -> None:
    text = print_module(small_module())
    assert old in text
    with pytest.raises(CompileError) as caught:
        parse_module(SourceFile("m.qir", text.replace(old, new, 1)))
    assert caught.value.diagnostics[0].code == code


@pytest.mark.parametrize(
    ("written", "broken", "expected"),
    [
        ("shape = [3]}", "shape = [1e999]}", "a list of whole numbers for `shape`"),
        ("shape = [3]}", "shape = 3}", "a list of whole numbers for `shape`"),
        ("f64<3>(", "i64<3>(", "whole numbers in this array"),
        ("f64<3>(", "f64<99999999999999999999>(", "numbers"),
        (":2:3-2:9", ":2.5:3-2:9", "a whole number"),
    ],
)
def test_values_of_another_kind_are_refused(written: str, broken: str, expected: str) -> None:
    builder = Builder()
    builder.span = Span("a.qevo", 2, 3, 2, 9)
    x = builder.add(problem.VariableOp("x", problem.Domain.BINARY, (3,)))
    w = builder.add(nn.ConstantOp(Array(np.array([0.5, 1.0, 2.0]))))
    builder.append(problem.ObjectiveOp(builder.add(nn.SumOp(builder.add(nn.MulOp(x, w)), (0,)))))
    text = print_module(Module("m", (builder.finish(),)))
    assert written in text
    with pytest.raises(CompileError) as caught:
        parse_module(SourceFile("m.qir", text.replace(written, broken, 1)))
    (found,) = caught.value.diagnostics
    assert found.code == "Q0401"
    assert expected in found.fill(found.label)

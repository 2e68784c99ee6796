"""Arrays, ops, modules, rewriting and verification."""

import numpy as np
import pytest

from qevo_compiler.dialects import ising, nn
from qevo_compiler.ir import (
    Array,
    Builder,
    Evidence,
    Func,
    Invalid,
    LedgerEntry,
    Module,
    Op,
    Value,
    remove_dead,
    rewrite,
    signature,
    verify,
)
from qevo_compiler.ir.attributes import TensorType


def constant(*values: float) -> nn.ConstantOp:
    return nn.ConstantOp(Array(np.array(values, np.float64)))


def test_arrays_compare_by_content_and_are_read_only() -> None:
    one, two = Array(np.arange(3.0)), Array(np.arange(3.0))
    assert one == two
    assert hash(one) == hash(two)
    assert one != Array(np.arange(3))
    assert one != Array(np.arange(3.0).reshape(1, 3))
    with pytest.raises(ValueError, match="read-only"):
        one.values[0] = 1


def test_arrays_tell_zeros_apart_and_nan_equals_itself() -> None:
    assert Array(np.array([0.0])) != Array(np.array([-0.0]))
    assert Array(np.array([np.nan])) == Array(np.array([np.nan]))


def test_layout_may_be_kept_and_is_no_part_of_the_content() -> None:
    rows = np.arange(12, dtype=np.int32).reshape(4, 3)
    columns = np.asfortranarray(rows)
    plain, sideways = Array(rows), Array(columns, keep_layout=True)
    assert np.shares_memory(sideways.values, columns)
    assert plain == sideways
    assert hash(plain) == hash(sideways)
    repeated = Array(np.broadcast_to(np.float64(2.5), (1000,)), keep_layout=True)
    assert repeated.values.strides == (0,)
    assert repeated == Array(np.full(1000, 2.5))
    assert repeated.digest == Array(np.full(1000, 2.5)).digest
    assert Array(rows[::2], keep_layout=True).values.flags.c_contiguous
    for given in (columns, np.broadcast_to(np.float64(2.5), (1000,))):
        assert Array(given).values.flags.c_contiguous


def test_booleans_and_small_integers_get_a_storage_type() -> None:
    assert Array(np.array([True])).dtype_name == "u8"
    assert Array(np.array([1], np.int16)).dtype_name == "i64"
    with pytest.raises(TypeError):
        Array(np.array(["a"]))


def test_signature_tells_operands_from_attributes() -> None:
    linear = signature(nn.LinearOp)
    assert linear.operands == ("x", "weight", "bias")
    assert signature(nn.ConcatOp).variadic
    assert signature(nn.SumOp).attributes == ("axes",)


def test_building_the_same_thing_twice_gives_equal_funcs() -> None:
    def build() -> Func:
        builder = Builder()
        x = builder.add(constant(1, 2))
        return builder.finish(builder.add(nn.AddOp(x, x)))

    assert build() == build()


def test_rewrite_returns_the_same_object_when_nothing_changes() -> None:
    builder = Builder()
    x = builder.add(constant(1, 2))
    func = builder.finish(builder.add(nn.NegOp(x)))
    assert rewrite(func, lambda op, b: None) is func


def test_rewrite_replaces_and_renumbers() -> None:
    builder = Builder()
    x = builder.add(constant(1, 2))
    func = builder.finish(builder.add(nn.NegOp(builder.add(nn.NegOp(x)))))

    def two_steps(op: Op, b: Builder) -> tuple[Value, ...] | None:
        if isinstance(op, nn.NegOp):
            minus_one = b.add(constant(-1, -1))
            return (b.add(nn.MulOp(op.x, minus_one)),)
        return None

    result = rewrite(func, two_steps)
    verify(Module("m", (result,)))
    assert [op.name for op in result.ops] == ["nn.constant", "nn.constant", "nn.mul", "nn.constant", "nn.mul"]
    assert result.returns[0].index == 4


def test_dead_code_goes_and_declarations_stay() -> None:
    builder = Builder()
    builder.add(constant(1))
    builder.add(nn.ParameterOp("w", Array(np.zeros(2))))
    kept = builder.add(constant(2))
    func = remove_dead(builder.finish(kept))
    assert [op.name for op in func.ops] == ["nn.parameter", "nn.constant"]
    assert remove_dead(func) is func


def test_verify_names_the_op() -> None:
    scalar = Value(0, TensorType(()))
    func = Func("main", (), (nn.NegOp(scalar, results=(Value(1, TensorType(())),)),))
    with pytest.raises(Invalid, match=r"@main: nn.neg uses %0 before"):
        verify(Module("m", (func,)))


def test_verify_checks_inferred_types() -> None:
    op = nn.ConstantOp(Array(np.zeros(2)), results=(Value(0, TensorType((3,))),))
    with pytest.raises(Invalid, match="result types"):
        verify(Module("m", (Func("main", (), (op,)),)))


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [([1], [1], "diagonal"), ([2], [1], "upper"), ([0, 0], [1, 1], "repeat"), ([0], [5], "missing variable")],
)
def test_bad_couplings_are_named(rows: list[int], columns: list[int], message: str) -> None:
    values = Array(np.ones(len(rows)))
    model = ising.ModelOp(
        0.0, Array(np.zeros(3)), Array(np.array(rows, np.int32)), Array(np.array(columns, np.int32)), values
    )
    with pytest.raises(Invalid, match=message):
        verify(Module("m", (Func("main", (), (model,)),)))


def test_ledger_entries_are_recorded_once() -> None:
    entry = LedgerEntry("a", "b", 1.0, Evidence.PROVED)
    module = Module("m").record(entry)
    assert module.record(entry) is module


def test_with_func_replaces_by_name() -> None:
    module = Module("m", (Func("main"), Func("problem")))
    assert module.with_func(module.main) is module
    builder = Builder("problem")
    builder.add(constant(1))
    assert [f.name for f in module.with_func(builder.finish())] == ["main", "problem"]


def test_an_op_does_nothing_after_its_fields_are_set() -> None:
    """Ops are copied field by field, which would pass it by."""
    with pytest.raises(TypeError, match="__post_init__"):

        class Busy(Op):
            def __post_init__(self) -> None: ...

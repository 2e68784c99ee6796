"""Every kind of instruction that a kernel can hold does what numpy does."""

from __future__ import annotations

import operator
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevo_compiler.evaluator.llvm import (
    Kernel,
    Operand,
    Scalar,
    Vector,
    compiled,
    f32,
    f64,
    i1,
    i8,
    i16,
    i32,
    i64,
    ptr,
    vec,
)

DTYPES = {i8: np.int8, i16: np.int16, i32: np.int32, i64: np.int64, f32: np.float32, f64: np.float64}
ARITHMETIC = [operator.add, operator.sub, operator.mul]
INTEGER = [operator.and_, operator.or_, operator.xor]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge]


def mapped(
    name: str, element: Scalar, lanes: int, result: Scalar, write: Callable[[Operand, Operand], Operand]
) -> Kernel:
    """z[i] = write(x[i], y[i]) with `lanes` at a time and the rest one by one."""
    k = Kernel(name, n=i64, x=ptr, y=ptr, z=ptr)
    whole = k.n - k.n % lanes
    for start, stop, width in ((0, whole, lanes), (whole, k.n, 1)):
        with k.range(start, stop, width) as i:
            out = write(k.load(vec(element, width), k.x, i), k.load(vec(element, width), k.y, i))
            k.store(out.unsigned(result) if out.type.element is i1 else out, k.z, i)
    return k


def run(kernel: Kernel, x: np.ndarray, y: np.ndarray, dtype: type) -> np.ndarray:
    z = np.zeros(len(x), dtype)
    compiled(kernel)(len(x), x, y, z)
    return z


@pytest.mark.parametrize("lanes", [1, 4, 16])
@pytest.mark.parametrize("element", [i8, i32, i64, f32, f64])
@pytest.mark.parametrize("word", [f.__name__ for f in ARITHMETIC + COMPARISONS])
def test_operators_are_numpys(word: str, element: Scalar, lanes: int) -> None:
    function = getattr(operator, word)
    rng = np.random.default_rng(0)
    x, y = (rng.integers(-100, 100, 37).astype(DTYPES[element]) for _ in range(2))
    result = i8 if function in COMPARISONS else element
    found = run(mapped(f"t_{word}", element, lanes, result, function), x, y, DTYPES[result])
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(found, function(x, y).astype(DTYPES[result]))


@pytest.mark.parametrize("function", INTEGER)
def test_bitwise_operators(function: Callable[[Operand, Operand], Operand]) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.integers(-(2**62), 2**62, (2, 21))
    np.testing.assert_array_equal(run(mapped("bits", i64, 4, i64, function), x, y, np.int64), function(x, y))


def test_quotient_and_remainder_round_towards_zero() -> None:
    x = np.array([7, -7, 7, -7, 0], np.int64)
    y = np.array([2, 2, -2, -2, 5], np.int64)
    assert run(mapped("quotient", i64, 2, i64, operator.floordiv), x, y, np.int64).tolist() == [3, -3, -3, 3, 0]
    assert run(mapped("remainder", i64, 2, i64, operator.mod), x, y, np.int64).tolist() == [1, -1, 1, -1, 0]


@pytest.mark.parametrize("lanes", [1, 8])
def test_shifts(lanes: int) -> None:
    x = np.arange(-8, 9, dtype=np.int32)
    y = np.full(17, 1, np.int32)
    run_one = lambda write: run(mapped("shift", i32, lanes, i32, write), x, y, np.int32)  # noqa: E731
    np.testing.assert_array_equal(run_one(lambda a, b: a << b), x << 1)
    np.testing.assert_array_equal(run_one(lambda a, b: a >> b), x >> 1)
    np.testing.assert_array_equal(run_one(lambda a, b: a.shift_right(b)), (x.view(np.uint32) >> 1).view(np.int32))


@pytest.mark.parametrize(
    ("source", "target"), [(i32, f64), (f64, i32), (f32, f64), (f64, f32), (i8, i32), (i64, i16), (i32, i64)]
)
@pytest.mark.parametrize("lanes", [1, 8])
def test_conversions(source: Scalar, target: Scalar, lanes: int) -> None:
    x = np.array([-100.75, -2.5, -1, 0, 1, 2.5, 99.25, 127, 3, 5]).astype(DTYPES[source])
    found = run(mapped("convert", source, lanes, target, lambda a, b: a.to(target)), x, x, DTYPES[target])
    np.testing.assert_array_equal(found, x.astype(DTYPES[target]))


def test_unsigned_reading() -> None:
    x = np.array([-1, 1, -128], np.int8)
    assert run(mapped("widen", i8, 1, i32, lambda a, b: a.unsigned(i32)), x, x, np.int32).tolist() == [255, 1, 128]
    assert run(mapped("below", i8, 1, i8, lambda a, b: a.below(b)), x, x[::-1].copy(), np.int8).tolist() == [0, 0, 1]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_functions_of_floats(numbers: list[float]) -> None:
    x = np.array(numbers)
    y = np.roll(x, 1)
    for lanes in (1, 4):
        smaller = run(mapped("least", f64, lanes, f64, lambda a, b: a.kernel.minimum(a, b)), x, y, np.float64)
        np.testing.assert_array_equal(smaller, np.minimum(x, y))
        down = run(mapped("down", f64, lanes, f64, lambda a, b: a.kernel.floor(a)), x, y, np.float64)
        np.testing.assert_array_equal(down, np.floor(x))
        near = run(mapped("near", f64, lanes, f64, lambda a, b: a.kernel.nearest(a)), x, y, np.float64)
        np.testing.assert_array_equal(near, np.rint(x))
        root = run(mapped("root", f64, lanes, f64, lambda a, b: a.kernel.sqrt(a.kernel.absolute(a))), x, y, np.float64)
        np.testing.assert_array_equal(root, np.sqrt(np.abs(x)))


def test_constants_are_exact() -> None:
    numbers = [0.1, 1 / 3, 1e-300, -0.0, 2.0**-149, 16777217.0]
    for element in (f32, f64):
        k = Kernel("constants", z=ptr)
        for i, number in enumerate(numbers):
            k.store(k.constant(element, number), k.z, i)
        z = np.zeros(len(numbers), DTYPES[element])
        compiled(k)(z)
        np.testing.assert_array_equal(z, np.array(numbers, DTYPES[element]))


def test_control_flow() -> None:
    """Collatz lengths: a loop with an exit in the middle, a branch with two sides, and a result."""
    k = Kernel("collatz", i64, start=i64)
    value, steps = k.variable(i64, k.start), k.variable(i64, 0)
    with k.repeat() as loop:
        loop.stop_if(value.get().equals(1))
        steps.add(1)
        with k.when((value.get() & 1).equals(0)) as branch:
            value.set(value.get() // 2)
            branch.otherwise()
            value.set(value.get() * 3 + 1)
    k.give(steps.get())
    assert [compiled(k)(n) for n in (1, 2, 3, 7, 27)] == [0, 1, 7, 16, 111]


@pytest.mark.parametrize("lanes", [2, 8])
def test_lanes(lanes: int) -> None:
    k = Kernel("lanes", f64, x=ptr, y=ptr)
    v = k.load(vec(f64, lanes), k.x)
    assert isinstance(v.type, Vector)
    k.store(k.shuffle(v, v, list(range(lanes))[::-1]), k.y)
    k.store(k.insert(v, 7.0, 1), k.y, lanes)
    k.store(k.gather(v.type, k.x, (k.lane_numbers(vec(i64, lanes)) * 2)), k.y, 2 * lanes)
    k.store(v.lane(lanes - 1), k.y, 3 * lanes)
    k.store(k.mask_bits(v > 1.5).to(f64), k.y, 3 * lanes + 1)
    k.give(k.sum_lanes(v))
    x, y = np.arange(2.0 * lanes), np.zeros(3 * lanes + 2)
    assert compiled(k)(x, y) == sum(range(lanes))
    expected = [*range(lanes)[::-1], 0, 7, *range(2, lanes), *range(0, 2 * lanes, 2), lanes - 1, 2**lanes - 4]
    assert y.tolist() == expected


def test_mismatched_types_are_refused_while_writing() -> None:
    k = Kernel("wrong", a=i32, b=i64, c=f64)
    with pytest.raises(TypeError, match="i32 and i64"):
        _ = k.a + k.b
    with pytest.raises(TypeError, match="sdiv"):
        _ = k.c // k.c
    with pytest.raises(ValueError, match="returns nothing"):
        _ = Kernel("empty", i64).text


def test_the_same_generator_writes_the_same_text() -> None:
    texts = {mapped("same", f64, 8, f64, operator.add).text for _ in range(3)}
    assert len(texts) == 1


def test_arrays_must_be_contiguous() -> None:
    with pytest.raises(ValueError, match="C-contiguous"):
        run(mapped("strided", f64, 8, f64, operator.add), np.zeros(8)[::2], np.zeros(4), np.float64)

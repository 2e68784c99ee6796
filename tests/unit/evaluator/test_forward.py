"""Batched Jacobian-vector products against finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn import Function
from qevo_compiler.evaluator.forward import batched_jvp
from qevo_compiler.evaluator.reference import run_func
from qevo_compiler.ir import Array, Builder, Func, Invalid, TensorType, Value

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3)) + 3.0
POSITIONS = Array(np.array([[0, 5, -1], [2, 2, 4]]))
OPS: dict[str, Callable[[Builder, Value, Value], Value]] = {
    "add": lambda b, x, y: b.add(nn.AddOp(x, y)),
    "sub": lambda b, x, y: b.add(nn.SubOp(x, y)),
    "mul": lambda b, x, y: b.add(nn.MulOp(x, y)),
    "div": lambda b, x, y: b.add(nn.DivOp(x, y)),
    "neg": lambda b, x, y: b.add(nn.NegOp(x)),
    "power 0": lambda b, x, y: b.add(nn.PowerOp(x, 0)),
    "power 3": lambda b, x, y: b.add(nn.PowerOp(x, 3)),
    "power -2": lambda b, x, y: b.add(nn.PowerOp(y, -2)),
    "polynomial": lambda b, x, y: b.add(nn.PolynomialOp(x, Array(np.array([2.0, -1.0, 0.5, 0.25])))),
    "log_softmax": lambda b, x, y: b.add(nn.LogSoftmaxOp(x, -1)),
    "matmul": lambda b, x, y: b.add(nn.MatmulOp(x, b.add(nn.TransposeOp(y, (1, 0))))),
    "batched matmul": lambda b, x, y: b.add(
        nn.MatmulOp(b.add(nn.ReshapeOp(x, (3, 1, 2))), b.add(nn.ReshapeOp(y, (3, 2, 1))))
    ),
    "sum": lambda b, x, y: b.add(nn.SumOp(x, (0, 1))),
    "broadcast": lambda b, x, y: b.add(nn.BroadcastOp(b.add(nn.ReshapeOp(x, (2, 1, 3))), (4, 2, 5, 3))),
    "transpose": lambda b, x, y: b.add(nn.TransposeOp(b.add(nn.ReshapeOp(x, (1, 2, 3))), (2, 0, 1))),
    "gather": lambda b, x, y: b.add(nn.GatherOp(x, POSITIONS)),
    "gather without padding": lambda b, x, y: b.add(nn.GatherOp(x, Array(np.array([4, 4, 1])))),
    "scatter_add": lambda b, x, y: b.add(nn.ScatterAddOp(x, POSITIONS, (2, 4))),
    "concat": lambda b, x, y: b.add(nn.ConcatOp((x, y, x), 1)),
}
for _function in Function:
    OPS[_function.value] = lambda b, x, y, function=_function: b.add(nn.ApplyOp(y, function))


def func_of(build: Callable[[Builder, Value, Value], Value]) -> Func:
    builder = Builder()
    values = [builder.add(nn.ParameterOp(symbol, Array(point))) for symbol, point in (("x", X), ("y", Y))]
    return builder.finish(build(builder, *values))


def difference(func: Func, tangents: dict[str, np.ndarray], step: float = 1e-5) -> np.ndarray:
    points = {"x": X, "y": Y}
    ends = [
        run_func(func, parameters={s: points[s] + sign * step * t for s, t in tangents.items()})[func.returns[0]]
        for sign in (1, -1)
    ]
    return (ends[0] - ends[1]) / (2 * step)


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("moved", ["x", "y", "xy"])
def test_every_op_matches_finite_differences(name: str, moved: str) -> None:
    func = func_of(OPS[name])
    tangents = {symbol: RNG.normal(size=(4, 2, 3)) for symbol in moved}
    (found,) = batched_jvp(func, tangents, func.returns)
    assert found.shape == (4, *func.returns[0].type.shape)
    for k in range(4):
        expected = difference(func, {symbol: tangent[k] for symbol, tangent in tangents.items()})
        np.testing.assert_allclose(found[k], expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["matmul", "batched matmul"])
def test_unit_directions_give_the_columns_of_the_jacobian(name: str) -> None:
    """Directions that move one element take a short cut; together with a dense one they do not."""
    func = func_of(OPS[name])
    units = np.eye(6).reshape(6, 2, 3)
    for symbol in "xy":
        (short,) = batched_jvp(func, {symbol: units}, func.returns)
        (long,) = batched_jvp(func, {symbol: np.concatenate([units, np.ones((1, 2, 3))])}, func.returns)
        np.testing.assert_allclose(short, long[:6], rtol=1e-14)
        np.testing.assert_allclose(short.sum(axis=0), long[6], rtol=1e-13)


def chain() -> Func:
    builder = Builder()
    x = builder.add(nn.ParameterOp("x", Array(X)))
    h = builder.add(nn.ApplyOp(builder.add(nn.MatmulOp(x, builder.add(nn.TransposeOp(x, (1, 0))))), Function.TANH))
    return builder.finish(h, builder.add(nn.SumOp(h, (0, 1))), x)


def test_chunks_do_not_change_the_result() -> None:
    func = chain()
    tangents = {"x": RNG.normal(size=(7, 2, 3))}
    whole = batched_jvp(func, tangents, func.returns)
    for memory in (1, 8 * 20 * 3):
        for found, expected in zip(batched_jvp(func, tangents, func.returns, memory=memory), whole, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-14)
    np.testing.assert_array_equal(whole[2], tangents["x"])


def test_arguments_and_variables_move_too() -> None:
    builder = Builder()
    z = builder.argument(TensorType((2,)))
    v = builder.add(problem.VariableOp("v", problem.Domain.SPIN, (2,)))
    func = builder.finish(builder.add(nn.MulOp(z, v)))
    point, sign = np.array([2.0, 3.0]), np.array([1.0, -1.0])
    (along_z,) = batched_jvp(func, {}, func.returns, [point], {"v": sign}, argument_tangents=[np.eye(2)])
    (along_v,) = batched_jvp(func, {"v": np.eye(2)}, func.returns, [point], {"v": sign})
    np.testing.assert_array_equal(along_z, np.diag(sign))
    np.testing.assert_array_equal(along_v, np.diag(point))


def test_outputs_that_do_not_move_are_zero() -> None:
    func = func_of(lambda b, x, y: b.add(nn.PowerOp(x, 2)))
    (found,) = batched_jvp(func, {"y": np.ones((5, 2, 3))}, func.returns)
    np.testing.assert_array_equal(found, np.zeros((5, 2, 3)))


def test_replaced_values_are_used() -> None:
    func = func_of(lambda b, x, y: b.add(nn.PowerOp(x, 2)))
    (found,) = batched_jvp(func, {"x": np.ones((1, 2, 3))}, func.returns, parameters={"x": 5.0 * np.ones((2, 3))})
    np.testing.assert_array_equal(found, np.full((1, 2, 3), 10.0))


def test_tangents_that_do_not_fit_are_refused() -> None:
    func = func_of(OPS["add"])
    with pytest.raises(Invalid, match="`w`"):
        batched_jvp(func, {"w": np.ones((1, 2, 3))}, func.returns)
    with pytest.raises(Invalid, match="leading axis"):
        batched_jvp(func, {"x": np.ones((2, 3))}, func.returns)
    with pytest.raises(Invalid, match="leading axis"):
        batched_jvp(func, {"x": np.ones((2, 2, 3)), "y": np.ones((1, 2, 3))}, func.returns)
    with pytest.raises(Invalid, match="arguments"):
        batched_jvp(func, {}, func.returns, argument_tangents=[np.ones((1, 2, 3))])


def test_a_layer_has_no_rule() -> None:
    builder = Builder()
    w = builder.add(nn.ParameterOp("w", Array(np.zeros((1, 2)))))
    func = builder.finish(builder.add(nn.LinearOp(builder.add(nn.ConstantOp(Array(np.ones((1, 2))))), w, None)))
    with pytest.raises(Invalid, match=r"nn\.linear"):
        batched_jvp(func, {"w": np.ones((1, 1, 2))}, func.returns)

"""The gradient in the IR against torch's autograd, finite differences and its own second derivative."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.model import NoDerivative, NoObjective, NothingToTrain
from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn import Function
from qevo_compiler.evaluator.reference import run_func
from qevo_compiler.ir import Array, Builder, Module, Value, parse_module, print_module, verify
from qevo_compiler.passes.gradient import differentiate
from qevo_compiler.passes.gradient_extraction import GradientExtraction, gradient_func
from qevo_compiler.source import SourceFile

torch = pytest.importorskip("torch")
from traced_networks import Twin, extended, network, parameter, weighted_sum  # noqa: E402

Body = Callable[[Builder, Value, Value], Value]
POSITIVE = {Function.LOG, Function.SQRT}


def module_of(build: Body, x: np.ndarray, y: np.ndarray) -> Module:
    builder = Builder()
    values = parameter(builder, "x", x), parameter(builder, "y", y)
    builder.append(problem.ObjectiveOp(weighted_sum(builder, build(builder, *values))))
    return Module("case", (builder.finish(),))


def gradients(module: Module) -> list[np.ndarray]:
    func = GradientExtraction().run(module).func("gradient")
    verify(Module("check", (func,)))
    known = run_func(func)
    return [known[value] for value in func.returns]


def torch_gradients(compute: Callable[..., torch.Tensor], *points: np.ndarray) -> list[np.ndarray]:
    tensors = [torch.tensor(point, dtype=torch.float64, requires_grad=True) for point in points]
    out = compute(*tensors)
    weights = torch.sin(torch.arange(1.0, 1.0 + out.numel(), dtype=torch.float64)).reshape(out.shape)
    value = (out * weights).sum()
    found = torch.autograd.grad(value, tensors, allow_unused=True)
    zeroed = [torch.zeros_like(t) if g is None else g for g, t in zip(found, tensors, strict=True)]
    return [value.detach().numpy(), *(g.numpy() for g in zeroed)]


def same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-12)


RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3)) + 3.0
POSITIONS = np.array([[0, 5, -1], [2, 2, 4]])
OPS: dict[str, tuple[Body, Callable[..., torch.Tensor]]] = {
    "add": (lambda b, x, y: b.add(nn.AddOp(x, y)), lambda x, y: x + y),
    "sub": (lambda b, x, y: b.add(nn.SubOp(x, y)), lambda x, y: x - y),
    "mul": (lambda b, x, y: b.add(nn.MulOp(x, y)), lambda x, y: x * y),
    "square by mul": (lambda b, x, y: b.add(nn.MulOp(x, x)), lambda x, y: x * x),
    "div": (lambda b, x, y: b.add(nn.DivOp(x, y)), lambda x, y: x / y),
    "neg": (lambda b, x, y: b.add(nn.NegOp(x)), lambda x, y: -x),
    "power 0": (lambda b, x, y: b.add(nn.PowerOp(y, 0)), lambda x, y: y**0),
    "power 1": (lambda b, x, y: b.add(nn.PowerOp(y, 1)), lambda x, y: y),
    "power 3": (lambda b, x, y: b.add(nn.PowerOp(x, 3)), lambda x, y: x**3),
    "power -2": (lambda b, x, y: b.add(nn.PowerOp(y, -2)), lambda x, y: y**-2),
    "polynomial": (
        lambda b, x, y: b.add(nn.PolynomialOp(x, Array(np.array([2.0, -1.0, 0.5, 0.25])))),
        lambda x, y: 2 - x + 0.5 * x**2 + 0.25 * x**3,
    ),
    "constant polynomial": (
        lambda b, x, y: b.add(nn.PolynomialOp(x, Array(np.array([2.0])))),
        lambda x, y: 0 * x + 2,
    ),
    "log_softmax": (lambda b, x, y: b.add(nn.LogSoftmaxOp(x, -1)), lambda x, y: x.log_softmax(-1)),
    "log_softmax first axis": (lambda b, x, y: b.add(nn.LogSoftmaxOp(x, 0)), lambda x, y: x.log_softmax(0)),
    "matmul": (
        lambda b, x, y: b.add(nn.MatmulOp(x, b.add(nn.TransposeOp(y, (1, 0))))),
        lambda x, y: x @ y.T,
    ),
    "batched matmul": (
        lambda b, x, y: b.add(
            nn.MatmulOp(b.add(nn.ReshapeOp(x, (3, 1, 2))), b.add(nn.ReshapeOp(y, (3, 2, 1)))),
        ),
        lambda x, y: x.reshape(3, 1, 2) @ y.reshape(3, 2, 1),
    ),
    "sum": (lambda b, x, y: b.add(nn.SumOp(x, (1,))), lambda x, y: x.sum(1)),
    "sum of all": (lambda b, x, y: b.add(nn.SumOp(x, (0, 1))), lambda x, y: x.sum()),
    "broadcast": (
        lambda b, x, y: b.add(nn.BroadcastOp(b.add(nn.ReshapeOp(x, (2, 1, 3))), (4, 2, 5, 3))),
        lambda x, y: x.reshape(2, 1, 3).expand(4, 2, 5, 3),
    ),
    "transpose": (
        lambda b, x, y: b.add(nn.TransposeOp(b.add(nn.ReshapeOp(x, (1, 2, 3))), (2, 0, 1))),
        lambda x, y: x.reshape(1, 2, 3).permute(2, 0, 1),
    ),
    "gather": (
        lambda b, x, y: b.add(nn.GatherOp(x, Array(POSITIONS))),
        lambda x, y: torch.cat([x.reshape(-1), x.new_zeros(1)])[torch.tensor(POSITIONS)],
    ),
    "scatter_add": (
        lambda b, x, y: b.add(nn.ScatterAddOp(x, Array(POSITIONS), (2, 4))),
        lambda x, y: (
            x.new_zeros(9)
            .index_add(0, torch.tensor(np.where(POSITIONS < 0, 8, POSITIONS)).reshape(-1), x.reshape(-1))[:8]
            .reshape(2, 4)
        ),
    ),
    "concat": (lambda b, x, y: b.add(nn.ConcatOp((x, y, x), 1)), lambda x, y: torch.cat([x, y, x], 1)),
}
FUNCTIONS: dict[Function, Callable[[torch.Tensor], torch.Tensor]] = {
    Function.TANH: torch.tanh,
    Function.SIGMOID: torch.sigmoid,
    Function.EXP: torch.exp,
    Function.LOG: torch.log,
    Function.SQRT: torch.sqrt,
    Function.ERF: torch.erf,
    Function.GELU: torch.nn.functional.gelu,
    Function.GELU_TANH: lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
    Function.SILU: torch.nn.functional.silu,
    Function.RELU: torch.relu,
    Function.ABS: torch.abs,
    Function.SIGN: torch.sign,
    Function.STEP: lambda x: torch.heaviside(x.detach(), torch.tensor(0.0, dtype=torch.float64)) + 0 * x,
}


@pytest.mark.parametrize("name", OPS)
def test_every_op_matches_autograd(name: str) -> None:
    build, compute = OPS[name]
    same(gradients(module_of(build, X, Y)), torch_gradients(compute, X, Y))


@pytest.mark.parametrize("function", Function)
def test_every_function_matches_autograd_twice(function: Function) -> None:
    point = np.array([-2.5, -0.7, 0.3, 1.9])
    point = np.abs(point) if function in POSITIVE else point
    module = module_of(lambda b, x, y: b.add(nn.ApplyOp(x, function)), point, np.zeros(1))
    same(gradients(module)[:2], torch_gradients(FUNCTIONS[function], point))

    squared, total = extended(
        gradient_func(module.main), lambda b, returns: b.add(nn.SumOp(b.add(nn.PowerOp(returns[1], 2)), (0,)))
    )
    second = differentiate(squared, total, [squared.ops_of(nn.ParameterOp)[0].result])
    tensor = torch.tensor(point, requires_grad=True)
    weights = torch.sin(torch.arange(1.0, 5.0, dtype=torch.float64))
    (slope,) = torch.autograd.grad((FUNCTIONS[function](tensor) * weights).sum(), tensor, create_graph=True)
    expected = (
        torch.autograd.grad((slope**2).sum(), tensor)[0].numpy(force=True) if slope.requires_grad else np.zeros(4)
    )
    np.testing.assert_allclose(run_func(second)[second.returns[1]], expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
@pytest.mark.parametrize("activation", [Function.TANH, Function.RELU, Function.GELU])
def test_a_network_matches_autograd(loss: str, activation: Function) -> None:
    module = network((5, 4, 3), samples=7, loss=loss, activation=activation)
    twin = Twin(module, activation)
    value, *found = gradients(module)
    np.testing.assert_allclose(value, twin.loss(twin.start).item(), rtol=1e-14)
    np.testing.assert_allclose(np.concatenate([g.ravel() for g in found]), twin.gradient(), rtol=1e-12, atol=1e-14)


def test_a_network_matches_finite_differences() -> None:
    module = network((3, 4, 2), samples=5)
    found = gradients(module)[1:]
    loss = module.main.only(problem.ObjectiveOp).x
    for op, gradient in zip(module.main.ops_of(nn.ParameterOp), found, strict=True):
        for position in np.ndindex(op.value.shape):
            moved = []
            for step in (1e-5, -1e-5):
                values = op.value.values.copy()
                values[position] += step
                moved.append(run_func(module.main, parameters={op.symbol: values})[loss])
            np.testing.assert_allclose((moved[0] - moved[1]) / 2e-5, gradient[position], rtol=1e-6, atol=1e-9)


def test_the_pass_adds_one_func_and_no_more_on_the_second_run() -> None:
    module = network((2, 2), samples=3)
    once = GradientExtraction().run(module)
    assert [func.name for func in once] == ["main", "gradient"]
    assert once.main is module.main
    assert GradientExtraction().run(once) is once


def test_the_before_and_after_of_the_pass_file() -> None:
    builder = Builder()
    w = builder.add(nn.ParameterOp("w", Array(np.array(2.0))))
    x = builder.add(nn.ConstantOp(Array(np.array(3.0)), "x"))
    builder.append(problem.ObjectiveOp(builder.add(nn.MulOp(w, x))))
    gradient = GradientExtraction().run(Module("m", (builder.finish(),))).func("gradient")
    assert [op.name for op in gradient.ops] == ["nn.parameter", "nn.constant", "nn.mul", "nn.constant", "nn.mul"]
    assert [float(run_func(gradient)[value]) for value in gradient.returns] == [6.0, 3.0]


def test_no_dead_op_and_no_layer_is_left() -> None:
    gradient = gradient_func(network((3, 4, 2), samples=5).main)
    used = {value for op in gradient.ops for value in op.operands} | set(gradient.returns)
    assert all(op.result in used for op in gradient.ops if not isinstance(op, nn.ParameterOp))
    assert {type(op) for op in gradient.ops} <= nn.PRIMITIVES


def test_the_gradient_prints_and_reads_back() -> None:
    module = GradientExtraction().run(network((3, 4, 2), samples=5))
    assert parse_module(SourceFile("net.qir", print_module(module))) == module


def test_variables_are_the_sources_where_nothing_is_trained() -> None:
    builder = Builder()
    bounds = Array(np.zeros(2)), Array(np.ones(2))
    x = builder.add(problem.VariableOp("x", problem.Domain.REAL, (2,), *bounds, bits=2))
    builder.append(problem.ObjectiveOp(builder.add(nn.SumOp(builder.add(nn.PowerOp(x, 2)), (0,)))))
    gradient = gradient_func(builder.finish())
    known = run_func(gradient, variables={"x": np.array([3.0, 4.0])})
    np.testing.assert_array_equal(known[gradient.returns[1]], [6.0, 8.0])


def test_a_parameter_that_the_loss_ignores_gets_zeros() -> None:
    found = gradients(module_of(lambda b, x, y: b.add(nn.PowerOp(x, 2)), X, Y))
    np.testing.assert_array_equal(found[2], np.zeros_like(Y))


def test_programs_without_a_gradient_are_refused() -> None:
    builder = Builder()
    x = builder.add(nn.ConstantOp(Array(np.zeros(2))))
    with pytest.raises(CompileError) as caught:
        gradient_func(builder.finish())
    assert isinstance(caught.value.diagnostics[0], NothingToTrain)

    builder.append(nn.ParameterOp("w", Array(np.zeros(2))))
    with pytest.raises(CompileError) as caught:
        gradient_func(builder.finish())
    assert isinstance(caught.value.diagnostics[0], NoObjective)

    builder.append(problem.ObjectiveOp(x))
    with pytest.raises(CompileError) as caught:
        gradient_func(builder.finish())
    assert "[2]" in caught.value.diagnostics[0].fill(NoObjective.note)


def test_a_layer_on_the_way_is_named() -> None:
    builder = Builder()
    w = builder.add(nn.ParameterOp("w", Array(np.zeros((1, 2)))))
    x = builder.add(nn.ConstantOp(Array(np.ones((1, 2)))))
    layer = builder.add(nn.LinearOp(x, w, None))
    builder.append(problem.ObjectiveOp(builder.add(nn.SumOp(layer, (0, 1)))))
    with pytest.raises(CompileError) as caught:
        gradient_func(builder.finish())
    assert caught.value.diagnostics == (NoDerivative(None, "nn.linear"),)

"""Small funcs as the PyTorch front end leaves them after `decompose-layers`, and their torch twins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn import Function
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.ir import Array, Builder, Func, Module, Value

ACTIVATIONS = {Function.TANH: torch.tanh, Function.RELU: torch.relu, Function.GELU: torch.nn.functional.gelu}


def parameter(builder: Builder, symbol: str, values: np.ndarray) -> Value:
    return builder.add(nn.ParameterOp(symbol, Array(values)))


def constant(builder: Builder, values: np.ndarray, symbol: str = "") -> Value:
    return builder.add(nn.ConstantOp(Array(np.asarray(values, np.float64)), symbol))


def weighted_sum(builder: Builder, x: Value) -> Value:
    """A scalar with a different weight for every element, so that no adjoint hides behind a symmetry."""
    shape = shape_of(x)
    weights = np.sin(np.arange(1.0, 1.0 + np.prod(shape, dtype=int))).reshape(shape)
    product = builder.add(nn.MulOp(x, constant(builder, weights)))
    return builder.add(nn.SumOp(product, tuple(range(len(shape))))) if shape else product


def extended(func: Func, build: Callable[[Builder, list[Value]], Value]) -> tuple[Func, Value]:
    """`func` without statements, with what `build` adds on top of its returned values."""
    builder = Builder(func.name)
    names: dict[Value, Value] = {}
    for op in func.ops:
        names.update(zip(op.results, builder.append(op.map_operands(names.__getitem__)), strict=True))
    added = build(builder, [names[value] for value in func.returns])
    return builder.finish(added), added


def network(
    sizes: tuple[int, ...],
    samples: int,
    loss: str = "cross_entropy",
    activation: Function = Function.TANH,
    penalty: float = 0.0,
    seed: int = 0,
) -> Module:
    """A multilayer perceptron on random data with `@main` at the primitive stage.

    `penalty` adds that multiple of the summed squares of the first weight to the loss.
    """
    rng = np.random.default_rng(seed)
    builder = Builder()
    layers = list(zip(sizes[1:], sizes, strict=False))
    parameters = [
        (
            parameter(builder, f"layers.{i}.weight", rng.normal(size=shape) / np.sqrt(shape[1])),
            parameter(builder, f"layers.{i}.bias", 0.1 * rng.normal(size=shape[0])),
        )
        for i, shape in enumerate(layers)
    ]
    x = constant(builder, rng.normal(size=(samples, sizes[0])), "inputs")
    for index, (weight, bias) in enumerate(parameters):
        x = builder.add(nn.MatmulOp(x, builder.add(nn.TransposeOp(weight, (1, 0)))))
        x = builder.add(nn.AddOp(x, builder.add(nn.BroadcastOp(bias, shape_of(x)))))
        if index + 1 < len(parameters):
            x = builder.add(nn.ApplyOp(x, activation))
    builder.append(nn.OutputOp(x))
    value = _cross_entropy(builder, x, rng) if loss == "cross_entropy" else _squared_error(builder, x, rng)
    if penalty:
        squares = builder.add(nn.SumOp(builder.add(nn.PowerOp(parameters[0][0], 2)), (0, 1)))
        value = builder.add(nn.AddOp(value, builder.add(nn.PolynomialOp(squares, Array(np.array([0.0, penalty]))))))
    builder.append(problem.ObjectiveOp(value))
    return Module("net", (builder.finish(),))


def _cross_entropy(builder: Builder, x: Value, rng: np.random.Generator) -> Value:
    samples, classes = shape_of(x)
    labels = rng.integers(classes, size=samples)
    likelihood = builder.add(
        nn.GatherOp(builder.add(nn.LogSoftmaxOp(x, 1)), Array(np.arange(samples) * classes + labels))
    )
    return builder.add(nn.PolynomialOp(builder.add(nn.SumOp(likelihood, (0,))), Array(np.array([0.0, -1.0 / samples]))))


def _squared_error(builder: Builder, x: Value, rng: np.random.Generator) -> Value:
    shape = shape_of(x)
    error = builder.add(nn.SubOp(x, constant(builder, rng.normal(size=shape), "targets")))
    total = builder.add(nn.SumOp(builder.add(nn.PowerOp(error, 2)), (0, 1)))
    return builder.add(nn.PolynomialOp(total, Array(np.array([0.0, 1.0 / np.prod(shape)]))))


class Twin:
    """The same network and loss in torch, as functions of one flat vector of all parameters."""

    def __init__(self, module: Module, activation: Function = Function.TANH, penalty: float = 0.0) -> None:
        self.operations = module.main.ops
        self.activation, self.penalty = ACTIVATIONS[activation], penalty
        self.shapes = [op.value.shape for op in module.main.ops_of(nn.ParameterOp)]
        self.start = torch.tensor(
            np.concatenate([op.value.values.ravel() for op in module.main.ops_of(nn.ParameterOp)])
        )
        inputs = {op.symbol: op.value.values for op in module.main.ops_of(nn.ConstantOp)}
        self.inputs = torch.tensor(inputs["inputs"])
        self.targets = torch.tensor(inputs["targets"]) if "targets" in inputs else None
        gathers = module.main.ops_of(nn.GatherOp)
        self.labels = torch.tensor(gathers[0].indices.values % self.shapes[-1][0]) if gathers else None

    def tensors(self, flat: torch.Tensor) -> list[torch.Tensor]:
        parts = flat.split([int(np.prod(shape)) for shape in self.shapes])
        return [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)]

    def output(self, flat: torch.Tensor) -> torch.Tensor:
        x, tensors = self.inputs, self.tensors(flat)
        for index in range(0, len(tensors), 2):
            x = x @ tensors[index].T + tensors[index + 1]
            x = self.activation(x) if index + 2 < len(tensors) else x
        return x

    def loss_of_output(self, output: torch.Tensor) -> torch.Tensor:
        if self.labels is not None:
            return torch.nn.functional.cross_entropy(output, self.labels)
        return torch.nn.functional.mse_loss(output, self.targets)

    def loss(self, flat: torch.Tensor) -> torch.Tensor:
        return self.loss_of_output(self.output(flat)) + self.penalty * (self.tensors(flat)[0] ** 2).sum()

    def gradient(self) -> np.ndarray:
        return torch.func.grad(self.loss)(self.start).numpy()

    def hessian(self) -> np.ndarray:
        return torch.func.hessian(self.loss)(self.start).numpy()

    def gauss_newton(self) -> np.ndarray:
        """J^T H J by dense matrices, and the penalty's own second derivative."""
        output = self.output(self.start)
        size = output.numel()
        jacobian = torch.func.jacrev(self.output)(self.start).reshape(size, -1)
        curvature = torch.func.hessian(self.loss_of_output)(output).reshape(size, size)
        direct = torch.zeros(len(self.start), dtype=torch.float64)
        direct[: int(np.prod(self.shapes[0]))] = 2.0 * self.penalty
        return (jacobian.T @ curvature @ jacobian + torch.diag(direct)).numpy()


def convolutional(seed: int = 0) -> tuple[Module, torch.nn.Module, torch.Tensor, torch.Tensor]:
    """A small convolutional classifier with its layers whole, the same in torch, its inputs and labels."""
    torch.manual_seed(seed)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3, padding=1, groups=2),
        torch.nn.SiLU(),
        torch.nn.AvgPool2d(2),
        torch.nn.Conv2d(4, 3, 3, stride=2),
        torch.nn.Flatten(),
        torch.nn.Linear(3, 3),
    ).double()
    net.requires_grad_(False)
    inputs, labels = torch.randn(5, 2, 6, 6, dtype=torch.float64), torch.tensor([0, 1, 2, 1, 0])
    builder = Builder()
    given = {name: parameter(builder, name, tensor.numpy()) for name, tensor in net.named_parameters()}
    x = constant(builder, inputs.numpy(), "inputs")
    x = builder.add(nn.Conv2dOp(x, given["0.weight"], given["0.bias"], padding=(1, 1), groups=2))
    x = builder.add(nn.AveragePool2dOp(builder.add(nn.ApplyOp(x, Function.SILU)), (2, 2), (2, 2)))
    x = builder.add(nn.Conv2dOp(x, given["3.weight"], given["3.bias"], stride=(2, 2)))
    x = builder.add(nn.LinearOp(builder.add(nn.ReshapeOp(x, (5, 3))), given["5.weight"], given["5.bias"]))
    builder.append(nn.OutputOp(x))
    picked = Array(np.arange(5) * 3 + labels.numpy())
    likelihood = builder.add(nn.SumOp(builder.add(nn.GatherOp(builder.add(nn.LogSoftmaxOp(x, 1)), picked)), (0,)))
    builder.append(problem.ObjectiveOp(builder.add(nn.PolynomialOp(likelihood, Array(np.array([0.0, -0.2]))))))
    return Module("cnn", (builder.finish(),)), net, inputs, labels

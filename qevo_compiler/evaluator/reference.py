"""The reference evaluator: every tensor op and every problem in plain numpy, in double precision.

It is the meaning that faster evaluators and all passes are tested against.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import nn, poly, problem
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.dialects.nn.products import matmul
from qevo_compiler.dialects.poly.arithmetic import evaluate
from qevo_compiler.evaluator.functions import apply_function
from qevo_compiler.evaluator.windows import convolution_positions, gather, pooling_positions
from qevo_compiler.ir import Func, Invalid, Op, TensorType, Value, signature

Floats = NDArray[np.float64]
Given = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Evaluation:
    """What a func states at one point: objective (its sense not applied), flat constraint bodies, outputs, returns."""

    objective: float | None
    constraints: dict[str, Floats] = field(default_factory=dict)
    outputs: tuple[Floats, ...] = ()
    returns: tuple[Floats, ...] = ()


def apply_op(op: Op, operands: Sequence[NDArray[Any]]) -> tuple[Floats, ...]:
    """The results of one `nn` op for the given values of its operands (in the op's order, absent ones left out).

    Raises `Invalid` for an op that computes nothing.
    """
    rule = _RULES.get(type(op))
    if rule is None:
        raise Invalid(f"{op.name} computes no value")
    # Data may hold anything; what is not finite is found where it reaches a coefficient.
    with np.errstate(all="ignore"):
        return (np.asarray(rule(op, *_slots(op, operands)), np.float64),)


def run_func(
    func: Func,
    arguments: Sequence[NDArray[Any]] = (),
    variables: Given | None = None,
    parameters: Given | None = None,
    constants: Given | None = None,
) -> dict[Value, Floats]:
    """The value of every value of `func`.

    `variables` gives decision variables by symbol (a choice by label positions or by indicators);
    `parameters` and `constants` replace the stored values of `nn.parameter` and of named
    `nn.constant` ops. Raises `Invalid` for a missing variable or a shape that does not fit.
    """
    if len(arguments) != len(func.arguments):
        raise Invalid(f"@{func.name} takes {len(func.arguments)} arguments, not {len(arguments)}")
    pairs = zip(func.arguments, arguments, strict=True)
    known = {value: _shaped(given, value, f"%{value.index}") for value, given in pairs}
    sources = _Sources(variables or {}, parameters or {}, constants or {})
    for op in func.ops:
        if op.results:
            found = sources.value(op)
            results = (found,) if found is not None else apply_op(op, [known[value] for value in op.operands])
            known.update(zip(op.results, results, strict=True))
    return known


def evaluate_func(
    func: Func,
    arguments: Sequence[NDArray[Any]] = (),
    variables: Given | None = None,
    parameters: Given | None = None,
    constants: Given | None = None,
) -> Evaluation:
    """Objective, constraint bodies, outputs and returns of `func` at one point, at tensor or polynomial stage."""
    known = run_func(func, arguments, variables, parameters, constants)
    packed = func.first(poly.ObjectiveOp) is not None or func.first(poly.ConstraintOp) is not None
    point = polynomial_point(func, variables or {}) if packed else np.zeros(0)
    objective: float | None = None
    constraints: dict[str, Floats] = {}
    outputs: list[Floats] = []
    for op in func.ops:
        match op:
            case problem.ObjectiveOp():
                objective = float(known[op.x].reshape(()))
            case poly.ObjectiveOp():
                objective = float(evaluate(op.polynomial, point)[0])
            case problem.ConstraintOp():
                constraints[op.symbol] = known[op.body].reshape(-1)
            case poly.ConstraintOp():
                constraints[op.symbol] = evaluate(op.body, point)
            case nn.OutputOp():
                outputs.append(known[op.x])
    return Evaluation(objective, constraints, tuple(outputs), tuple(known[value] for value in func.returns))


def polynomial_point(func: Func, variables: Given) -> Floats:
    """The values of the numbered polynomial variables of `func`, from values by symbol."""
    sources = _Sources(variables, {}, {})
    parts = [sources.variable(op).reshape(-1) for op in func.ops_of(problem.VariableOp)]
    return np.concatenate([*parts, np.zeros(0)])


@dataclass(frozen=True)
class _Sources:
    variables: Given
    parameters: Given
    constants: Given

    def value(self, op: Op) -> Floats | None:
        """The value of an op that declares data, or None for one that computes."""
        match op:
            case problem.VariableOp():
                return self.variable(op)
            case nn.ParameterOp():
                stored = self.variables.get(op.symbol, op.value.values)
                return _shaped(self.parameters.get(op.symbol, stored), op.result, op.symbol)
            case nn.ConstantOp():
                replaced = self.constants.get(op.symbol) if op.symbol else None
                return op.value.values if replaced is None else _shaped(replaced, op.result, op.symbol)
        return None

    def variable(self, op: problem.VariableOp) -> Floats:
        if op.symbol not in self.variables:
            raise Invalid(f"no value for the variable `{op.symbol}`")
        given = np.asarray(self.variables[op.symbol])
        if op.domain is problem.Domain.CHOICE and given.shape == op.shape:
            return np.asarray(given[..., None] == np.arange(len(op.labels)), np.float64)
        if isinstance(op, problem.ListedOp):
            return op.indicators(_shaped(given, op.result, op.symbol).reshape(-1))
        return _shaped(given, op.result, op.symbol)


def _result_shape(op: Op) -> tuple[int, ...]:
    (inferred,) = op.result_types()
    if not isinstance(inferred, TensorType):
        raise Invalid(f"{op.name} gives no tensor")
    return inferred.shape


def _shaped(given: NDArray[Any], value: Value, name: str) -> Floats:
    array = np.asarray(given, np.float64)
    if array.shape != shape_of(value):
        raise Invalid(f"`{name}` has shape {shape_of(value)}, not {array.shape}")
    return array


def _slots(op: Op, operands: Sequence[NDArray[Any]]) -> list[Any]:
    """One entry an operand field: an array, None for an absent operand, a list for a variadic one."""
    given = iter(operands)
    found: list[Any] = []
    for name in signature(type(op)).operands:
        stated = getattr(op, name)
        if isinstance(stated, tuple):
            found.append([next(given) for _ in stated])
        else:
            found.append(None if stated is None else next(given))
    return found


def _power(op: nn.PowerOp, x: Floats) -> Floats:
    return np.asarray(np.power(x, float(op.exponent)))


def _indicator(op: nn.IndicatorOp, x: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.abs(x) <= nn.TOLERANCE if op.condition is nn.Condition.ZERO else x > nn.TOLERANCE)


def _polynomial(op: nn.PolynomialOp, x: Floats) -> Floats:
    result = np.zeros_like(x)
    for coefficient in op.coefficients.values[::-1]:
        result = result * x + coefficient
    return result


def _log_softmax(op: nn.LogSoftmaxOp, x: Floats) -> Floats:
    shifted = x - x.max(axis=op.axis, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=op.axis, keepdims=True)))


def _gather(op: nn.GatherOp, x: Floats) -> Floats:
    return np.asarray(gather(x.reshape(1, -1), op.indices.values)[0])


def _scatter_add(op: nn.ScatterAddOp, x: Floats) -> Floats:
    positions = op.indices.values.reshape(-1)
    kept = positions >= 0
    size = prod(op.shape)
    sums = np.bincount(positions[kept], x.reshape(-1)[kept], size)
    return np.asarray(sums, np.float64).reshape(op.shape)


def _extreme(op: nn.ExtremeOp, x: Floats) -> Floats:
    largest = op.which is nn.Extreme.MAX
    found = np.full(prod(op.shape), -np.inf if largest else np.inf)
    (np.maximum if largest else np.minimum).at(found, op.indices.values.reshape(-1), x.reshape(-1))
    return found.reshape(op.shape)


def _linear(op: nn.LinearOp, x: Floats, weight: Floats, bias: Floats | None) -> Floats:
    rows = x.reshape(-1, x.shape[-1])
    product = matmul(rows, weight.T).reshape(_result_shape(op))
    return product if bias is None else product + bias


def _conv2d(op: nn.Conv2dOp, x: Floats, weight: Floats, bias: Floats | None) -> Floats:
    out, _, height, width = weight.shape
    positions = convolution_positions(x.shape, (height, width), op.stride, op.padding, op.dilation, op.groups)
    matrices = weight.reshape(op.groups, out // op.groups, -1).transpose(0, 2, 1)
    product = matmul(gather(x.reshape(1, -1), positions)[0], matrices)
    parts = product.reshape(op.groups, len(x), -1, out // op.groups).transpose(1, 0, 3, 2)
    result = parts.reshape(_result_shape(op))
    return result if bias is None else result + bias[:, None, None]


def _average_pool2d(op: nn.AveragePool2dOp, x: Floats) -> Floats:
    positions = pooling_positions(x.shape, op.kernel, op.stride, op.padding)
    return np.asarray(gather(x.reshape(1, -1), positions)[0].mean(axis=-1).reshape(_result_shape(op)))


def _batch_norm(
    op: nn.BatchNormOp, x: Floats, weight: Floats | None, bias: Floats | None, mean: Floats, variance: Floats
) -> Floats:
    scale, shift = batch_norm_affine(op.epsilon, weight, bias, mean, variance)
    along = (-1, *(1 for _ in x.shape[2:]))
    return x * scale.reshape(along) + shift.reshape(along)


def batch_norm_affine(
    epsilon: float, weight: Floats | None, bias: Floats | None, mean: Floats, variance: Floats
) -> tuple[Floats, Floats]:
    """Scale and shift of each channel: a batch norm with fixed statistics is x * scale + shift."""
    scale = 1.0 / np.sqrt(variance + epsilon)
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale
    return scale, shift if bias is None else shift + bias


_RULES: dict[type[Op], Callable[..., Any]] = {
    nn.AddOp: lambda op, x, y: x + y,
    nn.SubOp: lambda op, x, y: x - y,
    nn.MulOp: lambda op, x, y: x * y,
    nn.DivOp: lambda op, x, y: x / y,
    nn.NegOp: lambda op, x: -x,
    nn.PowerOp: _power,
    nn.ApplyOp: lambda op, x: apply_function(op.function, x),
    nn.IndicatorOp: _indicator,
    nn.PolynomialOp: _polynomial,
    nn.LogSoftmaxOp: _log_softmax,
    nn.MatmulOp: lambda op, x, y: matmul(x, y),
    nn.SumOp: lambda op, x: x.sum(axis=op.axes),
    nn.BroadcastOp: lambda op, x: np.broadcast_to(x, op.shape),
    nn.ReshapeOp: lambda op, x: x.reshape(op.shape),
    nn.TransposeOp: lambda op, x: x.transpose(op.axes),
    nn.GatherOp: _gather,
    nn.ScatterAddOp: _scatter_add,
    nn.ExtremeOp: _extreme,
    nn.ConcatOp: lambda op, parts: np.concatenate(parts, axis=op.axis),
    nn.LinearOp: _linear,
    nn.Conv2dOp: _conv2d,
    nn.AveragePool2dOp: _average_pool2d,
    nn.BatchNormOp: _batch_norm,
    nn.ConstantOp: lambda op: op.value.values,
    nn.ParameterOp: lambda op: op.value.values,
}

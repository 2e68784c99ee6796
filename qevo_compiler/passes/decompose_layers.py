"""Write layers in primitive tensor ops: products, sums, gathers.

before: %3 = nn.linear(%0, %1, %2)
after:  %3 = nn.transpose(%1) {axes = [1, 0]}; %4 = nn.matmul(%0, %3); %5 = nn.broadcast(%2); %6 = nn.add(%4, %5)

Exact. A traced model's func is kept, layers whole, as `@loss`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.evaluator.windows import convolution_positions, pooling_positions
from qevo_compiler.ir import Array, Builder, Func, Module, Op, Value, rewrite
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.stages import PRIMITIVE, TENSOR


@dataclass(frozen=True)
class DecomposeLayers(Pass):
    """No options."""

    name = "decompose-layers"
    takes = TENSOR
    leaves = PRIMITIVE

    def run(self, module: Module, context: Context = SILENT) -> Module:
        main = module.main
        if module.find("loss") is None and _is_trained(main):
            module = module.with_func(replace(main, name="loss"))
        if not any(type(op) in nn.LAYERS for op in main.ops):
            return module
        return module.with_main(rewrite(main, _decompose))


def _is_trained(func: Func) -> bool:
    return func.first(nn.OutputOp) is not None or func.first(nn.ParameterOp) is not None


def _decompose(op: Op, builder: Builder) -> tuple[Value, ...] | None:
    match op:
        case nn.LinearOp():
            return (_linear(op, builder),)
        case nn.Conv2dOp():
            return (_conv2d(op, builder),)
        case nn.AveragePool2dOp():
            return (_average_pool2d(op, builder),)
        case nn.BatchNormOp():
            return (_batch_norm(op, builder),)
    return None


def _linear(op: nn.LinearOp, builder: Builder) -> Value:
    *leading, width = shape_of(op.x)
    out = shape_of(op.weight)[0]
    x = _reshape(builder, op.x, (int(np.prod(leading, dtype=np.int64)), width))
    product = builder.add(nn.MatmulOp(x, builder.add(nn.TransposeOp(op.weight, (1, 0)))))
    product = _reshape(builder, product, (*leading, out))
    return product if op.bias is None else _add_along(builder, product, op.bias, len(leading))


def _conv2d(op: nn.Conv2dOp, builder: Builder) -> Value:
    """One matrix product a group, over the windows of all images at once."""
    batch = shape_of(op.x)[0]
    out, _, height, width = shape_of(op.weight)
    positions = convolution_positions(shape_of(op.x), (height, width), op.stride, op.padding, op.dilation, op.groups)
    rows, depth, per_group = positions.shape[1], positions.shape[2], out // op.groups
    grouped = () if op.groups == 1 else (op.groups,)
    columns = builder.add(nn.GatherOp(op.x, Array(positions.reshape(*grouped, rows, depth))))
    weight = _reshape(builder, op.weight, (*grouped, per_group, depth))
    swapped = (1, 0) if op.groups == 1 else (0, 2, 1)
    product = builder.add(nn.MatmulOp(columns, builder.add(nn.TransposeOp(weight, swapped))))
    product = _reshape(builder, product, (op.groups, batch, rows // max(batch, 1), per_group))
    product = builder.add(nn.TransposeOp(product, (1, 0, 3, 2)))
    result = _reshape(builder, product, _result_shape(op))
    return result if op.bias is None else _add_along(builder, result, op.bias, 1)


def _average_pool2d(op: nn.AveragePool2dOp, builder: Builder) -> Value:
    positions = pooling_positions(shape_of(op.x), op.kernel, op.stride, op.padding)
    windows = builder.add(nn.GatherOp(op.x, Array(positions)))
    total = _reshape(builder, builder.add(nn.SumOp(windows, (3,))), _result_shape(op))
    share = builder.add(nn.ConstantOp(Array(np.array(1.0 / positions.shape[3]))))
    return builder.add(nn.MulOp(total, builder.add(nn.BroadcastOp(share, _result_shape(op)))))


def _batch_norm(op: nn.BatchNormOp, builder: Builder) -> Value:
    """(x - mean) * (variance + epsilon)^(-1/2) * weight + bias, channel by channel."""
    epsilon = builder.add(nn.ConstantOp(Array(np.full(shape_of(op.variance), op.epsilon))))
    spread = builder.add(nn.ApplyOp(builder.add(nn.AddOp(op.variance, epsilon)), nn.Function.SQRT))
    one = builder.add(nn.ConstantOp(Array(np.ones(shape_of(op.variance)))))
    scale = builder.add(nn.DivOp(one, spread) if op.weight is None else nn.DivOp(op.weight, spread))
    centred = builder.add(nn.SubOp(op.x, _along(builder, op.mean, shape_of(op.x), 1)))
    result = builder.add(nn.MulOp(centred, _along(builder, scale, shape_of(op.x), 1)))
    return result if op.bias is None else _add_along(builder, result, op.bias, 1)


def _add_along(builder: Builder, x: Value, bias: Value, axis: int) -> Value:
    return builder.add(nn.AddOp(x, _along(builder, bias, shape_of(x), axis)))


def _along(builder: Builder, vector: Value, shape: tuple[int, ...], axis: int) -> Value:
    """`vector` repeated to `shape`, with its own axis at `axis`."""
    trailing = len(shape) - axis - 1
    column = _reshape(builder, vector, (*shape_of(vector), *(1,) * trailing))
    return column if shape_of(column) == shape else builder.add(nn.BroadcastOp(column, shape))


def _reshape(builder: Builder, x: Value, shape: tuple[int, ...]) -> Value:
    return x if shape_of(x) == shape else builder.add(nn.ReshapeOp(x, shape))


def _result_shape(op: Op) -> tuple[int, ...]:
    return shape_of(op.result)

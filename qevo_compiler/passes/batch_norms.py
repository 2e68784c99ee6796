"""Fold a batch norm with fixed statistics into the linear or convolutional layer before it.

A batch norm is y = a x + c with constants per channel. `a` goes into the layer's weight and `c` into
its bias; a layer without one takes the batch norm's bias as its own. The batch norm's named tensors
stay in the func as parameters with the values of the identity (weight 1, running mean 0, running
variance 1 - epsilon, bias 0 unless the layer took it), so that the func's parameters, written back as
a state dict, make the original architecture compute what the folded model computes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.evaluator.reference import Floats, batch_norm_affine
from qevo_compiler.ir import Array, Builder, Func, Op, Value

Layer = nn.LinearOp | nn.Conv2dOp
Stored = nn.ParameterOp | nn.ConstantOp


def fold_batch_norms(func: Func) -> Func:
    """`func` with every foldable batch norm folded; the same object when there is none."""
    folds = {fold.norm.result: fold for fold in _find(func)} if func.first(nn.BatchNormOp) else {}
    if not folds:
        return func
    stored = {value: op for fold in folds.values() for value, op in fold.stored().items()}
    moved = {fold.layer.result for fold in folds.values()}
    builder = Builder(func.name)
    names = {arg: builder.argument(arg.type) for arg in func.arguments}
    for op in func.ops:
        if moved.isdisjoint(op.results):
            new = _replacement(op, folds, stored)
            names.update(zip(op.results, builder.append(new.map_operands(names.__getitem__)), strict=True))
    return builder.finish(*(names[value] for value in func.returns))


def _replacement(op: Op, folds: dict[Value, _Fold], stored: dict[Value, Op]) -> Op:
    if len(op.results) != 1:
        return op
    return folds[op.result].folded_layer() if op.result in folds else stored.get(op.result, op)


@dataclass(frozen=True)
class _Fold:
    """A batch norm, the layer whose result it alone uses, and the ops that declare the tensors of both."""

    layer: Layer
    norm: nn.BatchNormOp
    tensors: dict[Value, Stored]

    def folded_layer(self) -> Op:
        return replace(self.layer, bias=self.layer.bias or self.norm.bias, results=self.norm.results)

    def stored(self) -> dict[Value, Op]:
        """The ops that declare the tensors, with their new values."""
        norm, layer = self.norm, self.layer
        weight = self._value(layer.weight)
        scale, shift = batch_norm_affine(
            norm.epsilon,
            None if norm.weight is None else self._value(norm.weight),
            None if norm.bias is None else self._value(norm.bias),
            self._value(norm.mean),
            self._value(norm.variance),
        )
        values = {
            norm.mean: np.zeros_like(shift),
            norm.variance: np.full_like(shift, 1.0 - norm.epsilon),
            layer.weight: weight * scale.reshape(-1, *(1 for _ in weight.shape[1:])),
        }
        if norm.weight is not None:
            values[norm.weight] = np.ones_like(shift)
        if norm.bias is not None:
            values[norm.bias] = shift
        if layer.bias is not None:
            values[layer.bias] = self._value(layer.bias) * scale + shift
            if norm.bias is not None:
                values[norm.bias] = np.zeros_like(shift)
        return {value: self._declare(value, array) for value, array in values.items()}

    def _value(self, value: Value) -> Floats:
        return self.tensors[value].value.values

    def _declare(self, value: Value, array: Floats) -> Op:
        op = self.tensors[value]
        if isinstance(op, nn.ConstantOp) and op.symbol and value in (self.norm.mean, self.norm.variance):
            return nn.ParameterOp(op.symbol, Array(array), span=op.span)
        return replace(op, value=Array(array), results=())


def _find(func: Func) -> Iterator[_Fold]:
    definitions = func.definitions()
    uses = Counter(value for op in func.ops for value in op.operands)
    uses.update(func.returns)
    for norm in func.ops_of(nn.BatchNormOp):
        layer = definitions.get(norm.x)
        if not isinstance(layer, nn.LinearOp | nn.Conv2dOp) or len(shape_of(layer.result)) not in (2, 4):
            continue
        needed = (*layer.operands[1:], *norm.operands[1:])
        tensors = {v: op for v in needed if isinstance(op := definitions.get(v), nn.ParameterOp | nn.ConstantOp)}
        alone = all(uses[value] == 1 for value in (norm.x, *needed)) and len(tensors) == len(needed)
        if alone and (layer.bias or norm.bias) and (isinstance(layer, nn.Conv2dOp) or len(shape_of(layer.x)) == 2):
            yield _Fold(layer, norm, tensors)

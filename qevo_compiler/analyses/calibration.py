"""What the weights of a model multiply: the second moment of every layer's inputs on the given data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.rounding import BadCalibration
from qevo_compiler.dialects import nn
from qevo_compiler.evaluator.reference import run_func
from qevo_compiler.ir import Func, Value

Floats = NDArray[np.float64]

ROW_CAP = 8192
"""Input rows of a weight that are used at most when no number is given: evenly spaced over the batch."""


@dataclass(frozen=True)
class Layer:
    """A weight and the layers that multiply by it."""

    weight: nn.ParameterOp
    uses: tuple[nn.LinearOp | nn.Conv2dOp, ...]

    @property
    def symbol(self) -> str:
        return self.weight.symbol

    @property
    def groups(self) -> int:
        """Groups of output rows that see different inputs."""
        return self.uses[0].groups if isinstance(self.uses[0], nn.Conv2dOp) else 1


@dataclass(frozen=True)
class Calibration:
    """`gram` [d, d] = X^T X / rows for the inputs X of one group of a layer's output rows."""

    layer: Layer
    group: int
    gram: Floats
    rows: int


def weight_layers(func: Func) -> tuple[tuple[Layer, ...], tuple[nn.LinearOp | nn.Conv2dOp, ...]]:
    """The layers whose weight is a parameter, in order of first use, and the ops whose weight is computed."""
    definitions = func.definitions()
    uses: dict[Value, list[nn.LinearOp | nn.Conv2dOp]] = {}
    computed: list[nn.LinearOp | nn.Conv2dOp] = []
    for op in func.ops:
        if isinstance(op, nn.LinearOp | nn.Conv2dOp):
            if isinstance(definitions.get(op.weight), nn.ParameterOp):
                uses.setdefault(op.weight, []).append(op)
            else:
                computed.append(op)
    layers = []
    for value, ops in uses.items():
        weight = definitions[value]
        assert isinstance(weight, nn.ParameterOp)
        layers.append(Layer(weight, tuple(ops)))
    return tuple(layers), tuple(computed)


def calibrate(func: Func, layers: tuple[Layer, ...], rows: int = 0) -> Iterator[Calibration]:
    """The second moment of the inputs of each group of each layer, from one evaluation of `func`.

    `rows` limits the input rows of a use (positions of a convolution count as rows); 0 means
    `ROW_CAP`. Raises `CompileError` when an input is not finite. Cost: rows * d^2 a group.
    The result does not depend on the number of threads.
    """
    with np.errstate(all="ignore"):  # what overflows is reported below, by layer
        values = run_func(func)
    for layer in layers:
        for group in range(layer.groups):
            blocks = [layer_inputs(op, values[op.x], group, rows or ROW_CAP) for op in layer.uses]
            inputs = np.concatenate(blocks)
            with np.errstate(all="ignore"):
                gram = inputs.T @ inputs / max(len(inputs), 1)
            if not np.isfinite(gram).all():
                raise CompileError(BadCalibration(layer.uses[0].span, layer.symbol))
            yield Calibration(layer, group, _settle(gram), len(inputs))


def _settle(gram: Floats) -> Floats:
    """`gram` rounded to whole multiples of about 2^-24 of its mean diagonal.

    A matrix product's last bits depend on how many threads summed it; emitted files must not.
    """
    size = float(np.diag(gram).mean()) if gram.size else 0.0
    if size == 0:
        return gram
    unit = 2.0 ** (np.floor(np.log2(size)) - 24)
    return np.asarray(np.rint((gram + gram.T) / (2 * unit)) * unit)


def layer_inputs(op: nn.LinearOp | nn.Conv2dOp, x: Floats, group: int, most: int) -> Floats:
    """Up to `most` evenly spaced rows [n, d] that the weight rows of `group` are multiplied with."""
    if isinstance(op, nn.LinearOp):
        flat = x.reshape(-1, x.shape[-1])
        return flat[_spread(len(flat), most)]
    return _patches(op, x, group, most)


def _patches(op: nn.Conv2dOp, x: Floats, group: int, most: int) -> Floats:
    _, channels, *kernel = nn.ops.shape_of(op.weight)
    (top, left), (down, right) = op.padding, op.dilation
    padded = np.pad(x[:, group * channels : (group + 1) * channels], ((0, 0), (0, 0), (top, top), (left, left)))
    span = tuple(step * (size - 1) + 1 for step, size in zip(op.dilation, kernel, strict=True))
    windows = np.lib.stride_tricks.sliding_window_view(padded, span, axis=(2, 3))
    windows = windows[:, :, :: op.stride[0], :: op.stride[1], ::down, ::right]
    places = (windows.shape[0], windows.shape[2], windows.shape[3])
    image, line, column = np.unravel_index(_spread(int(np.prod(places)), most), places)
    return windows[image, :, line, column].reshape(len(image), -1)


def _spread(count: int, most: int) -> NDArray[np.int64]:
    return np.arange(count) if count <= most else np.arange(most) * count // most

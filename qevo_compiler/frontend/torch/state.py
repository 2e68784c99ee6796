"""Weights in and out: files of weights, loss and accuracy at given weights, and AdamW fine-tuning.

Weights travel as arrays by symbol, the names of the state dict. Whatever is not given keeps the value
that it has in the model. All arithmetic is in double precision, evaluation mode and one thread, on the
whole batch unless a batch size is given, so results repeat to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor

from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.torch.model_files import StateMismatch
from qevo_compiler.frontend.torch.batch import Batch
from qevo_compiler.frontend.torch.guard import exactly
from qevo_compiler.frontend.torch.load import TracedModel
from qevo_compiler.passes.base import Progress, ignore_progress

Values = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Metrics:
    """Loss and accuracy on the batch compiled for and on held-out data; None where there is no such number.

    The accuracy is the share of rows whose largest output stands at the target; it exists for integer
    targets and outputs with one more axis of classes (`class_axis`).
    """

    loss: float
    accuracy: float | None
    held_out_loss: float | None = None
    held_out_accuracy: float | None = None


def parameter_values(traced: TracedModel) -> dict[str, NDArray[np.float64]]:
    """The model's trainable parameters as they are, by symbol."""
    return {name: p.detach().numpy().copy() for name, p in traced.parameters().items()}


def evaluate_model(traced: TracedModel, values: Values | None = None) -> Metrics:
    """Loss and accuracy by eager torch at the given weights.

    Raises `CompileError` for a symbol or a shape that the model does not have.
    """
    weights = _tensors(traced, values or {})
    with exactly(), torch.no_grad():
        loss, accuracy = _measure(traced, weights, traced.batch)
        held_out = traced.held_out
        if held_out is None:
            return Metrics(loss, accuracy)
        return Metrics(loss, accuracy, *_measure(traced, weights, held_out))


def loss_at(traced: TracedModel, values: Values | None = None) -> float:
    """The loss on the batch at the given weights."""
    with exactly(), torch.no_grad():
        return float(traced.whole.at(_tensors(traced, values or {}), traced.batch)[1])


def fine_tune(
    traced: TracedModel,
    values: Values,
    steps: int,
    lr: float = 1e-3,
    seed: int = 0,
    progress: Progress = ignore_progress,
    batch: int = 0,
    weight_decay: float = 0.0,
) -> tuple[dict[str, NDArray[np.float64]], list[float]]:
    """`steps` steps of AdamW from the given weights: the new ones, and the loss before each step and at the end.

    Every step uses `batch` rows (0: all) in an order drawn from `seed`; the losses listed are those of
    the rows used, the last one that of the whole batch.
    """
    weights = _tensors(traced, values)
    trained = {name: weights[name].clone().requires_grad_() for name in traced.parameters()}
    optimizer = torch.optim.AdamW(list(trained.values()), lr=lr, weight_decay=weight_decay, foreach=False)
    history: list[float] = []
    rows = _row_batches(traced.batch, batch, seed)
    with exactly(), torch.enable_grad():
        for step in range(steps):
            optimizer.zero_grad()
            loss = traced.whole.at({**weights, **trained}, next(rows))[1]
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            history.append(float(loss.detach()))
            progress("fine-tuning", (step + 1) / steps)
    found = {name: tensor.detach().numpy().copy() for name, tensor in trained.items()}
    return found, [*history, loss_at(traced, found)]


def write_state(traced: TracedModel, values: Values, path: str | Path) -> None:
    """Write the whole state dict with `values` in place of the old weights, as a safetensors file.

    Tensors keep the names and types of the user's model, so that `load_state_dict` takes the file as it is.
    """
    state = {name: t.detach().cpu().clone().contiguous() for name, t in traced.model.state_dict().items()}
    for symbol, array in values.items():
        old = _known(symbol, state)
        new = torch.from_numpy(np.array(array, dtype=np.float64))
        _same_shape(symbol, new, old)
        for name in _shared_names(traced.model, symbol):
            state[name] = new.to(old.dtype).clone()
    Path(path).write_bytes(save(dict(sorted(state.items()))))


def write_scales(scales: Values, path: str | Path) -> None:
    """Write the steps of rounded weights, in double precision by the weights' names, as a safetensors file."""
    tensors = {name: torch.from_numpy(np.array(scales[name], np.float64)) for name in sorted(scales)}
    Path(path).write_bytes(save(tensors))


def _shared_names(model: torch.nn.Module, symbol: str) -> list[str]:
    """All names of the state dict under which the tensor `symbol` appears."""
    state = dict(model.state_dict(keep_vars=True))
    return [name for name, tensor in state.items() if tensor is state[symbol]]


def _tensors(traced: TracedModel, values: Values) -> dict[str, Tensor]:
    """Parameters and buffers of the exact copy, with `values` in place of some."""
    model = traced.whole.model
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    state = {name: tensor.detach() for name, tensor in state.items()}
    kinds = {name: p.dtype for name, p in traced.model.named_parameters()}
    for symbol, array in values.items():
        old = _known(symbol, state)
        new = torch.from_numpy(np.array(array, dtype=np.float64))
        _same_shape(symbol, new, old)
        state[symbol] = _as_stored(new, kinds.get(symbol, old.dtype)).to(old.dtype)
    return state


def _as_stored(values: Tensor, kind: torch.dtype) -> Tensor:
    """Weights as a model of fewer than 32 bits a number has them: neither it nor its file holds them more exactly."""
    return values.to(kind) if kind.itemsize < 4 else values


def _known(symbol: str, state: Mapping[str, Tensor]) -> Tensor:
    if symbol not in state:
        suggestion = did_you_mean(symbol, state)
        raise CompileError(StateMismatch(None, symbol, "it has no tensor of that name", suggestion))
    return state[symbol]


def _same_shape(symbol: str, new: Tensor, old: Tensor) -> None:
    if new.shape != old.shape:
        reason = f"its shape is {list(old.shape)}, not {list(new.shape)}"
        raise CompileError(StateMismatch(None, symbol, reason, ""))


def _measure(traced: TracedModel, weights: Mapping[str, Tensor], batch: Batch) -> tuple[float, float | None]:
    outputs, loss = traced.whole.at(weights, batch)
    axis = class_axis(outputs, batch.targets)
    return float(loss), None if axis is None else float((outputs.argmax(axis) == batch.targets).double().mean())


def class_axis(outputs: Any, targets: Any) -> int | None:
    """The axis of outputs that holds one score a class of integer `targets`; None where there is none.

    It is axis 1, as torch's losses have it, or the last one, as models of sequences return it. Where both would fit
    nothing tells which it is.
    """
    if not (isinstance(outputs, Tensor) and isinstance(targets, Tensor)) or targets.is_floating_point():
        return None
    shape = tuple(outputs.shape)
    axes = {1, len(shape) - 1} if len(shape) > 1 else set()
    fitting = [axis for axis in axes if _without(shape, axis) == tuple(targets.shape)]
    return fitting[0] if len(fitting) == 1 else None


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return tuple(np.delete(shape, axis).tolist())


def _row_batches(batch: Batch, size: int, seed: int) -> Iterator[Batch]:
    """The whole batch again and again, or rows of it in random order without repetition in each round."""
    count = batch.rows
    order = np.random.default_rng(seed)
    while True:
        if not 0 < size < count:
            yield batch
            continue
        shuffled = order.permutation(count)
        for start in range(0, count - size + 1, size):
            yield batch.chosen(torch.from_numpy(shuffled[start : start + size]))

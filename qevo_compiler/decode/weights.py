"""A decoded solution back in a model's state dict.

A local quadratic model decides some elements of some tensors; a solution lists them flat. Here they are put at their
places in the tensors themselves, and whatever was held fixed keeps the value that it has in the state given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.ising import RegisterOp


def updated_state(
    registers: Sequence[RegisterOp],
    values: Mapping[str, Any],
    state: Mapping[str, Any],
    given: Mapping[str, NDArray[np.float64]],
) -> dict[str, Any]:
    """`state` with the elements that `values` decides; tensors of torch stay tensors, of their type and device.

    `given` are whole tensors of the compiled model, which come before that: those that batch norms were folded
    into, with the norms. Tied tensors of torch, which share their memory, are changed under all their names.
    Raises `KeyError` for a symbol that `state` does not have and `ValueError` for one of another shape.
    """
    found = dict(state)
    for symbol, array in given.items():
        found.update(dict.fromkeys(_names(state, symbol), _tensor(state[symbol], array)))
    for register in registers:
        if register.symbol not in values:
            continue
        old = found[register.symbol]
        shape = register.shape if register.positions is None else register.tensor_shape
        if tuple(old.shape) != tuple(shape):
            raise ValueError(f"`{register.symbol}` has the shape {list(shape)}, not {list(old.shape)}")
        new = _written(old, register, np.asarray(values[register.symbol], np.float64))
        found.update(dict.fromkeys(_names(state, register.symbol), new))
    return found


def _names(state: Mapping[str, Any], symbol: str) -> list[str]:
    """All names of the tensor `symbol`."""
    return [name for name, other in state.items() if name == symbol or _tied(other, state[symbol])]


def _written(old: Any, register: RegisterOp, values: NDArray[np.float64]) -> Any:
    torch = hasattr(old, "new_tensor")
    whole = np.array(old.detach().cpu().double().numpy() if torch else old, dtype=np.float64)
    positions = slice(None) if register.positions is None else register.positions.values.reshape(-1)
    whole.reshape(-1)[positions] = values.reshape(-1)
    return _tensor(old, whole)


def _tensor(old: Any, values: NDArray[np.float64]) -> Any:
    """`values` in the shape, the type and at the place of `old`."""
    whole = np.asarray(values, np.float64).reshape(tuple(old.shape))
    return old.new_tensor(whole) if hasattr(old, "new_tensor") else whole.astype(np.asarray(old).dtype)


def _tied(one: Any, other: Any) -> bool:
    """Whether two tensors of torch are one: the same memory, seen in the same shape."""
    if not (hasattr(one, "data_ptr") and hasattr(other, "data_ptr")):
        return False
    return bool(one.data_ptr() == other.data_ptr() and one.shape == other.shape and one.numel())


__all__ = ["updated_state"]

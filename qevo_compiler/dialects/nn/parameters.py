"""Reading and replacing the present values of a model's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.nn.ops import ParameterOp
from qevo_compiler.ir import Array, Func, Invalid, Module, Op


def parameter_values(func: Func) -> dict[str, NDArray[Any]]:
    """The parameters of `func` with their values, by symbol, in order of declaration."""
    return {op.symbol: op.value.values for op in func.ops_of(ParameterOp)}


def folded_parameters(func: Func) -> dict[str, NDArray[Any]]:
    """All parameters with their values where batch norms were folded into layers, which leaves theirs unused."""
    used = {value for op in func.ops for value in op.operands}
    unused = any(op.result not in used for op in func.ops_of(ParameterOp))
    return parameter_values(func) if unused else {}


def with_parameters(module: Module, values: Mapping[str, NDArray[Any]]) -> Module:
    """`module` with new values for the parameters that `values` names, in every func that declares them.

    Returns the same object when nothing changes. Raises `Invalid` for a symbol that no func declares
    and for a value of another shape.
    """
    declared = {op.symbol for func in module.funcs for op in func.ops_of(ParameterOp)}
    for symbol in values:
        if symbol not in declared:
            raise Invalid(f"no func declares the parameter `{symbol}`")
    arrays = {symbol: Array(np.asarray(value, np.float64)) for symbol, value in values.items()}
    for func in module.funcs:
        ops = tuple(_replaced(op, arrays) for op in func.ops)
        if any(new is not old for new, old in zip(ops, func.ops, strict=True)):
            module = module.with_func(replace(func, ops=ops))
    return module


def _replaced(op: Op, arrays: Mapping[str, Array]) -> Op:
    if not isinstance(op, ParameterOp) or op.symbol not in arrays:
        return op
    new = arrays[op.symbol]
    if new.shape != op.value.shape:
        raise Invalid(f"`{op.symbol}` has shape {op.value.shape}, not {new.shape}")
    return op if new == op.value else replace(op, value=new)

"""The few values that the elements of a tensor can take, where variables are discrete.

A superset is enough for its user: a polynomial that agrees with a function on it agrees on what is taken.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.dialects.problem import Domain
from qevo_compiler.ir import Op, Value

Floats = NDArray[np.float64]

# How deep expressions are followed, so that a sum of thousands of terms costs nothing.
_DEPTH = 32
# Values that lie closer together than this part of their spread are one value that rounding has split.
_SAME = 1e-9
_COMBINED = {nn.AddOp: np.add, nn.SubOp: np.subtract, nn.MulOp: np.multiply}


class ValueSets:
    """Sets of at most `limit` values, ascending, of the values of one func; each is found once."""

    def __init__(self, definitions: Mapping[Value, Op], limit: int) -> None:
        self._definitions = definitions
        self._limit = limit
        self._known: dict[Value, Floats | None] = {}

    def of(self, value: Value, depth: int = _DEPTH) -> Floats | None:
        """What every element of `value` takes one of; None where that is not known to be few."""
        if value not in self._known:
            found = self._found(self._definitions.get(value), depth) if depth else None
            self._known[value] = found
        return self._known[value]

    def _found(self, op: Op | None, depth: int) -> Floats | None:
        if isinstance(op, problem.VariableOp):
            return self._limited(_domain_values(op, self._limit))
        if isinstance(op, nn.ConstantOp):
            values = op.value.values
            return self._limited(np.asarray(values, np.float64).reshape(-1)) if values.size <= 1 << 16 else None
        if isinstance(op, nn.IndicatorOp):
            return self._limited(np.array([0.0, 1.0]))
        if isinstance(op, nn.ReshapeOp | nn.BroadcastOp | nn.TransposeOp):
            return self.of(op.x, depth - 1)
        if isinstance(op, nn.GatherOp):
            padding = [0.0] if bool((op.indices.values < 0).any()) else []
            taken = self.of(op.x, depth - 1)
            return None if taken is None else self._limited(np.concatenate([taken, padding]))
        if isinstance(op, nn.NegOp):
            taken = self.of(op.x, depth - 1)
            return None if taken is None else -taken[::-1]
        if isinstance(op, nn.AddOp | nn.SubOp | nn.MulOp):
            return self._outer(_COMBINED[type(op)], self.of(op.x, depth - 1), self.of(op.y, depth - 1))
        if isinstance(op, nn.SumOp):
            return self._summed(self.of(op.x, depth - 1), [shape_of(op.x)[axis] for axis in op.axes])
        return None

    def _summed(self, values: Floats | None, sizes: list[int]) -> Floats | None:
        total: Floats | None = np.zeros(1)
        for _ in range(min(int(np.prod(sizes, dtype=np.int64)), self._limit)):
            total = self._outer(np.add, total, values)
        # Every step adds a value, unless there is only one, which `limit` steps may not have summed up.
        return total if np.prod(sizes, dtype=np.int64) < self._limit else None

    def _outer(self, operation: np.ufunc, first: Floats | None, second: Floats | None) -> Floats | None:
        if first is None or second is None:
            return None
        with np.errstate(over="ignore", invalid="ignore"):  # sets with infinities are none
            return self._limited(operation.outer(first, second).reshape(-1))

    def _limited(self, values: Floats | None) -> Floats | None:
        if values is None or not values.size or not np.isfinite(values).all():
            return None
        values = np.unique(values)
        apart = np.diff(values) > _SAME * (values[-1] - values[0])
        values = values[np.concatenate([[True], apart])]
        return values if len(values) <= self._limit else None


def _domain_values(op: problem.VariableOp, limit: int) -> Floats | None:
    match op.domain:
        case Domain.BINARY | Domain.CHOICE:
            return np.array([0.0, 1.0])
        case Domain.SPIN:
            return np.array([-1.0, 1.0])
    lower, upper = (np.asarray(end, np.float64) for end in (op.lower, op.upper))
    low, high = float(lower.min(initial=np.inf)), float(upper.max(initial=-np.inf))
    if op.domain is Domain.INTEGER:
        return np.arange(low, high + 1.0) if low <= high < low + limit else None
    shared = bool((lower == low).all() and (upper == high).all())
    if op.bits is None or 2**op.bits > limit or not shared:
        return None
    return np.linspace(low, high, 2**op.bits)

"""Where the samples of an objective are: its terms as sums over data, found by walking back from the value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.ir import Func, Op, Value


@dataclass(frozen=True)
class Term:
    """`factor` times the sum of the elements of `value`; with `samples` its first axis counts samples."""

    value: Value
    factor: float
    samples: bool

    @property
    def count(self) -> int:
        """How many samples there are."""
        return shape_of(self.value)[0] if self.samples else 1


def sample_terms(func: Func, value: Value, factor: float) -> list[Term]:
    """The terms of a scalar: through sums, differences and constant factors down to sums over tensors.

    A sum whose operand depends on an array of data is one over samples; any other term stays whole.
    """
    definitions = func.definitions()
    data = _depends_on_data(func)
    found: list[Term] = []
    waiting = [(value, factor)]
    while waiting:
        here, scale = waiting.pop()
        op = definitions[here]
        parts = _parts(op, scale, definitions)
        if parts is not None:
            waiting += reversed(parts)
        elif isinstance(op, nn.SumOp) and op.x in data and 0 in op.axes and _size(here) == 1:
            found.append(Term(op.x, scale, True))
        else:
            found.append(Term(here, scale, False))
    return found


def _parts(op: Op, scale: float, definitions: dict[Value, Op]) -> list[tuple[Value, float]] | None:
    """The summands of a scalar op with their factors, or None where it is a term of its own."""
    match op:
        case nn.AddOp() if _size(op.x) == _size(op.y) == 1:
            return [(op.x, scale), (op.y, scale)]
        case nn.SubOp() if _size(op.x) == _size(op.y) == 1:
            return [(op.x, scale), (op.y, -scale)]
        case nn.NegOp():
            return [(op.x, -scale)]
        case nn.ReshapeOp():
            return [(op.x, scale)] if _size(op.x) == 1 else None
        case nn.MulOp():
            for x, y in ((op.x, op.y), (op.y, op.x)):
                known = _constant(y, definitions)
                if known is not None and _size(x) == 1:
                    return [(x, scale * known)]
        case nn.DivOp():
            known = _constant(op.y, definitions)
            if known and _size(op.x) == 1:
                return [(op.x, scale / known)]
    return None


def _constant(value: Value, definitions: dict[Value, Op]) -> float | None:
    op = definitions[value]
    return float(op.value.values.reshape(-1)[0]) if isinstance(op, nn.ConstantOp) and op.value.size == 1 else None


def _depends_on_data(func: Func) -> frozenset[Value]:
    found: set[Value] = set()
    for op in func.ops:
        is_data = isinstance(op, nn.ConstantOp) and op.value.size > 1
        if is_data or not found.isdisjoint(op.operands):
            found.update(op.results)
    return frozenset(found)


def _size(value: Value) -> int:
    return int(np.prod(shape_of(value), dtype=np.int64))

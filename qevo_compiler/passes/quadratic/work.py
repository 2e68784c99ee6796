"""How much of a func's arithmetic a change of one weight goes through: what a Jacobian-vector product of it costs."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.ir import Func, Op, Value
from qevo_compiler.passes.gradient import ancestors


def work_shares(func: Func, outputs: Sequence[Value]) -> dict[str, float]:
    """For every parameter, the share of the arithmetic of `outputs` that depends on it, between 0 and 1.

    Counted are multiply-adds of products and elements of all other results, both in full: a product with a unit
    tangent of its own weight, which moves one column only, counts like any other.
    """
    needed = ancestors(func, *outputs)
    ops = [op for op in func.ops if not needed.isdisjoint(op.results)]
    parameters = [op for op in ops if isinstance(op, nn.ParameterOp)]
    depends = {op.result: 1 << number for number, op in enumerate(parameters)}
    through, total = [0] * len(parameters), 0
    for op in ops:
        if not isinstance(op, (nn.ParameterOp, nn.ConstantOp)):
            mask, work = 0, _work(op)
            for value in op.operands:
                mask |= depends.get(value, 0)
            depends.update(dict.fromkeys(op.results, mask))
            through = [spent + work * (mask >> number & 1) for number, spent in enumerate(through)]
            total += work
    return {op.symbol: spent / max(total, 1) for op, spent in zip(parameters, through, strict=True)}


def _work(op: Op) -> int:
    size = sum(prod(shape_of(value)) for value in op.results)
    return size * shape_of(op.x)[-1] if isinstance(op, nn.MatmulOp) else size

"""Which way every element of a tensor func is drawn: what should be small, what large, for a better answer.

An element is drawn `down` where a larger value of it may make what is minimised larger, or break a constraint, and
`up` where a smaller value may. Signs of factors come from ranges; where an op is not known to be monotone, both hold.
A value drawn down alone may be replaced by a variable that is bounded from below by it, without another optimum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.intervals import Interval
from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn import Function
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.dialects.nn.products import matmul
from qevo_compiler.dialects.problem import Relation, Sense
from qevo_compiler.ir import Array, Func, Op, Value

Flags = NDArray[np.bool_]
Drawn = tuple[Flags, Flags]
"""Down and up, of a value's shape."""

_RISING = (Function.TANH, Function.SIGMOID, Function.EXP, Function.LOG, Function.SQRT, Function.RELU)


def senses(func: Func, ranges: Mapping[Value, Interval], wanted: frozenset[Value]) -> dict[Value, Drawn]:
    """Down and up for every value of `wanted` (closed under use) that anything depends on.

    `ranges` are those of `analyses.intervals`. Cost: one walk backwards with arrays of truth values.
    """
    found: dict[Value, Drawn] = {}
    for op in reversed(func.ops):
        for value, drawn in zip(op.operands, _drawn(op, found, ranges), strict=False):
            if value in wanted:
                old = found.get(value)
                found[value] = drawn if old is None else (old[0] | drawn[0], old[1] | drawn[1])
    return found


def _drawn(op: Op, found: Mapping[Value, Drawn], ranges: Mapping[Value, Interval]) -> tuple[Drawn, ...]:
    """What the op asks of its operands; nothing where nobody asks anything of it."""
    match op:
        case problem.ObjectiveOp():
            return (_stated(op.x, op.sense is Sense.MINIMIZE, op.sense is Sense.MAXIMIZE),)
        case problem.ConstraintOp():
            return (_stated(op.body, op.relation is not Relation.GE, op.relation is not Relation.LE),)
    if not op.results or op.result not in found:
        return ()
    down, up = found[op.result]
    rule = _RULES.get(type(op))
    if rule is None:
        either = bool((down | up).any())
        return tuple(_stated(value, either, either) for value in op.operands)
    return rule(op, (down, up), [ranges[value] for value in op.operands])


def _stated(value: Value, down: bool, up: bool) -> Drawn:
    shape = shape_of(value)
    return np.full(shape, down), np.full(shape, up)


def _turned(drawn: Drawn) -> Drawn:
    return drawn[1], drawn[0]


def _by_sign(drawn: Drawn, factor: Interval) -> Drawn:
    """What a product asks of one factor, by the signs that the other may have."""
    (down, up), (low, high) = drawn, factor
    rises, falls = high > 0, low < 0
    return (down & rises) | (up & falls), (up & rises) | (down & falls)


def _div(op: nn.DivOp, drawn: Drawn, ranges: list[Interval]) -> tuple[Drawn, ...]:
    both = drawn[0] | drawn[1]
    return _by_sign(drawn, ranges[1]), (both, both)


def _power(op: nn.PowerOp, drawn: Drawn, ranges: list[Interval]) -> tuple[Drawn, ...]:
    if op.exponent > 0:
        return (drawn if op.exponent % 2 else _by_sign(drawn, ranges[0]),)
    both = drawn[0] | drawn[1]
    return ((both, both),)


def _apply(op: nn.ApplyOp, drawn: Drawn, ranges: list[Interval]) -> tuple[Drawn, ...]:
    if op.function in _RISING:
        return (drawn,)
    if op.function is Function.ABS:
        return (_by_sign(drawn, ranges[0]),)
    both = drawn[0] | drawn[1]
    return ((both, both),)


def _indicator(op: nn.IndicatorOp, drawn: Drawn, ranges: list[Interval]) -> tuple[Drawn, ...]:
    both = drawn[0] | drawn[1]
    return (drawn if op.condition is nn.Condition.POSITIVE else (both, both),)


def _matmul(op: nn.MatmulOp, drawn: Drawn, ranges: list[Interval]) -> tuple[Drawn, ...]:
    (down, up), (x, y) = drawn, ranges
    left = [np.swapaxes(bound, -1, -2) for bound in y]
    right = [np.swapaxes(bound, -1, -2) for bound in x]

    def through(one: Flags, other: Flags, signs: list[NDArray[np.float64]], first: bool) -> Flags:
        pairs = ((one, signs[1] > 0), (other, signs[0] < 0))
        counts = [_count(a, b) if first else _count(b, a) for a, b in pairs]
        return np.asarray((counts[0] + counts[1]) > 0)

    return (
        (through(down, up, left, True), through(up, down, left, True)),
        (through(down, up, right, False), through(up, down, right, False)),
    )


def _count(x: Flags, y: Flags) -> NDArray[np.float64]:
    return np.asarray(matmul(x.astype(np.float64), y.astype(np.float64)))


def _moved(move: Callable[[Op, Flags], Flags]) -> Callable[[Op, Drawn, list[Interval]], tuple[Drawn, ...]]:
    """The rule of an op of one operand that moves or adds elements: `move` takes flags of its result to the operand."""
    return lambda op, drawn, ranges: ((move(op, drawn[0]), move(op, drawn[1])),)


def _unsummed(op: Op, flags: Flags) -> Flags:
    assert isinstance(op, nn.SumOp)
    return np.broadcast_to(np.expand_dims(flags, op.axes), shape_of(op.x))


def _unspread(op: Op, flags: Flags) -> Flags:
    assert isinstance(op, nn.BroadcastOp)
    shape = shape_of(op.x)
    lined_up = (1,) * (len(op.shape) - len(shape)) + shape
    axes = tuple(axis for axis, n in enumerate(lined_up) if n == 1)
    return flags.any(axis=axes, keepdims=True).reshape(shape)


def _reshaped(op: Op, flags: Flags) -> Flags:
    assert isinstance(op, nn.ReshapeOp)
    return flags.reshape(shape_of(op.x))


def _transposed(op: Op, flags: Flags) -> Flags:
    assert isinstance(op, nn.TransposeOp)
    return flags.transpose(np.argsort(op.axes))


def _ungathered(op: Op, flags: Flags) -> Flags:
    assert isinstance(op, nn.GatherOp)
    found = np.zeros(int(np.prod(shape_of(op.x), dtype=np.int64)), np.bool_)
    found[op.indices.values[flags & (op.indices.values >= 0)]] = True
    return found.reshape(shape_of(op.x))


def _by_position(indices: Array, flags: Flags) -> Flags:
    taken = indices.values
    return np.asarray(flags.reshape(-1)[taken] & (taken >= 0))


def _scattered(op: Op, flags: Flags) -> Flags:
    assert isinstance(op, nn.ScatterAddOp | nn.ExtremeOp)
    return _by_position(op.indices, flags)


def _concat(op: nn.ConcatOp, drawn: Drawn, ranges: list[Interval]) -> tuple[Drawn, ...]:
    ends = np.cumsum([shape_of(part)[op.axis] for part in op.parts])[:-1]
    return tuple(zip(*(np.split(flags, ends, op.axis) for flags in drawn), strict=True))


_RULES: dict[type[Op], Callable[..., tuple[Drawn, ...]]] = {
    nn.AddOp: lambda op, drawn, ranges: (drawn, drawn),
    nn.SubOp: lambda op, drawn, ranges: (drawn, _turned(drawn)),
    nn.NegOp: lambda op, drawn, ranges: (_turned(drawn),),
    nn.MulOp: lambda op, drawn, ranges: (_by_sign(drawn, ranges[1]), _by_sign(drawn, ranges[0])),
    nn.DivOp: _div,
    nn.PowerOp: _power,
    nn.ApplyOp: _apply,
    nn.IndicatorOp: _indicator,
    nn.MatmulOp: _matmul,
    nn.ConcatOp: _concat,
    nn.SumOp: _moved(_unsummed),
    nn.BroadcastOp: _moved(_unspread),
    nn.ReshapeOp: _moved(_reshaped),
    nn.TransposeOp: _moved(_transposed),
    nn.GatherOp: _moved(_ungathered),
    nn.ScatterAddOp: _moved(_scattered),
    nn.ExtremeOp: _moved(_scattered),
}

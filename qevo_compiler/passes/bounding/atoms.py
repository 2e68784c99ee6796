"""What is an extreme of several entries: `max`, `min`, `abs` (of x and -x) and `relu` (of x and 0) of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.intervals import Interval, decision_values
from qevo_compiler.analyses.value_sets import ValueSets
from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn import Extreme, Function
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.ir import Array, Builder, Func, Value

Integers = NDArray[np.int64]
Atom: TypeAlias = nn.ExtremeOp | nn.ApplyOp

_FUNCTIONS = (Function.ABS, Function.RELU)


def atoms(func: Func, few: int) -> dict[Value, Atom]:
    """The extremes of decisions in a func, by their results.

    Functions are left to `approximate-functions` where a line asks for a polynomial, where their argument takes no more
    than `few` values, and where parameters are decided.
    """
    asked = {op.function for op in func.ops_of(problem.ApproximateOp)}
    trained = func.first(nn.ParameterOp) is not None
    decided = decision_values(func)
    sets = ValueSets(func.definitions(), few + 1)

    def is_function(op: nn.ApplyOp) -> bool:
        if trained or op.function not in _FUNCTIONS or op.function in asked:
            return False
        taken = sets.of(op.x)
        return taken is None or len(taken) > few

    return {
        op.result: op
        for op in func.ops
        if isinstance(op, nn.ExtremeOp | nn.ApplyOp)
        and op.x in decided
        and (isinstance(op, nn.ExtremeOp) or is_function(op))
    }


def is_largest(op: Atom) -> bool:
    """Whether the atom is the largest of its entries, not the least."""
    return isinstance(op, nn.ApplyOp) or op.which is Extreme.MAX


@dataclass(frozen=True)
class Entries:
    """`value` [entries] with the `position` of each in the flat result, which has `size` positions."""

    value: Value
    position: Integers
    size: int

    def of_positions(self, wanted: Integers) -> tuple[Integers, Integers]:
        """All entries of the `wanted` positions, one after the other: the place in `wanted`, and the entry."""
        order = np.argsort(self.position, kind="stable")
        counts = np.bincount(self.position, minlength=self.size)
        starts = np.cumsum(counts) - counts
        taken = counts[wanted]
        place = np.repeat(np.arange(len(wanted)), taken)
        step = np.arange(len(place)) - np.repeat(np.cumsum(taken) - taken, taken)
        return place, order[starts[wanted][place] + step]


def entries(op: Atom, builder: Builder) -> Entries:
    """The entries of an atom whose operand has been built."""
    flat = reshaped(builder, op.x, (prod(shape_of(op.x)),))
    (count,) = shape_of(flat)
    if isinstance(op, nn.ExtremeOp):
        return Entries(flat, op.indices.values.reshape(-1).astype(np.int64), prod(op.shape))
    other = builder.add(nn.NegOp(flat)) if op.function is Function.ABS else constants(builder, np.zeros(count))
    both = builder.add(nn.ConcatOp((flat, other)))
    return Entries(both, np.tile(np.arange(count), 2), count)


def entry_range(op: Atom, ranges: Mapping[Value, Interval]) -> Interval:
    """Least and largest value of every entry [entries]."""
    low, high = (np.reshape(bound, -1) for bound in ranges[op.x])
    if isinstance(op, nn.ExtremeOp):
        return low, high
    if op.function is Function.RELU:
        zeros = np.zeros_like(low)
        return np.concatenate([low, zeros]), np.concatenate([high, zeros])
    return np.concatenate([low, -high]), np.concatenate([high, -low])


def reshaped(builder: Builder, value: Value, shape: tuple[int, ...]) -> Value:
    return value if shape_of(value) == shape else builder.add(nn.ReshapeOp(value, shape))


def constants(builder: Builder, values: NDArray[np.float64]) -> Value:
    return builder.add(nn.ConstantOp(Array(np.asarray(values, np.float64))))


def picked(builder: Builder, value: Value, positions: Integers) -> Value:
    """Elements of a flattened value."""
    size = prod(shape_of(value))
    if len(positions) == size and bool((positions == np.arange(size)).all()):
        return reshaped(builder, value, (size,))
    return builder.add(nn.GatherOp(value, Array(positions)))

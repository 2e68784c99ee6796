"""Variables in place of extremes of decisions, bounded by rows that make them what they stand for.

Of a largest value t of entries e_k, where t should be small:  e_k <= t.
Where it should be large, one entry k is picked (y_k, one-hot):  t <= e_k + M_k (1 - y_k), M_k = max t - min e_k.
Where both hold, both kinds of rows. The least of entries is the same with signs changed. An absolute value is
|x| = 2 max(x, 0) - x, which takes one row less; where x holds extremes itself, they would be drawn both ways by it, so
that |x| is the largest of x and -x there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.intervals import intervals
from qevo_compiler.analyses.senses import senses
from qevo_compiler.analyses.tensor_units import tensor_units
from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn import Function
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.dialects.problem import Domain, Relation
from qevo_compiler.ir import Array, Builder, Evidence, Func, LedgerEntry, Value
from qevo_compiler.passes.bounding.atoms import (
    Atom,
    Entries,
    constants,
    entries,
    entry_range,
    is_largest,
    picked,
)
from qevo_compiler.passes.quantities import BOUND_ROUNDING

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# How many values an exact variable may have.
MOST_STEPS = 2.0**30
# How far from a multiple of the unit the end of a range may be.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Family:
    """How the rows of one extreme are written: `sign` is 1 for the largest and -1 for the least of the entries.

    `top` is the variable's value, `low` [entries] and `high` [positions] are the ends of sign times entry
    and sign times variable.
    """

    name: str
    sign: int
    parts: Entries
    top: Value
    low: Floats
    high: Floats


class Bounding:
    """One walk over a func that replaces its atoms; `bits` are those of a variable whose values have no unit."""

    def __init__(self, func: Func, atoms: Mapping[Value, Atom], bits: int) -> None:
        self._func = func
        self._atoms = atoms
        self._bits = bits
        self._ranges = intervals(func)
        self._units = tensor_units(func)
        self._above = _above(func, atoms)
        self._drawn = senses(func, self._ranges, self._above)
        self._used = {op.symbol for op in func.ops if isinstance(op, problem.VariableOp | problem.ConstraintOp)}
        self._used |= {op.symbol for op in func.ops_of(nn.ParameterOp)}
        self._builder = Builder(func.name)
        self.ledger: list[LedgerEntry] = []

    def run(self) -> Func:
        names: dict[Value, Value] = {}
        for op in self._func.ops:
            self._builder.span = op.span
            mapped = op.map_operands(names.__getitem__)
            if isinstance(op, nn.ExtremeOp | nn.ApplyOp) and op.result in self._atoms:
                assert isinstance(mapped, nn.ExtremeOp | nn.ApplyOp)
                names[op.result] = self._bounded(op, mapped)
            else:
                names.update(zip(op.results, self._builder.append(mapped), strict=True))
        return self._builder.finish()

    def _bounded(self, op: Atom, mapped: Atom) -> Value:
        """What stands for an atom of the func; `mapped` has its operand as it has been built."""
        name = self._name(op)
        low, high = (np.reshape(bound, -1) for bound in self._ranges[op.result])
        if isinstance(op, nn.ExtremeOp) or op.function is Function.RELU or op.x in self._above:
            return self._variable_for(name, op, mapped, low, high)
        assert isinstance(mapped, nn.ApplyOp)
        most = np.maximum(np.reshape(self._ranges[op.x][1], -1), 0.0)
        parts = [replace(atom, function=Function.RELU) for atom in (op, mapped)]
        top = self._variable_for(name, parts[0], parts[1], np.zeros_like(most), most)
        return self._builder.add(nn.SubOp(self._builder.add(nn.AddOp(top, top)), mapped.x))

    def _variable_for(self, name: str, op: Atom, mapped: Atom, low: Floats, high: Floats) -> Value:
        """The variable that an atom of the func becomes; `low` and `high` are the ends of its range."""
        sign = 1 if is_largest(op) else -1
        top = self._variable(name, shape_of(op.result), low, high, self._units[op.x])
        parts = entries(mapped, self._builder)
        least, most = entry_range(op, self._ranges)
        family = Family(name, sign, parts, top, least if sign > 0 else -most, high if sign > 0 else -low)
        down, up = (np.reshape(flags, -1) for flags in self._drawn.get(op.result, (np.zeros(0, bool),) * 2))
        if len(down):
            floor = low if sign > 0 else -high
            reach = most if sign > 0 else -least
            self._rows(family, (down if sign > 0 else up)[parts.position] & (reach > floor[parts.position]))
            self._picked_rows(family, (up if sign > 0 else down)[parts.position])
        return top

    def _variable(self, name: str, shape: tuple[int, ...], low: Floats, high: Floats, unit: float) -> Value:
        """A new variable on the multiples of the unit in its range, or on a grid where there is none."""
        low, high = low.reshape(shape), high.reshape(shape)
        if (low == high).all():
            return constants(self._builder, low)
        if unit > 0 and float((high - low).max()) / unit <= MOST_STEPS:
            ends = np.ceil(low / unit - _ROUNDING), np.floor(high / unit + _ROUNDING)
            lower, upper = (Array(end.astype(np.int64)) for end in ends)
            steps = self._builder.add(problem.VariableOp(name, Domain.INTEGER, shape, lower, upper))
            if unit == 1:
                return steps
            return self._builder.add(nn.MulOp(steps, constants(self._builder, np.full(shape, unit))))
        step = float((high - low).max()) / (2.0**self._bits - 1)
        note = f"values without a common unit, in 2^{self._bits} steps; answers are judged by the values themselves"
        self.ledger.append(LedgerEntry("bound-extremes", BOUND_ROUNDING, step, Evidence.PROVED, name, note))
        return self._builder.add(problem.VariableOp(name, Domain.REAL, shape, Array(low), Array(high), self._bits))

    def _rows(self, family: Family, wanted: Flags) -> None:
        """`entry <= variable` for the wanted entries that may be larger than the variable's least value."""
        chosen = np.flatnonzero(wanted)
        if len(chosen):
            value = picked(self._builder, family.parts.value, chosen)
            self._constraint(f"{family.name}_entries", self._over(family, value, chosen, 1), Relation.LE)

    def _picked_rows(self, family: Family, wanted: Flags) -> None:
        """`variable <= picked entry` for the positions of the wanted entries."""
        chosen = np.flatnonzero(wanted)
        if not len(chosen):
            return
        position = family.parts.position[chosen]
        pick = self._builder.add(problem.VariableOp(f"{family.name}_pick", Domain.BINARY, (len(chosen),)))
        groups, group = np.unique(position, return_inverse=True)
        count = self._builder.add(nn.ScatterAddOp(pick, Array(group.reshape(-1)), (len(groups),)))
        one = constants(self._builder, np.ones(len(groups)))
        self._constraint(f"{family.name}_picked", self._builder.add(nn.SubOp(count, one)), Relation.EQ)
        room = np.maximum(family.high[position] - family.low[chosen], 0.0)
        least = self._builder.add(nn.SubOp(pick, constants(self._builder, np.ones(len(chosen)))))
        slack = self._builder.add(nn.MulOp(least, constants(self._builder, room)))
        value = picked(self._builder, family.parts.value, chosen)
        body = self._builder.add(nn.AddOp(self._over(family, value, chosen, -1), slack))
        self._constraint(f"{family.name}_reached", body, Relation.LE)

    def _over(self, family: Family, value: Value, chosen: NDArray[np.int64], side: int) -> Value:
        """`value - variable` for the chosen entries, with the family's sign and the side's."""
        top = picked(self._builder, family.top, family.parts.position[chosen])
        pair = (value, top) if family.sign * side > 0 else (top, value)
        return self._builder.add(nn.SubOp(*pair))

    def _constraint(self, name: str, body: Value, relation: Relation) -> None:
        indices = np.arange(shape_of(body)[0])[:, None]
        self._builder.append(problem.ConstraintOp(body, name, relation, Array(indices), bounding=True))

    def _name(self, op: Atom) -> str:
        """A name that the program does not use, nor its derived names."""
        word = op.function.name.lower() if isinstance(op, nn.ApplyOp) else op.which.name.lower()
        number = 1
        while any(used == f"{word}{number}" or used.startswith(f"{word}{number}_") for used in self._used):
            number += 1
        self._used.add(f"{word}{number}")
        return f"{word}{number}"


def _above(func: Func, atoms: Mapping[Value, Atom]) -> frozenset[Value]:
    """The values that depend on an atom, and the atoms."""
    found = set(atoms)
    for op in func.ops:
        if not found.isdisjoint(op.operands):
            found.update(op.results)
    return frozenset(found)

"""Forward-mode differentiation of tensor funcs: many Jacobian-vector products in one sweep.

On `@main` up to the model's output this gives J V; on `@gradient` it gives Hessian-vector products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.evaluator.reference import Given, run_func
from qevo_compiler.evaluator.tangents import push
from qevo_compiler.ir import Func, Invalid, Op, Value

Floats = NDArray[np.float64]
MEMORY = 1 << 28


def batched_jvp(
    func: Func,
    tangents: Mapping[str, Floats],
    outputs: Sequence[Value],
    arguments: Sequence[Floats] = (),
    variables: Given | None = None,
    parameters: Given | None = None,
    constants: Given | None = None,
    *,
    argument_tangents: Sequence[Floats | None] = (),
    known: Mapping[Value, Floats] | None = None,
    memory: int = MEMORY,
) -> list[Floats]:
    """Derivatives of `outputs` along k directions of the inputs: one array [k, *shape] an output.

    `tangents` gives, by symbol of a parameter or decision variable, its k directions [k, *shape];
    `argument_tangents` those of the func's arguments. What is not named does not move, and ops that
    depend on nothing that moves cost nothing. The other inputs are those of `run_func`, or `known` are
    the values that it found. Directions are taken in chunks so that intermediate tangents hold at most
    about `memory` bytes. Work: an evaluation of `func` unless its values are known, and for each direction
    the ops between it and the outputs. Raises `Invalid` for an unknown symbol, shapes that do not fit and an op
    that has no rule.
    """
    values = run_func(func, arguments, variables, parameters, constants) if known is None else known
    return Sweep.of(func, outputs, _seeds(func, tangents, argument_tangents)).run(values, memory)


@dataclass(frozen=True)
class Sweep:
    """The part of a func between inputs that move (`seeds`, [k, *shape] each) and wanted outputs."""

    ops: tuple[Op, ...]
    outputs: tuple[Value, ...]
    seeds: Mapping[Value, Floats]
    last_use: Mapping[Value, int]

    @staticmethod
    def of(func: Func, outputs: Sequence[Value], seeds: Mapping[Value, Floats]) -> Sweep:
        ops = _between(func, outputs, seeds)
        last_use = {value: index for index, op in enumerate(ops) for value in op.operands}
        last_use.update(dict.fromkeys(outputs, len(ops)))
        return Sweep(ops, tuple(outputs), seeds, last_use)

    def run(self, values: Mapping[Value, Floats], memory: int) -> list[Floats]:
        count = next((len(seed) for seed in self.seeds.values()), 0)
        found = [np.zeros((count, *shape_of(value))) for value in self.outputs]
        size = max(1, memory // max(1, 8 * self._numbers_alive()))
        for start in range(0, count, size):
            part = {value: seed[start : start + size] for value, seed in self.seeds.items()}
            moved = self._chunk(values, part)
            for array, value in zip(found, self.outputs, strict=True):
                if value in moved:
                    array[start : start + size] = moved[value]
        return found

    def _chunk(self, values: Mapping[Value, Floats], seeds: Mapping[Value, Floats]) -> dict[Value, Floats]:
        moved = dict(seeds)
        for index, op in enumerate(self.ops):
            operands = op.operands
            pushed = push(op, [values[v] for v in operands], values[op.result], [moved.get(v) for v in operands])
            if pushed is not None:
                moved[op.result] = pushed
            for value in operands:
                if self.last_use[value] == index:
                    moved.pop(value, None)
        return moved

    def _numbers_alive(self) -> int:
        """The most numbers that the tangents of one direction hold at a time, temporaries included."""
        alive = {value: _size(value) for value in self.seeds}
        most = sum(alive.values())
        for index, op in enumerate(self.ops):
            alive[op.result] = _size(op.result)
            most = max(most, sum(alive.values()) + alive[op.result])
            for value in op.operands:
                if self.last_use[value] == index:
                    alive.pop(value, None)
        return most


def _size(value: Value) -> int:
    return prod(shape_of(value))


def _seeds(
    func: Func, tangents: Mapping[str, Floats], argument_tangents: Sequence[Floats | None]
) -> dict[Value, Floats]:
    declared = {op.symbol: op.result for op in func.ops if isinstance(op, nn.ParameterOp | problem.VariableOp)}
    if missing := [symbol for symbol in tangents if symbol not in declared]:
        raise Invalid(f"@{func.name} declares no `{missing[0]}`")
    seeds = {declared[symbol]: np.asarray(tangent, np.float64) for symbol, tangent in tangents.items()}
    if argument_tangents and len(argument_tangents) != len(func.arguments):
        raise Invalid(f"@{func.name} takes {len(func.arguments)} arguments")
    pairs = zip(func.arguments, argument_tangents, strict=False)
    seeds.update((value, np.asarray(tangent, np.float64)) for value, tangent in pairs if tangent is not None)
    counts = {seed.shape[0] if seed.ndim else -1 for seed in seeds.values()}
    if len(counts) > 1 or any(seed.shape[1:] != shape_of(value) for value, seed in seeds.items()):
        raise Invalid("tangents need one leading axis of the same length, then the shape of their input")
    return seeds


def _between(func: Func, outputs: Sequence[Value], seeds: Mapping[Value, Floats]) -> tuple[Op, ...]:
    """The ops that depend on a seed and that an output depends on, in order."""
    active = set(seeds)
    moved = []
    for op in func.ops:
        if op.results and not active.isdisjoint(op.operands):
            active.update(op.results)
            moved.append(op)
    needed = set(outputs)
    kept = []
    for op in reversed(moved):
        if not needed.isdisjoint(op.results):
            needed.update(op.operands)
            kept.append(op)
    return tuple(reversed(kept))

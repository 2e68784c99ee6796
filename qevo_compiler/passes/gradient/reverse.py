"""Reverse-mode differentiation of straight-line funcs."""

from __future__ import annotations

from collections.abc import Sequence

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.model import NoDerivative
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.ir import Builder, Func, Op, Value, remove_dead
from qevo_compiler.passes.gradient.emit import add, full
from qevo_compiler.passes.gradient.rules import rule_for


def ancestors(func: Func, *values: Value) -> frozenset[Value]:
    """The given values and all that they are computed from."""
    needed = set(values)
    for op in reversed(func.ops):
        if not needed.isdisjoint(op.results):
            needed.update(op.operands)
    return frozenset(needed)


def differentiate(func: Func, objective: Value, sources: Sequence[Value], name: str = "gradient") -> Func:
    """A func that returns `objective` and its derivative with respect to each of `sources`, in order.

    It has the arguments of `func` and copies of its declarations; ops without results (statements)
    are left out, and so is dead code. A source that the objective does not depend on gets zeros. Work and
    ops are a small multiple of those of `func`. Raises `CompileError` (`NoDerivative`) for an op on
    the way that has no derivative.
    """
    builder = Builder(name)
    names = {value: builder.argument(value.type) for value in func.arguments}
    for op in func.ops:
        if op.results:
            names.update(zip(op.results, builder.append(op.map_operands(names.__getitem__)), strict=True))
    targets = [names[value] for value in sources]
    adjoints = _sweep(builder, names[objective], targets)
    builder.span = None
    found = [adjoints.get(value) or full(builder, shape_of(value), 0.0) for value in targets]
    return remove_dead(builder.finish(names[objective], *found))


def _sweep(builder: Builder, objective: Value, sources: Sequence[Value]) -> dict[Value, Value]:
    """Adds the adjoint ops; the adjoint of every value between `sources` and `objective`."""
    forward = tuple(builder.ops)
    active = _active(forward, sources)
    adjoints = {objective: full(builder, shape_of(objective), 1.0)} if objective in active else {}
    for op in reversed(forward):
        if op.results and op.result in adjoints and not active.isdisjoint(op.operands):
            builder.span = op.span
            for operand, share in zip(op.operands, _shares(builder, op, adjoints[op.result]), strict=True):
                if share is not None and operand in active:
                    adjoints[operand] = add(builder, adjoints[operand], share) if operand in adjoints else share
    return adjoints


def _active(ops: Sequence[Op], sources: Sequence[Value]) -> set[Value]:
    """The values that depend on `sources`."""
    active = set(sources)
    for op in ops:
        if not active.isdisjoint(op.operands):
            active.update(op.results)
    return active


def _shares(builder: Builder, op: Op, adjoint: Value) -> tuple[Value | None, ...]:
    rule = rule_for(op)
    if rule is None:
        raise CompileError(NoDerivative(op.span, op.name))
    return rule(builder, op, adjoint)

"""Local rewriting of straight-line funcs."""

from __future__ import annotations

from collections.abc import Callable

from qevo_compiler.ir.build import Builder
from qevo_compiler.ir.module import Func
from qevo_compiler.ir.ops import Op, Value

Rule = Callable[[Op, Builder], tuple[Value, ...] | None]


def rewrite(func: Func, rule: Rule) -> Func:
    """Replace ops by what `rule` builds for them.

    `rule` gets each op with its operands already replaced and a builder positioned before it. It
    returns None to keep the op, or the values that stand for its results (an empty tuple removes an
    op without results). The same object comes back when the rule keeps every op.
    """
    builder = Builder(func.name)
    names: dict[Value, Value] = {arg: builder.argument(arg.type) for arg in func.arguments}
    changed = False
    for op in func.ops:
        mapped = op.map_operands(names.__getitem__)
        builder.span = op.span
        replacement = rule(mapped, builder)
        changed |= replacement is not None
        names.update(zip(op.results, builder.append(mapped) if replacement is None else replacement, strict=True))
    return builder.finish(*(names[value] for value in func.returns)) if changed else func


def remove_dead(func: Func) -> Func:
    """Drop ops whose results nobody uses; ops without results are kept."""
    live: set[Value] = set(func.returns)
    dead: set[int] = set()
    for index in range(len(func.ops) - 1, -1, -1):
        op = func.ops[index]
        if op.results and not live.intersection(op.results) and op.pure:
            dead.add(index)
        else:
            live.update(op.operands)
    if not dead:
        return func
    builder = Builder(func.name)
    names = {arg: builder.argument(arg.type) for arg in func.arguments}
    for index, op in enumerate(func.ops):
        if index not in dead:
            names.update(zip(op.results, builder.append(op.map_operands(names.__getitem__)), strict=True))
    return builder.finish(*(names[value] for value in func.returns))

"""The func `@stated`: the problem as it is judged when samples are decoded."""

from __future__ import annotations

from qevo_compiler.ir import Func

_DIRECTIVES = frozenset({"problem.approximate", "problem.train", "problem.linearize"})


def stated(main: Func) -> Func:
    """A tensor func without its directives, kept before something else stands for parts of it."""
    kept = tuple(op for op in main.ops if op.name.startswith(("nn.", "problem.")) and op.name not in _DIRECTIVES)
    return Func("stated", (), kept)

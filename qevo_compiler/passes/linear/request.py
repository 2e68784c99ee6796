"""What the passes of the Carleman route read off a module, and how they put ops into it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qevo_compiler.analyses.carleman.monomials import Floats
from qevo_compiler.analyses.carleman.stages import at_rest
from qevo_compiler.dialects import linear, problem
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.ir import Func, Module, Op
from qevo_compiler.source import Span


@dataclass(frozen=True)
class Request:
    """The step map of `@main`, the request for its lift, and the chunk of steps that one lift covers."""

    op: linear.MapOp
    asked: problem.LinearizeOp | None

    @staticmethod
    def of(func: Func) -> Request:
        return Request(func.only(linear.MapOp), func.first(problem.LinearizeOp))

    @property
    def chunk(self) -> StepMap:
        """The steps before the first re-upload: all of them without one."""
        every = self.asked.reupload if self.asked else None
        steps = self.op.map
        return steps if every is None or every >= steps.updates else steps.window(0, every * steps.stage_count)

    @property
    def start(self) -> Floats:
        """u(0) = x(0) - pivot."""
        return at_rest(self.op.map, np.asarray(self.op.start.values - self.op.pivot.values))

    @property
    def span(self) -> Span | None:
        return self.asked.span if self.asked and self.asked.span else self.op.span


def with_op(module: Module, op: Op) -> Module:
    """`module` with `op` in place of the op of its class in `@main`, or at the end; the same object if it is there."""
    main = module.main
    old = next((present for present in main.ops if type(present) is type(op)), None)
    if old == op:
        return module
    if old is None:
        return module.with_main(replace(main, ops=(*main.ops, op)))
    return module.with_main(replace(main, ops=tuple(op if present is old else present for present in main.ops)))


HISTORY_FUNC = "history"


def history_func(main: Func, *more: Op) -> Func:
    """`@history`: the ops of the Carleman route, kept for reading answers once `@main` holds what they became."""
    kinds = (linear.MapOp, linear.LiftOp, linear.HistoryOp, problem.LinearizeOp)
    return Func(HISTORY_FUNC, (), (*(op for op in main.ops if isinstance(op, kinds)), *more))


def history_of(module: Module) -> Func | None:
    """The func of a module that states its history system: `@history`, else `@main`, or None."""
    kept = module.find(HISTORY_FUNC)
    if kept is not None:
        return kept
    return module.main if module.main.first(linear.HistoryOp) else None

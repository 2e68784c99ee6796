"""Checking modules: definitions before uses, inferred types, op invariants, legal sets."""

from __future__ import annotations

from dataclasses import dataclass

from qevo_compiler.ir.module import Func, Module
from qevo_compiler.ir.ops import Invalid, Op


@dataclass(frozen=True)
class Legal:
    """The ops that `@main` may hold at a stage."""

    name: str
    ops: frozenset[type[Op]]

    def __contains__(self, kind: type[Op]) -> bool:
        return kind in self.ops


_SOUND = "_sound"


def verify(module: Module) -> None:
    """Raise `Invalid`, naming func and op, when an invariant of the module is broken."""
    names = [func.name for func in module.funcs]
    if len(set(names)) != len(names):
        raise Invalid("two funcs share a name")
    for func in module.funcs:
        _verify_func(func)


def _verify_func(func: Func) -> None:
    own = vars(func)
    if _SOUND not in own:  # funcs never change: one that most passes leave alone is looked at once
        _verify_ops(func)
        own[_SOUND] = True


def _verify_ops(func: Func) -> None:
    defined = {value.index: value for value in func.arguments}
    for op in func.ops:
        for value in op.operands:
            known = defined.get(value.index)
            if known is not value and known != value:
                raise Invalid(f"@{func.name}: {op.name} uses %{value.index} before it is defined")
        try:
            _verify_once(op)
            inferred = op.result_types()
        except Invalid as error:
            raise Invalid(f"@{func.name}: {op.name}: {error}") from None
        if inferred != tuple([value.type for value in op.results]):
            raise Invalid(f"@{func.name}: {op.name}: result types do not follow from its operands")
        defined.update([(value.index, value) for value in op.results])
    if missing := [value for value in func.returns if defined.get(value.index) != value]:
        raise Invalid(f"@{func.name} returns %{missing[0].index}, which is not defined")


def _verify_once(op: Op) -> None:
    own = vars(op)
    if _SOUND not in own:  # ops never change either, and most passes hand most of them on
        op.verify()
        own[_SOUND] = True


def first_illegal(module: Module, legal: Legal) -> Op | None:
    """The first op of `@main` that the legal set does not hold, or None."""
    kinds = legal.ops
    for op in module.main.ops:
        if type(op) not in kinds:
            return op
    return None

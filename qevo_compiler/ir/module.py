"""Modules and funcs: immutable, straight-line, compared by structure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from qevo_compiler.ir.ledger import LedgerEntry
from qevo_compiler.ir.ops import Invalid, Op, Value

OpT = TypeVar("OpT", bound=Op)


@dataclass(frozen=True)
class Func:
    """A named function: arguments, ops in order, returned values.

    Values are numbered in order of definition, arguments first, so equal structure means equal funcs.
    """

    name: str
    arguments: tuple[Value, ...] = ()
    ops: tuple[Op, ...] = ()
    returns: tuple[Value, ...] = ()

    def ops_of(self, kind: type[OpT]) -> tuple[OpT, ...]:
        """The ops of class `kind`, in order."""
        return tuple([op for op in self.ops if isinstance(op, kind)])

    def only(self, kind: type[OpT]) -> OpT:
        """The one op of class `kind`; raises `Invalid` when there is none or more than one."""
        found = self.ops_of(kind)
        if len(found) != 1:
            raise Invalid(f"@{self.name} has {len(found)} ops `{kind.name}` where one was expected")
        return found[0]

    def first(self, kind: type[OpT]) -> OpT | None:
        """The first op of class `kind`, or None."""
        for op in self.ops:
            if isinstance(op, kind):
                return op
        return None

    def definitions(self) -> dict[Value, Op]:
        """The op that defines each result."""
        return {value: op for op in self.ops for value in op.results}


@dataclass(frozen=True)
class Module:
    """One compilation unit: what passes take and return.

    By convention `@main` is what is being lowered, `@problem` keeps the polynomial problem over the
    source's own variables (samples are decoded and judged against it), and `@loss` and `@gradient`
    keep a traced model's tensor funcs.
    """

    name: str
    funcs: tuple[Func, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()

    def __iter__(self) -> Iterator[Func]:
        return iter(self.funcs)

    @property
    def main(self) -> Func:
        return self.func("main")

    def func(self, name: str) -> Func:
        """The func of that name; raises `Invalid` when there is none."""
        found = self.find(name)
        if found is None:
            raise Invalid(f"the module has no func @{name}")
        return found

    def find(self, name: str) -> Func | None:
        for func in self.funcs:
            if func.name == name:
                return func
        return None

    def with_func(self, func: Func) -> Module:
        """This module with `func` in place of the func of the same name, or added at the end."""
        old = self.find(func.name)
        if old is func:
            return self
        funcs = (*self.funcs, func) if old is None else tuple([func if f is old else f for f in self.funcs])
        return Module(self.name, funcs, self.ledger)

    def with_main(self, func: Func) -> Module:
        return self.with_func(func if func.name == "main" else replace(func, name="main"))

    def record(self, *entries: LedgerEntry) -> Module:
        """This module with entries added to its ledger; an entry already there is not repeated."""
        new = tuple(dict.fromkeys(entry for entry in entries if entry not in self.ledger))
        return Module(self.name, self.funcs, (*self.ledger, *new)) if new else self

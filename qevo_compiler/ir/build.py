"""Building funcs op by op."""

from __future__ import annotations

from qevo_compiler.ir.attributes import Type
from qevo_compiler.ir.module import Func
from qevo_compiler.ir.ops import Op, Value, with_fields
from qevo_compiler.source import Span


class Builder:
    """Collects ops and numbers their results. `span` is given to ops that come without one."""

    def __init__(self, name: str = "main") -> None:
        self.name = name
        self.span: Span | None = None
        self.ops: list[Op] = []
        self._arguments: list[Value] = []
        self._count = 0

    def argument(self, type: Type) -> Value:
        """A new argument; all arguments come before the first op."""
        value = self._fresh(type)
        self._arguments.append(value)
        return value

    def append(self, op: Op, span: Span | None = None) -> tuple[Value, ...]:
        """Add `op`; its results, freshly numbered and typed by inference. `span` goes before the op's own."""
        span = span or op.span or self.span
        types = op.result_types()
        if not types and span is op.span and not op.results:
            self.ops.append(op)
            return ()
        first = self._count
        results = tuple([Value(place, type) for place, type in enumerate(types, first)])
        self._count = first + len(results)
        self.ops.append(with_fields(op, results=results, span=span))
        return results

    def add(self, op: Op, span: Span | None = None) -> Value:
        """Add an op with exactly one result and return that."""
        (result,) = self.append(op, span)
        return result

    def finish(self, *returns: Value) -> Func:
        return Func(self.name, tuple(self._arguments), tuple(self.ops), returns)

    def _fresh(self, type: Type) -> Value:
        self._count += 1
        return Value(self._count - 1, type)

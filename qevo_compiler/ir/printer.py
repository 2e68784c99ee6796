"""The text form of modules (`.qir`): exact, canonical, readable.

Floats print in their shortest round-trip form, fields in order of declaration, values by number.
Arrays of up to `INLINE` numbers stand in place; larger ones print as a digest and appear once, as
base64 of their little-endian bytes, in the data section at the end.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from qevo_compiler.ir.attributes import Array, Attribute, EnumAttribute
from qevo_compiler.ir.module import Func, Module
from qevo_compiler.ir.ops import Op, Value, signature
from qevo_compiler.source import Span

VERSION = 1
INLINE = 16


def print_module(module: Module) -> str:
    """The whole text of a module, ending with a newline."""
    return "".join(module_chunks(module))


def module_chunks(module: Module, spans: bool = True) -> Iterator[str]:
    """The text in pieces, so that large data can be written without holding it twice.

    Without `spans` the text says nothing of where ops come from.
    """
    printer = _Printer(spans)
    yield f"qir {VERSION}\nmodule {json.dumps(module.name)} {{\n"
    for entry in module.ledger:
        yield f"  ledger {printer.attribute(entry)}\n"
    for func in module.funcs:
        yield from printer.func(func)
    yield "}\n"
    yield from printer.data()


def format_float(value: float) -> str:
    """Shortest decimal that reads back as the same double; always marked as a float."""
    text = repr(float(value))
    return text if any(c in text for c in ".einf") else f"{text}.0"


class _Printer:
    def __init__(self, spans: bool) -> None:
        self._spans = spans
        self._data: dict[str, Array] = {}

    def func(self, func: Func) -> Iterator[str]:
        arguments = ", ".join(f"%{v.index}: {self.attribute(v.type)}" for v in func.arguments)
        yield f"  func @{func.name}({arguments}) {{\n"
        for op in func.ops:
            yield f"    {self.op(op)}\n"
        if func.returns:
            yield f"    return {_values(func.returns)}\n"
        yield "  }\n"

    def op(self, op: Op) -> str:
        fields = signature(type(op))
        results = f"{_values(op.results)} = " if op.results else ""
        operands = ", ".join(filter(None, (_operand(getattr(op, name)) for name in fields.operands)))
        text = f"{results}{op.name}({operands})"
        if fields.attributes:
            text += f" {self._record(op, fields.attributes)}"
        if op.results:
            text += " : " + ", ".join(self.attribute(value.type) for value in op.results)
        return f"{text} {_location(op.span)}" if op.span and self._spans else text

    def attribute(self, value: Any) -> str:
        match value:
            case None:
                return "none"
            case bool():
                return "true" if value else "false"
            case EnumAttribute():
                return f"{type(value).__name__}.{value.name.lower()}"
            case int():
                return str(value)
            case float():
                return format_float(value)
            case str():
                return json.dumps(value)
            case Span():
                return _location(value)
            case tuple():
                return f"[{', '.join(map(self.attribute, value))}]"
            case Array():
                return self._array(value)
            case Attribute():
                names = tuple(f.name for f in dataclasses.fields(value))
                return f"{value.name}{self._record(value, names)}"
        raise TypeError(f"{type(value).__name__} is not an attribute value")

    def data(self) -> Iterator[str]:
        for digest, array in sorted(self._data.items()):
            yield f"data #{digest} "
            yield base64.b64encode(array.values.tobytes()).decode("ascii")
            yield "\n"

    def _record(self, holder: Any, names: tuple[str, ...]) -> str:
        return "{" + ", ".join(f"{name} = {self.attribute(getattr(holder, name))}" for name in names) + "}"

    def _array(self, array: Array) -> str:
        shape = "x".join(map(str, array.shape)) or "scalar"
        if array.size > INLINE:
            self._data[array.digest] = array
            return f"{array.dtype_name}<{shape}>#{array.digest}"
        numbers = ", ".join(map(self.attribute, array.values.reshape(-1).tolist()))
        return f"{array.dtype_name}<{shape}>({numbers})"


def _operand(value: Value | tuple[Value, ...] | None) -> str:
    if value is None:
        return "_"
    return _values(value if isinstance(value, tuple) else (value,))


def _values(values: tuple[Value, ...]) -> str:
    return ", ".join(f"%{value.index}" for value in values)


def _location(span: Span) -> str:
    return f"loc({json.dumps(span.file)}:{span.line}:{span.column}-{span.end_line}:{span.end_column})"

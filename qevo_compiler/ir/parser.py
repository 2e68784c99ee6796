"""Reading `.qir` text back into a module. Nothing in the text is executed."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import math
import re
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np

from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.ir import BadQir, InvalidModule, UnknownInQir
from qevo_compiler.ir.attributes import DTYPES, ENUMS, Array, Attribute, Type
from qevo_compiler.ir.fits import declared_types, describe, fits
from qevo_compiler.ir.ledger import LedgerEntry
from qevo_compiler.ir.module import Func, Module
from qevo_compiler.ir.ops import Invalid, Op, Value, signature
from qevo_compiler.ir.printer import VERSION
from qevo_compiler.ir.verify import verify
from qevo_compiler.source import SourceFile, Span

_TOKEN = re.compile(
    r"""(?P<space>[ \t\n]+|//[^\n]*)
      |(?P<string>"(?:[^"\\\n]|\\.)*")
      |(?P<array>(?:f64|f32|i64|i32|u8)<(?:scalar|\d+(?:x\d+)*)>(?:\#[0-9a-f]{32})?)
      |(?P<number>-?(?:\d+\.?\d*(?:e[+-]?\d+)?|inf)|nan)(?![\w.])
      |(?P<value>%\d+)
      |(?P<symbol>@[\w.$-]+)
      |(?P<name>[A-Za-z_][\w-]*(?:\.[\w-]+)*)
      |(?P<mark>[(){}\[\],:=-])""",
    re.VERBOSE,
)


def parse_module(source: SourceFile) -> Module:
    """The module that a `.qir` text states.

    Raises `CompileError` where the text is cut short or malformed, names an unknown op or attribute,
    refers to missing or damaged data, or states a module that does not verify.
    """
    text, data = _split_data(source)
    module = _Parser(source, text, data).module()
    try:
        verify(module)
    except Invalid as error:
        raise CompileError(InvalidModule(None, source.name, str(error))) from None
    return module


def _split_data(source: SourceFile) -> tuple[str, dict[str, str]]:
    start = source.text.find("\ndata #")
    if start < 0:
        return source.text, {}
    data = {}
    for line in source.text[start + 1 :].splitlines():
        word, _, encoded = line.partition(" ")[2].partition(" ")
        data[word.removeprefix("#")] = encoded
    return source.text[: start + 1], data


class _Parser:
    def __init__(self, source: SourceFile, text: str, data: dict[str, str]) -> None:
        self._source = source
        self._data = data
        self._tokens = list(self._scan(text))
        self._next = 0
        self._arrays: dict[str, Array] = {}
        self._values: dict[str, Value] = {}

    def module(self) -> Module:
        self._expect("qir")
        if self._take("number") != str(VERSION):
            self._fail(f"qir version {VERSION}")
        self._expect("module")
        name = json.loads(self._take("string"))
        self._expect("{")
        ledger = []
        while self._accept("ledger"):
            entry = self._attribute()
            if not isinstance(entry, LedgerEntry):
                self._fail("a ledger entry")
            ledger.append(entry)
        funcs = []
        while self._accept("func"):
            funcs.append(self._func())
        self._expect("}")
        self._take("end")
        return Module(name, tuple(funcs), tuple(ledger))

    def _func(self) -> Func:
        self._values = {}
        name = self._take("symbol")[1:]
        self._expect("(")
        arguments = []
        while self._kind() == "value":
            text = self._take("value")
            self._expect(":")
            arguments.append(self._define(text, self._type()))
            self._accept(",")
        self._expect(")")
        self._expect("{")
        ops: list[Op] = []
        returns: tuple[Value, ...] = ()
        while not self._accept("}"):
            if self._accept("return"):
                returns = tuple(self._use(text) for text in self._value_list())
            else:
                ops.append(self._op())
        return Func(name, tuple(arguments), tuple(ops), returns)

    def _op(self) -> Op:
        names = self._value_list()
        if names:
            self._expect("=")
        op_name = self._take("name")
        cls = Op.registry.get(op_name)
        if cls is None:
            self._unknown("op", op_name, Op.registry)
        fields = signature(cls)
        values = {**self._operands(fields.operands, fields.variadic)}
        if fields.attributes:
            values |= self._record(cls, fields.attributes)
        op: Op = self._construct(cls, values)
        types = []
        if self._accept(":"):
            types.append(self._type())
            while self._accept(","):
                types.append(self._type())
        if len(types) != len(names):
            self._fail("one type a result")
        results = tuple(self._define(name, type) for name, type in zip(names, types, strict=True))
        return replace(op, results=results, span=self._location() if self._text() == "loc" else None)

    def _operands(self, names: tuple[str, ...], variadic: bool) -> dict[str, Any]:
        self._expect("(")
        found: list[Value | None] = []
        while not self._accept(")"):
            found.append(None if self._accept("_") else self._use(self._take("value")))
            if self._text() != ")":
                self._expect(",")
        single = len(names) - variadic
        if len(found) < single or (len(found) > single and not variadic):
            self._fail(f"{single} operands")
        operands: dict[str, Any] = dict(zip(names, found, strict=False))
        if variadic:
            operands[names[-1]] = tuple(found[single:])
        return operands

    def _attribute(self) -> Any:
        kind, text = self._kind(), self._text()
        if kind == "string":
            return json.loads(self._take("string"))
        if kind == "number":
            return self._number(self._take("number"))
        if kind == "array":
            return self._array(self._take("array"))
        if self._accept("["):
            return self._tuple()
        if text == "loc":
            return self._location()
        name = self._take("name")
        if name in ("none", "true", "false"):
            return {"none": None, "true": True, "false": False}[name]
        if "." in name:
            return self._enum(name)
        cls = Attribute.registry.get(name)
        if cls is None:
            self._unknown("attribute", name, Attribute.registry)
        return self._construct(cls, self._record(cls, tuple(f.name for f in dataclasses.fields(cls))))

    def _record(self, cls: type, names: tuple[str, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        declared = declared_types(cls)
        self._expect("{")
        for index, name in enumerate(names):
            if index:
                self._expect(",")
            self._expect(name)
            self._expect("=")
            start = self._next
            values[name] = self._attribute()
            if not fits(values[name], declared[name]):
                self._next = start
                self._fail(f"{describe(declared[name])} for `{name}`")
        self._expect("}")
        return values

    def _tuple(self) -> tuple[Any, ...]:
        items = []
        while not self._accept("]"):
            items.append(self._attribute())
            if self._text() != "]":
                self._expect(",")
        return tuple(items)

    def _array(self, head: str) -> Array:
        if head in self._arrays:
            return self._arrays[head]
        described, _, digest = head.partition("#")
        dtype_name, _, shape_text = described[:-1].partition("<")
        shape = () if shape_text == "scalar" else tuple(map(int, shape_text.split("x")))
        dtype = DTYPES[dtype_name]
        if not digest:
            self._expect("(")
            numbers = []
            while not self._accept(")"):
                numbers.append(self._number(self._take("number")))
                self._accept(",")
            values = self._numbers(numbers, dtype)
        else:
            values = self._stored(digest, dtype)
        if values.size != math.prod(shape):
            self._fail(f"{shape_text} numbers")
        array = Array(values.reshape(shape))
        if digest:
            if array.digest != digest:
                self._fail("data that match their digest", digest)
            self._arrays[head] = array
        return array

    def _numbers(self, numbers: list[int | float], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        if dtype.kind != "f" and not all(isinstance(number, int) for number in numbers):
            self._fail("whole numbers in this array")
        try:
            return np.array(numbers, dtype)
        except OverflowError:
            self._fail(f"numbers that fit into {dtype.itemsize * 8} bits in this array")

    def _stored(self, digest: str, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        if digest not in self._data:
            self._fail("a data section for this digest (is the file cut short?)", digest)
        try:
            return np.frombuffer(base64.b64decode(self._data[digest], validate=True), dtype)
        except (binascii.Error, ValueError):
            self._fail("whole base64 data (is the file cut short?)", digest)

    def _enum(self, name: str) -> Any:
        cls, _, member = name.partition(".")
        if cls not in ENUMS or member.upper() not in ENUMS[cls].__members__:
            self._unknown("attribute", name, [f"{c}.{m.lower()}" for c in ENUMS for m in ENUMS[c].__members__])
        return ENUMS[cls][member.upper()]

    def _type(self) -> Type:
        found = self._attribute()
        if not isinstance(found, Type):
            self._fail("a type")
        return found

    def _location(self) -> Span:
        self._expect("loc")
        self._expect("(")
        file = json.loads(self._take("string"))
        numbers = []
        for mark in (":", ":", "-", ":"):
            # The second line's number is read together with the hyphen before it.
            if not (mark == "-" and self._text().startswith("-") and self._kind() == "number"):
                self._expect(mark)
            numbers.append(abs(self._whole()))
        self._expect(")")
        return Span(file, *numbers)

    def _whole(self) -> int:
        number = self._number(self._text()) if self._kind() == "number" else None
        if not isinstance(number, int):
            self._fail("a whole number")
        self._next += 1
        return number

    def _construct(self, cls: Any, values: dict[str, Any]) -> Any:
        try:
            return cls(**values)
        except (Invalid, TypeError, ValueError) as error:
            self._fail(f"a valid {cls.name} ({error})")

    def _number(self, text: str) -> int | float:
        return int(text) if text.lstrip("-").isdigit() else float(text)

    def _define(self, text: str, type: Type) -> Value:
        self._values[text] = Value(int(text[1:]), type)
        return self._values[text]

    def _use(self, text: str) -> Value:
        if text not in self._values:
            self._fail(f"a value defined before its use, not {text}")
        return self._values[text]

    def _value_list(self) -> list[str]:
        found = []
        while self._kind() == "value":
            found.append(self._take("value"))
            self._accept(",")
        return found

    def _scan(self, text: str) -> Any:
        position = line = 0
        start_of_line = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            column = position - start_of_line + 1
            here = Span(self._source.name, line + 1, column, line + 1, column + (len(match[0]) if match else 1))
            if match is None:
                yield "unknown", text[position], here  # no rule takes it, so the parser stops here at the latest
                return
            if match.lastgroup != "space":
                yield match.lastgroup, match.group(), here
            newlines = match.group().count("\n")
            if newlines:
                line += newlines
                start_of_line = position + match.group().rfind("\n") + 1
            position = match.end()
        yield (
            "end",
            "",
            Span(self._source.name, line + 1, position - start_of_line + 1, line + 1, position - start_of_line + 2),
        )

    def _kind(self) -> str:
        return str(self._tokens[self._next][0])

    def _text(self) -> str:
        return str(self._tokens[self._next][1])

    def _accept(self, text: str) -> bool:
        if self._text() == text and self._kind() in ("name", "mark"):
            self._next += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            self._fail(f"`{text}`")

    def _take(self, kind: str) -> str:
        if self._kind() != kind:
            self._fail(f"the {kind} of the text" if kind == "end" else f"a {kind}")
        self._next += 1
        return str(self._tokens[self._next - 1][1])

    def _fail(self, expected: str, found: str | None = None) -> NoReturn:
        text = self._text() if found is None else found
        span = self._tokens[min(self._next, len(self._tokens) - 1)][2]
        raise CompileError(BadQir(span, expected, f"`{text}`" if text else "the end of the file"))

    def _unknown(self, what: str, name: str, known: Any) -> NoReturn:
        span = self._tokens[self._next - 1][2]
        raise CompileError(UnknownInQir(span, what, name, did_you_mean(name, known)))

"""Reading `.qir` text back into a module. Nothing in the text is executed."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.ir import InvalidModule
from qevo_compiler.ir.attributes import DTYPES, ENUMS, Array, Attribute, Type
from qevo_compiler.ir.fits import declared_types, describe, fits
from qevo_compiler.ir.ledger import LedgerEntry
from qevo_compiler.ir.module import Func, Module
from qevo_compiler.ir.ops import Invalid, Op, Value, signature
from qevo_compiler.ir.printer import VERSION
from qevo_compiler.ir.tokens import Cursor
from qevo_compiler.ir.verify import verify
from qevo_compiler.source import SourceFile, Span


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


class _Parser(Cursor):
    def __init__(self, source: SourceFile, text: str, data: dict[str, str]) -> None:
        super().__init__(source, text)
        self._data = data
        self._arrays: dict[str, Array] = {}
        self._values: dict[str, Value] = {}

    def module(self) -> Module:
        self.expect("qir")
        if self.take("number") != str(VERSION):
            self.fail(f"qir version {VERSION}")
        self.expect("module")
        name = json.loads(self.take("string"))
        self.expect("{")
        ledger = []
        while self.accept("ledger"):
            entry = self._attribute()
            if not isinstance(entry, LedgerEntry):
                self.fail("a ledger entry")
            ledger.append(entry)
        funcs = []
        while self.accept("func"):
            funcs.append(self._func())
        self.expect("}")
        self.take("end")
        return Module(name, tuple(funcs), tuple(ledger))

    def _func(self) -> Func:
        self._values = {}
        name = self.take("symbol")[1:]
        self.expect("(")
        arguments = []
        while self.kind == "value":
            text = self.take("value")
            self.expect(":")
            arguments.append(self._define(text, self._type()))
            self.accept(",")
        self.expect(")")
        self.expect("{")
        ops: list[Op] = []
        returns: tuple[Value, ...] = ()
        while not self.accept("}"):
            if self.accept("return"):
                returns = tuple(self._use(text) for text in self._value_list())
            else:
                ops.append(self._op())
        return Func(name, tuple(arguments), tuple(ops), returns)

    def _op(self) -> Op:
        names = self._value_list()
        if names:
            self.expect("=")
        op_name = self.take("name")
        cls = Op.registry.get(op_name)
        if cls is None:
            self.unknown("op", op_name, Op.registry)
        fields = signature(cls)
        values = {**self._operands(fields.operands, fields.variadic)}
        if fields.attributes:
            values |= self._record(cls, fields.attributes)
        op: Op = self._construct(cls, values)
        types = []
        if self.accept(":"):
            types.append(self._type())
            while self.accept(","):
                types.append(self._type())
        if len(types) != len(names):
            self.fail("one type a result")
        results = tuple(self._define(name, type) for name, type in zip(names, types, strict=True))
        return replace(op, results=results, span=self._location() if self.text == "loc" else None)

    def _operands(self, names: tuple[str, ...], variadic: bool) -> dict[str, Any]:
        self.expect("(")
        found: list[Value | None] = []
        while not self.accept(")"):
            found.append(None if self.accept("_") else self._use(self.take("value")))
            if self.text != ")":
                self.expect(",")
        single = len(names) - variadic
        if len(found) < single or (len(found) > single and not variadic):
            self.fail(f"{single} operands")
        operands: dict[str, Any] = dict(zip(names, found, strict=False))
        if variadic:
            operands[names[-1]] = tuple(found[single:])
        return operands

    def _attribute(self) -> Any:
        kind, text = self.kind, self.text
        if kind == "string":
            return json.loads(self.take("string"))
        if kind == "number":
            return self._number(self.take("number"))
        if kind == "array":
            return self._array(self.take("array"))
        if self.accept("["):
            return self._tuple()
        if text == "loc":
            return self._location()
        name = self.take("name")
        if name in ("none", "true", "false"):
            return {"none": None, "true": True, "false": False}[name]
        if "." in name:
            return self._enum(name)
        cls = Attribute.registry.get(name)
        if cls is None:
            self.unknown("attribute", name, Attribute.registry)
        return self._construct(cls, self._record(cls, tuple(f.name for f in dataclasses.fields(cls))))

    def _record(self, cls: type, names: tuple[str, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        declared = declared_types(cls)
        self.expect("{")
        for index, name in enumerate(names):
            if index:
                self.expect(",")
            self.expect(name)
            self.expect("=")
            start = self.position
            values[name] = self._attribute()
            if not fits(values[name], declared[name]):
                self.position = start
                self.fail(f"{describe(declared[name])} for `{name}`")
        self.expect("}")
        return values

    def _tuple(self) -> tuple[Any, ...]:
        items = []
        while not self.accept("]"):
            items.append(self._attribute())
            if self.text != "]":
                self.expect(",")
        return tuple(items)

    def _array(self, head: str) -> Array:
        if head in self._arrays:
            return self._arrays[head]
        described, _, digest = head.partition("#")
        dtype_name, _, shape_text = described[:-1].partition("<")
        shape = () if shape_text == "scalar" else tuple(map(int, shape_text.split("x")))
        dtype = DTYPES[dtype_name]
        if not digest:
            self.expect("(")
            numbers = []
            while not self.accept(")"):
                numbers.append(self._number(self.take("number")))
                self.accept(",")
            values = self._numbers(numbers, dtype)
        else:
            values = self._stored(digest, dtype)
        if values.size != math.prod(shape):
            self.fail(f"{shape_text} numbers")
        array = Array(values.reshape(shape))
        if digest:
            if array.digest != digest:
                self.fail("data that match their digest", digest)
            self._arrays[head] = array
        return array

    def _numbers(self, numbers: list[int | float], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        if dtype.kind != "f" and not all(isinstance(number, int) for number in numbers):
            self.fail("whole numbers in this array")
        try:
            return np.array(numbers, dtype)
        except OverflowError:
            self.fail(f"numbers that fit into {dtype.itemsize * 8} bits in this array")

    def _stored(self, digest: str, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        if digest not in self._data:
            self.fail("a data section for this digest (is the file cut short?)", digest)
        try:
            return np.frombuffer(base64.b64decode(self._data[digest], validate=True), dtype)
        except (binascii.Error, ValueError):
            self.fail("whole base64 data (is the file cut short?)", digest)

    def _enum(self, name: str) -> Any:
        cls, _, member = name.partition(".")
        if cls not in ENUMS or member.upper() not in ENUMS[cls].__members__:
            self.unknown("attribute", name, [f"{c}.{m.lower()}" for c in ENUMS for m in ENUMS[c].__members__])
        return ENUMS[cls][member.upper()]

    def _type(self) -> Type:
        found = self._attribute()
        if not isinstance(found, Type):
            self.fail("a type")
        return found

    def _location(self) -> Span:
        self.expect("loc")
        self.expect("(")
        file = json.loads(self.take("string"))
        numbers = []
        for mark in (":", ":", "-", ":"):
            # The second line's number is read together with the hyphen before it.
            if not (mark == "-" and self.text.startswith("-") and self.kind == "number"):
                self.expect(mark)
            numbers.append(abs(self._whole()))
        self.expect(")")
        return Span(file, *numbers)

    def _whole(self) -> int:
        number = self._number(self.text) if self.kind == "number" else None
        if not isinstance(number, int):
            self.fail("a whole number")
        self.position += 1
        return number

    def _construct(self, cls: Any, values: dict[str, Any]) -> Any:
        try:
            return cls(**values)
        except (Invalid, TypeError, ValueError) as error:
            self.fail(f"a valid {cls.name} ({error})")

    def _number(self, text: str) -> int | float:
        return int(text) if text.lstrip("-").isdigit() else float(text)

    def _define(self, text: str, type: Type) -> Value:
        self._values[text] = Value(int(text[1:]), type)
        return self._values[text]

    def _use(self, text: str) -> Value:
        if text not in self._values:
            self.fail(f"a value defined before its use, not {text}")
        return self._values[text]

    def _value_list(self) -> list[str]:
        found = []
        while self.kind == "value":
            found.append(self.take("value"))
            self.accept(",")
        return found

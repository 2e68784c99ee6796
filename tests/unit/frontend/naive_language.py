"""The meaning of expressions, one number at a time, in plain Python: an oracle that shares no code with the compiler.

Arrays are nested lists, loops are loops. A choice is the position of its label.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

from qevo_compiler.grammar import ast


@dataclass(frozen=True)
class Chosen:
    """The value of a choice: the position of its label among `labels`."""

    place: int
    labels: tuple[str, ...]


FUNCTIONS = {
    "tanh": math.tanh,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "abs": abs,
    "relu": lambda v: max(v, 0.0),
    "sigmoid": lambda v: 1 / (1 + math.exp(-v)),
    "silu": lambda v: v / (1 + math.exp(-v)),
    "gelu": lambda v: 0.5 * v * (1 + math.erf(v / math.sqrt(2))),
}


def flat(value: Any) -> list[Any]:
    return [one for item in value for one in flat(item)] if isinstance(value, list) else [value]


def value_of(node: Any, names: dict[str, Any]) -> Any:
    """The value of a scalar expression, or of an array as nested lists, under the given names."""
    match node:
        case ast.Name(text):
            return names[text]
        case ast.Literal(value):
            return value
        case ast.LiteralArray(entries):
            return _listed(entries)
        case ast.Array(items):
            return [value_of(item, names) for item in items]
        case ast.Sum(terms):
            total = value_of(terms[0], names)
            for term in terms[1:]:
                total = total + value_of(term, names)
            return total
        case ast.Product(factors):
            return math.prod(value_of(factor, names) for factor in factors)
        case ast.Negate(operand):
            return -value_of(operand, names)
        case ast.Not(operand):
            return 1 - value_of(operand, names)
        case ast.Logical(op, operands):
            return _logical(op.value, [bool(value_of(o, names)) for o in operands])
        case ast.BinaryOp(op, left, right):
            return _binary(op.value, value_of(left, names), value_of(right, names))
        case ast.Compare(op, left, right):
            return _compare(op.value, left, right, names)
        case ast.Index(base, items):
            found = value_of(base, names)
            for item in items:
                index = value_of(item, names)
                found = found[index.place if isinstance(index, Chosen) else index]
            return found
        case ast.Call(function, arguments):
            return _call(function.text, [value_of(a, names) for a in arguments])
        case ast.Comprehension(function, body, generators, condition):
            rows = rows_of(generators, condition, names)
            return _call(function.text, [[value_of(body, row) for row in rows]])
    raise AssertionError(node)


def rows_of(generators: Any, condition: Any, names: dict[str, Any]) -> list[dict[str, Any]]:
    """The names at every step of the loops, in order."""
    rows = [dict(names)]
    for generator in generators:
        rows = [{**row, generator.index.text: step} for row in rows for step in _steps(generator.domain, row)]
    return [row for row in rows if condition is None or value_of(condition, row)]


def _steps(domain: Any, names: dict[str, Any]) -> Any:
    match domain:
        case ast.Range(start, stop):
            return range(value_of(start, names), value_of(stop, names))
        case ast.SetLiteral(items):
            return [value_of(item, names) for item in items]
    return value_of(domain, names)


def _listed(entries: Any) -> Any:
    return [_listed(e) for e in entries] if isinstance(entries, tuple) else entries


def _logical(op: str, operands: list[bool]) -> int:
    match op:
        case "and":
            return int(all(operands))
        case "or":
            return int(any(operands))
    return sum(operands) % 2


def _binary(op: str, x: Any, y: Any) -> Any:
    match op:
        case "/":
            return x / y
        case "//":
            return x // y
        case "%":
            return x % y
        case "^":
            return x**y
        case "=>":
            return int(not x or bool(y))
    if isinstance(x[0], list):
        return [sum(a * b for a, b in zip(row, y, strict=True)) for row in x]
    return sum(a * b for a, b in zip(x, y, strict=True))


def _compare(op: str, left: Any, right: Any, names: dict[str, Any]) -> int:
    def side(node: Any, other: Any) -> Any:
        if isinstance(node, ast.Name) and node.text not in names:
            assert node.text in value_of(other, names).labels
            return node.text
        value = value_of(node, names)
        return value.labels[value.place] if isinstance(value, Chosen) else value

    x, y = side(left, right), side(right, left)
    return int({"==": x == y, "!=": x != y, "<": x < y, ">": x > y, "<=": x <= y, ">=": x >= y}[op])


def _call(name: str, arguments: list[Any]) -> Any:
    if name in FUNCTIONS:
        return FUNCTIONS[name](arguments[0])
    if name == "dot":
        return sum(a * b for a, b in zip(*arguments, strict=True))
    if name == "len":
        return len(arguments[0])
    numbers = list(itertools.chain.from_iterable(map(flat, arguments)))
    match name:
        case "sum":
            return sum(numbers)
        case "prod":
            return math.prod(numbers)
        case "mean":
            return sum(numbers) / len(numbers)
        case "norm2":
            return sum(v * v for v in numbers)
        case "max":
            return max(numbers)
    return min(numbers)

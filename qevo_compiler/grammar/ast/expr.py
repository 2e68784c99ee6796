"""Expressions, and what all nodes share."""

from __future__ import annotations

from dataclasses import field
from enum import Enum
from typing import TypeAlias

from qevo_compiler.light import light
from qevo_compiler.source import Span

MAX_DEPTH = 100

Number: TypeAlias = int | float
"""A constant as written: `2` stays an int, `2.0` a float; `True` and `False` are constants too."""

Entries: TypeAlias = "tuple[Number | Entries, ...]"
"""Rows of a literal array, nested as written."""


class Comparison(Enum):
    EQ = "=="
    NE = "!="
    LE = "<="
    GE = ">="
    LT = "<"
    GT = ">"


class LogicalOperator(Enum):
    AND = "and"
    OR = "or"
    XOR = "xor"


class BinaryOperator(Enum):
    DIVIDE = "/"
    FLOOR_DIVIDE = "//"
    REMAINDER = "%"
    MATMUL = "@"
    POWER = "^"
    IMPLIES = "=>"


@light(kw_only=True)
class Node:
    span: Span = field(compare=False, repr=False)


@light()
class Identifier(Node):
    """A word that is not an expression: a declared name, a label, a function, an option."""

    text: str


@light()
class Expr(Node):
    """Anything that has a value."""


@light()
class Name(Expr):
    """A use of a name: data, variable, parameter, size, index variable or label."""

    text: str


@light()
class Literal(Expr):
    """A number or a truth value, never negative: `-2` is `Negate(Literal(2))`."""

    value: Number


@light()
class LiteralArray(Expr):
    """An array of constants; entries may be negative, and rows may differ in length."""

    entries: Entries


@light()
class Array(Expr):
    """An array with at least one item that is not a constant; `(a, b)` is written for `[a, b]` too."""

    items: tuple[Expr, ...]


@light()
class Sum(Expr):
    """Two or more terms; `a - b` is `Sum((a, Negate(b)))`. The first term is never a `Sum`."""

    terms: tuple[Expr, ...]


@light()
class Product(Expr):
    """Two or more factors joined by `*`. The first factor is never a `Product`."""

    factors: tuple[Expr, ...]


@light()
class Negate(Expr):
    operand: Expr


@light()
class Not(Expr):
    operand: Expr


@light()
class BinaryOp(Expr):
    op: BinaryOperator
    left: Expr
    right: Expr


@light()
class Logical(Expr):
    """Two or more operands joined by one operator; the first is never joined by the same one."""

    op: LogicalOperator
    operands: tuple[Expr, ...]


@light()
class Compare(Expr):
    op: Comparison
    left: Expr
    right: Expr


@light()
class Transpose(Expr):
    operand: Expr


@light()
class Slice(Node):
    """`start:stop:step` inside an index, each part optional."""

    start: Expr | None
    stop: Expr | None
    step: Expr | None


@light()
class Index(Expr):
    base: Expr
    items: tuple[Expr | Slice, ...]


@light()
class Call(Expr):
    function: Identifier
    arguments: tuple[Expr, ...]


@light()
class Range(Node):
    """`start..stop`, half open."""

    start: Expr
    stop: Expr


@light()
class SetLiteral(Node):
    """`{a, b}`: labels or constants to iterate over, in the order written."""

    items: tuple[Expr, ...]


@light()
class Generator(Node):
    """`for index in domain`; an expression as domain is iterated over its first axis."""

    index: Identifier
    domain: Range | SetLiteral | Expr


@light()
class Comprehension(Expr):
    """`function(body for .. in .. if condition)`; the first generator is the outermost."""

    function: Identifier
    body: Expr
    generators: tuple[Generator, ...]
    condition: Expr | None

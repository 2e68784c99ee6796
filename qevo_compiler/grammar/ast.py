"""The syntax tree of a `.qevo` program.

Nodes are frozen and compare by content: spans take no part in equality or in `repr`. Sums, products
and chains of `and`, `or` and `xor` are flat, so a sum of thousands of terms is one node; everything
else nests at most `MAX_DEPTH` deep, which makes recursion over an expression safe.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias, TypeVar

from qevo_compiler.source import Span

MAX_DEPTH = 100

Number: TypeAlias = int | float
"""A constant as written: `2` stays an int, `2.0` a float; `True` and `False` are constants too."""

Entries: TypeAlias = "tuple[Number | Entries, ...]"
"""Rows of a literal array, nested as written."""

StatementT = TypeVar("StatementT", bound="Statement")


class DataType(Enum):
    INT = "int"
    REAL = "real"
    BOOL = "bool"


class Encoding(Enum):
    LOG = "log"
    UNARY = "unary"
    ONEHOT = "onehot"
    DOMAINWALL = "domainwall"


class Sense(Enum):
    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


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


@dataclass(frozen=True, kw_only=True)
class Node:
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Identifier(Node):
    """A word that is not an expression: a declared name, a label, a function, an option."""

    text: str


# Expressions


@dataclass(frozen=True)
class Expr(Node):
    """Anything that has a value."""


@dataclass(frozen=True)
class Name(Expr):
    """A use of a name: data, variable, parameter, size, index variable or label."""

    text: str


@dataclass(frozen=True)
class Literal(Expr):
    """A number or a truth value, never negative: `-2` is `Negate(Literal(2))`."""

    value: Number


@dataclass(frozen=True)
class LiteralArray(Expr):
    """An array of constants; entries may be negative, and rows may differ in length."""

    entries: Entries


@dataclass(frozen=True)
class Array(Expr):
    """An array with at least one item that is not a constant; `(a, b)` is written for `[a, b]` too."""

    items: tuple[Expr, ...]


@dataclass(frozen=True)
class Sum(Expr):
    """Two or more terms; `a - b` is `Sum((a, Negate(b)))`. The first term is never a `Sum`."""

    terms: tuple[Expr, ...]


@dataclass(frozen=True)
class Product(Expr):
    """Two or more factors joined by `*`. The first factor is never a `Product`."""

    factors: tuple[Expr, ...]


@dataclass(frozen=True)
class Negate(Expr):
    operand: Expr


@dataclass(frozen=True)
class Not(Expr):
    operand: Expr


@dataclass(frozen=True)
class BinaryOp(Expr):
    op: BinaryOperator
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Logical(Expr):
    """Two or more operands joined by one operator; the first is never joined by the same one."""

    op: LogicalOperator
    operands: tuple[Expr, ...]


@dataclass(frozen=True)
class Compare(Expr):
    op: Comparison
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Transpose(Expr):
    operand: Expr


@dataclass(frozen=True)
class Slice(Node):
    """`start:stop:step` inside an index, each part optional."""

    start: Expr | None
    stop: Expr | None
    step: Expr | None


@dataclass(frozen=True)
class Index(Expr):
    base: Expr
    items: tuple[Expr | Slice, ...]


@dataclass(frozen=True)
class Call(Expr):
    function: Identifier
    arguments: tuple[Expr, ...]


@dataclass(frozen=True)
class Range(Node):
    """`start..stop`, half open."""

    start: Expr
    stop: Expr


@dataclass(frozen=True)
class SetLiteral(Node):
    """`{a, b}`: labels or constants to iterate over, in the order written."""

    items: tuple[Expr, ...]


@dataclass(frozen=True)
class Generator(Node):
    """`for index in domain`; an expression as domain is iterated over its first axis."""

    index: Identifier
    domain: Range | SetLiteral | Expr


@dataclass(frozen=True)
class Comprehension(Expr):
    """`function(body for .. in .. if condition)`; the first generator is the outermost."""

    function: Identifier
    body: Expr
    generators: tuple[Generator, ...]
    condition: Expr | None


# Statements


@dataclass(frozen=True)
class Statement(Node):
    """One line of a program."""


@dataclass(frozen=True)
class Interval(Node):
    """`[low, high]`, both ends included."""

    low: Expr
    high: Expr


@dataclass(frozen=True)
class Grid(Node):
    """`in [low, high] bits b`: 2^b equally spaced points, both ends included."""

    interval: Interval
    bits: Expr


@dataclass(frozen=True)
class File(Node):
    """`from "path"` or `from "path.npz:key"`."""

    text: str

    @property
    def path(self) -> str:
        return self._parts[0]

    @property
    def key(self) -> str | None:
        """The array's name inside the file, if one is given."""
        return self._parts[1]

    @property
    def _parts(self) -> tuple[str, str | None]:
        path, colon, key = self.text.partition(".npz:")
        return (path + ".npz", key) if colon else (self.text, None)


@dataclass(frozen=True)
class Data(Statement):
    """Constants; without a value the caller has to supply them by name."""

    name: Identifier
    dtype: DataType
    shape: tuple[Expr, ...]
    value: Expr | File | None


@dataclass(frozen=True)
class BinaryDomain(Node):
    pass


@dataclass(frozen=True)
class SpinDomain(Node):
    pass


@dataclass(frozen=True)
class IntDomain(Node):
    interval: Interval
    encoding: Encoding | None


@dataclass(frozen=True)
class RealDomain(Node):
    grid: Grid


@dataclass(frozen=True)
class ChoiceDomain(Node):
    labels: tuple[Identifier, ...]


Domain: TypeAlias = BinaryDomain | SpinDomain | IntDomain | RealDomain | ChoiceDomain


@dataclass(frozen=True)
class Var(Statement):
    name: Identifier
    domain: Domain
    shape: tuple[Expr, ...]


@dataclass(frozen=True)
class Param(Statement):
    name: Identifier
    shape: tuple[Expr, ...]
    start: Expr | File
    grid: Grid | None


@dataclass(frozen=True)
class Let(Statement):
    name: Identifier
    value: Expr


@dataclass(frozen=True)
class Where(Statement):
    """A size and its value. `where` at the end of a declaration becomes a statement after it."""

    name: Identifier
    value: Expr


@dataclass(frozen=True)
class Objective(Statement):
    sense: Sense
    value: Expr


@dataclass(frozen=True)
class Constraint(Statement):
    """`name[indices]: left op right for .. if .. weight w`; `op` is one of EQ, LE, GE."""

    name: Identifier
    indices: tuple[Identifier, ...]
    left: Expr
    op: Comparison
    right: Expr
    generators: tuple[Generator, ...]
    condition: Expr | None
    weight: Expr | None


@dataclass(frozen=True)
class Argument(Node):
    """One option of a directive; `name` is None for one given by position."""

    name: Identifier | None
    value: Expr


@dataclass(frozen=True)
class Anneal(Statement):
    """`anneal method(arguments)`; the checker knows the methods and their options."""

    method: Identifier
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Train(Statement):
    method: Identifier
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Linearize(Statement):
    method: Identifier
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Sample(Statement):
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Approximate(Statement):
    """`approximate function degree = d on [low, high]`; without `on` the range is computed."""

    function: Identifier
    degree: Expr
    interval: Interval | None


@dataclass(frozen=True)
class Program(Node):
    """A whole file; statements in the order written, at most one of them an `Objective`."""

    name: Identifier
    statements: tuple[Statement, ...]

    def select(self, kind: type[StatementT]) -> tuple[StatementT, ...]:
        """The statements of one class, in the order written."""
        return tuple(s for s in self.statements if isinstance(s, kind))

    @property
    def objective(self) -> Objective | None:
        return next(iter(self.select(Objective)), None)


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below `node`, in the order of its fields."""
    if isinstance(node, LiteralArray):
        return
    for name in node.__dataclass_fields__:
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from value


def walk(node: Node) -> Iterator[Node]:
    """`node` and every node below it, parents first, without recursion."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(tuple(children(node))))

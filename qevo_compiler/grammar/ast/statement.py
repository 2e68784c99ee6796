"""Statements and whole programs."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias, TypeVar

from qevo_compiler.grammar.ast.expr import Comparison, Expr, Generator, Identifier, Node
from qevo_compiler.light import light

StatementT = TypeVar("StatementT", bound="Statement")


class DataType(Enum):
    INT = "int"
    REAL = "real"
    BOOL = "bool"


class Encoding(Enum):
    LOG = "log"
    BOUNDED = "bounded"
    UNARY = "unary"
    ONEHOT = "onehot"
    DOMAINWALL = "domainwall"
    ORDER = "order"


class Sense(Enum):
    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


@light()
class Statement(Node):
    """One line of a program."""


@light()
class Interval(Node):
    """`[low, high]`, both ends included."""

    low: Expr
    high: Expr


@light()
class Grid(Node):
    """`in [low, high] bits b`: 2^b equally spaced points, both ends included."""

    interval: Interval
    bits: Expr


@light()
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


@light()
class Data(Statement):
    """Constants; without a value the caller has to supply them by name."""

    name: Identifier
    dtype: DataType
    shape: tuple[Expr, ...]
    value: Expr | File | None


@light()
class BinaryDomain(Node):
    pass


@light()
class SpinDomain(Node):
    pass


@light()
class IntDomain(Node):
    interval: Interval
    encoding: Encoding | None


@light()
class RealDomain(Node):
    grid: Grid


@light()
class ChoiceDomain(Node):
    labels: tuple[Identifier, ...]


Domain: TypeAlias = BinaryDomain | SpinDomain | IntDomain | RealDomain | ChoiceDomain


@light()
class Var(Statement):
    name: Identifier
    domain: Domain
    shape: tuple[Expr, ...]


@light()
class Param(Statement):
    name: Identifier
    shape: tuple[Expr, ...]
    start: Expr | File
    grid: Grid | None


@light()
class Let(Statement):
    name: Identifier
    value: Expr


@light()
class Where(Statement):
    """A size and its value. `where` at the end of a declaration becomes a statement after it."""

    name: Identifier
    value: Expr


@light()
class Objective(Statement):
    sense: Sense
    value: Expr


@light()
class Constraint(Statement):
    """`name[indices]: left op right for .. if .. weight w`; `op` is one of EQ, NE, LE, GE.

    With `last` it says `left op right op last`, and `op` is LE or GE.
    """

    name: Identifier
    indices: tuple[Identifier, ...]
    left: Expr
    op: Comparison
    right: Expr
    last: Expr | None
    generators: tuple[Generator, ...]
    condition: Expr | None
    weight: Expr | None


@light()
class Argument(Node):
    """One option of a directive; `name` is None for one given by position."""

    name: Identifier | None
    value: Expr


@light()
class Anneal(Statement):
    """`anneal method(arguments)`; the checker knows the methods and their options."""

    method: Identifier
    arguments: tuple[Argument, ...]


@light()
class Train(Statement):
    method: Identifier
    arguments: tuple[Argument, ...]


@light()
class Linearize(Statement):
    method: Identifier
    arguments: tuple[Argument, ...]


@light()
class Sample(Statement):
    arguments: tuple[Argument, ...]


@light()
class Approximate(Statement):
    """`approximate function degree = d on [low, high]`; without `on` the range is computed."""

    function: Identifier
    degree: Expr
    interval: Interval | None


@light()
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

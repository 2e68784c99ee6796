"""Statements and whole programs."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias, TypeVar

from qevo_compiler.grammar.ast.expr import Comparison, Expr, Generator, Identifier, Node
from qevo_compiler.records import record

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


@record()
class Statement(Node):
    """One line of a program."""


@record()
class Interval(Node):
    """`[low, high]`, both ends included."""

    low: Expr
    high: Expr


@record()
class Grid(Node):
    """`in [low, high] bits b`: 2^b equally spaced points, both ends included."""

    interval: Interval
    bits: Expr


@record()
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


@record()
class Data(Statement):
    """Constants; without a value the caller has to supply them by name."""

    name: Identifier
    dtype: DataType
    shape: tuple[Expr, ...]
    value: Expr | File | None


@record()
class BinaryDomain(Node):
    pass


@record()
class SpinDomain(Node):
    pass


@record()
class IntDomain(Node):
    interval: Interval
    encoding: Encoding | None


@record()
class RealDomain(Node):
    grid: Grid


@record()
class ChoiceDomain(Node):
    labels: tuple[Identifier, ...]


Domain: TypeAlias = BinaryDomain | SpinDomain | IntDomain | RealDomain | ChoiceDomain


@record()
class Var(Statement):
    name: Identifier
    domain: Domain
    shape: tuple[Expr, ...]


@record()
class Param(Statement):
    name: Identifier
    shape: tuple[Expr, ...]
    start: Expr | File
    grid: Grid | None


@record()
class Let(Statement):
    name: Identifier
    value: Expr


@record()
class Where(Statement):
    """A size and its value. `where` at the end of a declaration becomes a statement after it."""

    name: Identifier
    value: Expr


@record()
class Objective(Statement):
    sense: Sense
    value: Expr


@record()
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


@record()
class Argument(Node):
    """One option of a directive; `name` is None for one given by position."""

    name: Identifier | None
    value: Expr


@record()
class Anneal(Statement):
    """`anneal method(arguments)`; the checker knows the methods and their options."""

    method: Identifier
    arguments: tuple[Argument, ...]


@record()
class Train(Statement):
    method: Identifier
    arguments: tuple[Argument, ...]


@record()
class Linearize(Statement):
    method: Identifier
    arguments: tuple[Argument, ...]


@record()
class Sample(Statement):
    arguments: tuple[Argument, ...]


@record()
class Approximate(Statement):
    """`approximate function degree = d on [low, high]`; without `on` the range is computed."""

    function: Identifier
    degree: Expr
    interval: Interval | None


@record()
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

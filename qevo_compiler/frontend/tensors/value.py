"""What an expression of a problem stands for: an array of constants, or an op still to be built.

Nothing is emitted while a program is read. A `Tensor` that depends on decisions remembers how its op
is built; `assemble` builds only what the finished problem uses, so dead expressions leave no trace.

Inside a comprehension a tensor may have one value for each row of an index grid (`Rows`). The rows are
a leading axis of the stored array and are not part of `shape`, so every shape rule reads as in numpy.
Rows that are all combinations of a few axes keep constants compact: one array axis for each of them, of
length 1 where nothing changes, so that no index variable of a large grid is written out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError, InternalError
from qevo_compiler.diagnostics.language.shapes import TooLarge
from qevo_compiler.diagnostics.language.values import ChoiceAsNumber
from qevo_compiler.ir import Op
from qevo_compiler.light import light
from qevo_compiler.source import Span

Values: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]

LIMIT = 2**31 - 1


@light(eq=False)
class Rows:
    """`count` rows of an index grid; row r refines row `pointer[r]` of `parent`.

    `pointer` never falls, so the rows of one parent lie together. Without a parent there is no pointer.
    `axes`, where it is not empty, says that the rows are all combinations of so many steps, the last fastest.
    """

    count: int
    parent: Rows | None = None
    pointer: Values | None = None
    axes: Shape = ()

    @property
    def depth(self) -> int:
        return 1 + (self.parent.depth if self.parent else 0)

    def positions(self, ancestor: Rows) -> Values:
        """For each row, the row of `ancestor` that it refines."""
        if self.parent is None or self.pointer is None:
            raise InternalError("rows have no such ancestor")
        if self.parent is ancestor:
            return self.pointer
        return self.parent.positions(ancestor)[self.pointer]

    def counts(self) -> Values:
        """How many rows refine each row of the parent."""
        if self.parent is None or self.pointer is None:
            return np.array([self.count])
        return np.bincount(self.pointer, minlength=self.parent.count)


@light(eq=False)
class Tensor:
    """An array of constants (`stored`) or of expressions over decisions (`build`).

    `compact` constants have the axes of their rows, or 1, in place of the axis of rows.

    With neither, the tensor is its one operand under other rows. `zero_one` marks expressions whose
    every element is 0 or 1. `symbol` names constants from the source.
    """

    shape: Shape
    rows: Rows | None = None
    stored: Values | None = None
    build: Callable[..., Op] | None = None
    operands: tuple[Tensor, ...] = ()
    span: Span | None = None
    symbol: str = ""
    zero_one: bool = False
    compact: bool = False

    @property
    def full(self) -> Shape:
        """The shape with the rows as leading axis."""
        return self.shape if self.rows is None else (self.rows.count, *self.shape)

    @property
    def size(self) -> int:
        return count_of(self.full)

    @property
    def is_constant(self) -> bool:
        return self.stored is not None

    @property
    def constant(self) -> Values:
        """The array of constants, rows first; only for tensors that are constant."""
        return self._written if self.compact else self.known

    @cached_property
    def _written(self) -> Values:
        assert self.rows is not None
        return np.broadcast_to(self.known, (*self.rows.axes, *self.shape)).reshape(self.full)

    @property
    def known(self) -> Values:
        """The constants as they are stored: every value that occurs, perhaps compact."""
        if self.stored is None:
            raise InternalError("the tensor is not constant")
        return self.stored

    @property
    def is_whole(self) -> bool:
        """Constants stored as integers or truth values."""
        return self.stored is not None and self.stored.dtype.kind in "bi"

    @cached_property
    def is_zero_one(self) -> bool:
        """Whether every element is 0 or 1."""
        if self.stored is None:
            return self.zero_one
        if self.stored.dtype.kind == "b" or not self.stored.size:
            return True
        return self.stored.item(0) in (0, 1) and bool(((self.stored == 0) | (self.stored == 1)).all())


@light(eq=False)
class Choice:
    """Choices as indicators: the last axis of `indicators` has one 0/1 entry for each label."""

    indicators: Tensor
    labels: tuple[str, ...]

    @property
    def shape(self) -> Shape:
        return self.indicators.shape[:-1]

    @property
    def rows(self) -> Rows | None:
        return self.indicators.rows


@light(eq=False)
class Labels:
    """Labels that an index variable runs over: row r stands for `names[codes[r]]`."""

    names: tuple[str, ...]
    codes: Tensor


Value: TypeAlias = Tensor | Choice | Labels


def constant(value: Any, rows: Rows | None = None, symbol: str = "") -> Tensor:
    """Constants; with rows, the leading axis of `value` runs over them."""
    array = np.asarray(value)
    shape = array.shape if rows is None else array.shape[1:]
    return Tensor(shape, rows, array, symbol=symbol)


def compacted(value: Values, rows: Rows) -> Tensor:
    """Compact constants."""
    return Tensor(value.shape[len(rows.axes) :], rows, value, compact=True)


def derived(
    build: Callable[..., Op],
    operands: tuple[Tensor, ...],
    shape: Shape,
    rows: Rows | None,
    span: Span | None,
    zero_one: bool = False,
) -> Tensor:
    """The result of an op: `build` is called with the operands' values and the span."""
    return Tensor(shape, rows, build=build, operands=operands, span=span, zero_one=zero_one)


def number(value: Value, span: Span | None) -> Tensor:
    """`value` as numbers; a choice has none."""
    if isinstance(value, Tensor):
        return value
    labels = value.labels if isinstance(value, Choice) else value.names
    raise CompileError(ChoiceAsNumber(span, show_labels(labels), labels[0]))


def show_labels(labels: tuple[str, ...]) -> str:
    """A few labels, for a message."""
    shown = ", ".join(f"`{label}`" for label in labels[:8])
    return f"{shown}, ..." if len(labels) > 8 else shown


def count_of(shape: Shape) -> int:
    """The number of elements, exact for any size."""
    return prod(shape)


def check_size(count: int, what: str, span: Span | None) -> None:
    """Refuse more elements than 31 bits can number."""
    if count > LIMIT:
        raise CompileError(TooLarge(span, what, count))


def deepest(*rows: Rows | None) -> Rows | None:
    """The rows that refine all the others; they all lie on one chain."""
    found: Rows | None = None
    for one in rows:
        if one is not found and one is not None and (found is None or one.depth > found.depth):
            found = one
    return found

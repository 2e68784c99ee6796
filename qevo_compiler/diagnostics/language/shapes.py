"""Wording for shapes, indices and ranges of the language (Q02xx)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error, counted


def show_shape(shape: tuple[int, ...]) -> str:
    """A shape in words: `a scalar`, or `shape [4, 2]`."""
    return f"shape [{', '.join(map(str, shape))}]" if shape else "a scalar"


class ShapesDoNotFit(Error):
    """Two arrays are combined element by element and their shapes do not broadcast.

    As in NumPy, shapes are compared from the last axis backwards; two lengths fit when they are equal
    or one of them is 1.

    Bad:   data a: int[2] = [1, 2]
           data b: int[3] = [1, 2, 3]
           let c = a + b
    Good:  let c = sum(a) + sum(b)
    """

    code: ClassVar[str] = "Q0207"
    title: ClassVar[str] = "the shapes do not fit"
    label: ClassVar[str] = "{first} with {second}"

    left: tuple[int, ...]
    right: tuple[int, ...]

    @property
    def first(self) -> str:
        return show_shape(self.left)

    @property
    def second(self) -> str:
        return show_shape(self.right)


class MatrixShapes(ShapesDoNotFit):
    """A matrix product needs the last axis of its left side as long as the first of its right side.

    More exactly the last but one axis of the right side, when that has more than one; neither side may
    be a scalar.

    Bad:   data X: real[3, 2] = [[1, 2], [3, 4], [5, 6]]
           data y: real[3] = [1, 2, 3]
           let z = X @ y
    Good:  let z = X.T @ y
    """

    code: ClassVar[str] = "Q0208"
    title: ClassVar[str] = "these cannot be multiplied with `@`"
    help: ClassVar[str] = "`.T` transposes; `*` multiplies element by element"


class TooManyIndices(Error):
    """An array is indexed along more axes than it has.

    Bad:   data a: int[3] = [1, 2, 3]
           let b = a[0, 1]
    Good:  let b = a[0]
    """

    code: ClassVar[str] = "Q0209"
    title: ClassVar[str] = "too many indices"
    label: ClassVar[str] = "{indices} for {what}"

    count: int
    shape: tuple[int, ...]

    @property
    def indices(self) -> str:
        return counted(self.count, "index", "indices")

    @property
    def what(self) -> str:
        return show_shape(self.shape)


class IndexOutOfRange(Error):
    """An index leaves the array: axes count from 0, so the last element of an axis of n is n - 1.

    A plain negative number counts from the end, as in `x[-1]`. An index that depends on the `for` of a
    comprehension may not become negative, since it would quietly wrap around; write `% n` where that
    is meant.

    Bad:   sum(x[i] * x[i + 1] for i in 0..n)
    Good:  sum(x[i] * x[i + 1] for i in 0..n - 1)
    """

    code: ClassVar[str] = "Q0210"
    title: ClassVar[str] = "index {index} is out of range"
    label: ClassVar[str] = "the axis has {elements}"

    index: int
    size: int

    @property
    def elements(self) -> str:
        return counted(self.size, "element")


class NotScalar(Error):
    """One number is needed and an array is given.

    Bad:   minimize x * w
    Good:  minimize sum(x * w)
    """

    code: ClassVar[str] = "Q0213"
    title: ClassVar[str] = "{what} is one number"
    label: ClassVar[str] = "this has {found}"
    help: ClassVar[str] = "{advice}"

    what: str
    shape: tuple[int, ...]
    advice: str = ""

    @property
    def found(self) -> str:
        return show_shape(self.shape)


class TableDoesNotFit(Error):
    """A table read by a choice needs one entry for each label along that axis.

    Bad:   data cost: real[3] = [1, 2, 3]
           var op: choice {skip, pool}
           minimize cost[op]
    Good:  data cost: real[2] = [1, 2]
    """

    code: ClassVar[str] = "Q0218"
    title: ClassVar[str] = "the table does not fit the choice"
    label: ClassVar[str] = "{found}"

    labels: int
    size: int

    @property
    def found(self) -> str:
        return f"{counted(self.labels, 'label')}, and {counted(self.size, 'entry', 'entries')} along this axis"


class BadSize(Error):
    """A size in a shape is a whole number, and at least 1.

    Bad:   var x: binary[0]
    Good:  var x: binary[1]
    """

    code: ClassVar[str] = "Q0224"
    title: ClassVar[str] = "{size} is no size"
    label: ClassVar[str] = "a size is at least 1"

    size: int


class EmptyReduction(Error):
    """`mean`, `max` and `min` need at least one element.

    The sum of nothing is 0 and its product is 1, so those two may be empty.
    """

    code: ClassVar[str] = "Q0236"
    title: ClassVar[str] = "`{function}` of nothing"
    label: ClassVar[str] = "there is no element"

    function: str


class TooLarge(Error):
    """An array or an index expression has more elements than the compiler can number (2^31 - 1)."""

    code: ClassVar[str] = "Q0237"
    title: ClassVar[str] = "{what} is too large"
    label: ClassVar[str] = "{count:,} elements, and at most 2,147,483,647 can be numbered"

    what: str
    count: int


class UnevenSlice(Error):
    """The bounds of a slice depend on an index variable, so its length could change from row to row.

    Bad:   sum(sum(x[i:n]) for i in 0..n)
    Good:  sum(x[j] for i in 0..n for j in i..n)
    """

    code: ClassVar[str] = "Q0241"
    title: ClassVar[str] = "a slice whose length depends on an index variable"
    label: ClassVar[str] = "this changes with the index variable"
    help: ClassVar[str] = "iterate over the positions with another `for`"


class NotIterable(Error):
    """`for` runs over a range `a..b`, a set `{a, b}` or the first axis of an array of constants.

    Bad:   sum(x[i] for i in n)
    Good:  sum(x[i] for i in 0..n)
    """

    code: ClassVar[str] = "Q0242"
    title: ClassVar[str] = "`for` cannot run over this"
    label: ClassVar[str] = "this is {found}"
    help: ClassVar[str] = "write a range `a..b`, a set `{{a, b}}`, or an array of constants"

    found: str


class BadIndex(Error):
    """Something stands in an index that cannot select elements.

    An index is a whole number, an array of whole numbers, a slice, a choice, or an array of truth
    values as long as a one-axis selection.
    """

    code: ClassVar[str] = "Q0244"
    title: ClassVar[str] = "this cannot be an index"
    label: ClassVar[str] = "{found}"

    found: str


class NoLength(Error):
    """`len` is asked of a single number.

    Bad:   data a: int = 3
           let b = len(a)
    Good:  data a: int[2] = [3, 4]
           let b = len(a)
    """

    code: ClassVar[str] = "Q0245"
    title: ClassVar[str] = "a single number has no length"
    label: ClassVar[str] = "`len` takes an array"

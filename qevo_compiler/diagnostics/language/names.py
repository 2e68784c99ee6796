"""Wording for names and sizes of the language (Q02xx)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from qevo_compiler.diagnostics.core import Error
from qevo_compiler.source import Span


class UnknownName(Error):
    """A name is used that nothing declares.

    Names come from `data`, `var`, `param`, `let`, `where`, from a size in the shape of data, and from
    the `for` of a comprehension or constraint, where they end with the closing bracket or the line.

    Bad:   data weight: int[n] = [4, 2]
           minimize sum(wieght)
    Good:  minimize sum(weight)
    """

    code: ClassVar[str] = "Q0201"
    title: ClassVar[str] = "unknown name `{name}`"
    label: ClassVar[str] = "not declared"
    help: ClassVar[str] = "{suggestion}"

    name: str
    suggestion: str


class UnknownFunction(Error):
    """A function is called that the language does not have.

    Reductions: sum, prod, mean, dot, norm2, max, min, len. Smooth functions: tanh, sigmoid, exp, gelu,
    silu, relu, abs, log, sqrt.

    Bad:   minimize total(x)
    Good:  minimize sum(x)
    """

    code: ClassVar[str] = "Q0202"
    title: ClassVar[str] = "unknown function `{name}`"
    label: ClassVar[str] = "{advice}"
    help: ClassVar[str] = "{suggestion}"

    name: str
    advice: str
    suggestion: str


class DuplicateName(Error):
    """Two declarations, or two constraints, share a name.

    Bad:   var x: binary
           var x: spin
    Good:  var x: binary
           var s: spin
    """

    code: ClassVar[str] = "Q0203"
    title: ClassVar[str] = "`{name}` is declared twice"
    label: ClassVar[str] = "declared again here"
    help: ClassVar[str] = "give one of the two another name"

    name: str
    first: Span | None

    def related(self) -> Iterable[tuple[Span, str]]:
        return () if self.first is None else ((self.first, "declared first here"),)


class CircularDefinition(Error):
    """A name is defined by way of itself.

    Bad:   let a = b + 1
           let b = a + 1
    Good:  let a = 1
           let b = a + 1
    """

    code: ClassVar[str] = "Q0204"
    title: ClassVar[str] = "`{name}` is defined by way of itself"
    label: ClassVar[str] = "its definition comes back to here"

    name: str


class UnboundSize(Error):
    """A size is used in a shape and nothing says how large it is.

    The shape of data binds sizes, and so does `where`. The shape of a variable only uses them.

    Bad:   var x: binary[n]
    Good:  var x: binary[n] where n = 4
    """

    code: ClassVar[str] = "Q0205"
    title: ClassVar[str] = "nothing says how large `{name}` is"
    label: ClassVar[str] = "this size has no value"
    help: ClassVar[str] = "{advice}"

    name: str
    advice: str


class SizesDisagree(Error):
    """A size is bound twice, to different values.

    Bad:   data profit: int[n] = [8, 3, 5]
           data weight: int[n] = [4, 2]
    Good:  data weight: int[n] = [4, 2, 3]
    """

    code: ClassVar[str] = "Q0206"
    title: ClassVar[str] = "`{name}` would be both {first} and {second}"
    label: ClassVar[str] = "`{name}` is {second} here"

    name: str
    first: int
    second: int
    other: Span | None

    def related(self) -> Iterable[tuple[Span, str]]:
        return () if self.other is None else ((self.other, f"`{self.name}` is {self.first} here"),)


class UnknownLabel(Error):
    """A choice is compared with something that is not one of its labels.

    Bad:   var op: choice {skip, pool}
           some: (op == pol) == 1
    Good:  some: (op == pool) == 1
    """

    code: ClassVar[str] = "Q0217"
    title: ClassVar[str] = "{name} is not a label of this choice"
    label: ClassVar[str] = "its labels are {labels}"
    help: ClassVar[str] = "{suggestion}"

    name: str
    labels: str
    suggestion: str


class MisplacedLabel(Error):
    """A label stands on its own. It has a meaning only where it is compared with its choice.

    Bad:   minimize cost[conv1]
    Good:  minimize sum(op[i] == conv1 for i in 0..6)
    """

    code: ClassVar[str] = "Q0238"
    title: ClassVar[str] = "the label `{name}` has no value of its own"
    label: ClassVar[str] = "a label of `{variable}`"
    help: ClassVar[str] = "compare it, as in `{variable} == {name}`"

    name: str
    variable: str


class NoCommonLabel(Error):
    """Two choices are compared that have no label in common, so they are never equal."""

    code: ClassVar[str] = "Q0239"
    title: ClassVar[str] = "these choices have no label in common"
    label: ClassVar[str] = "{left} and {right}"

    left: str
    right: str


class RepeatedLabel(Error):
    """The labels of a choice have to be different.

    Bad:   var op: choice {skip, skip}
    Good:  var op: choice {skip, pool}
    """

    code: ClassVar[str] = "Q0240"
    title: ClassVar[str] = "the label `{name}` is listed twice"
    label: ClassVar[str] = "listed again here"

    name: str

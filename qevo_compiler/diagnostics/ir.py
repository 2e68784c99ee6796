"""Wording for the IR's own text and invariants (Q04xx)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error


class BadQir(Error):
    """The text of a `.qir` file does not follow its grammar.

    A `.qir` file is written by the compiler (`--emit ir`, `qevoc opt`, and the problem file beside
    an emitted program). The usual cause is a file that was cut short or edited by hand.
    """

    code: ClassVar[str] = "Q0401"
    title: ClassVar[str] = "malformed IR text"
    label: ClassVar[str] = "expected {expected}, found {found}"
    help: ClassVar[str] = "write the file again with `qevoc compile` or `qevoc opt`"

    expected: str
    found: str


class UnknownInQir(Error):
    """The text names an op, attribute or type that no dialect declares."""

    code: ClassVar[str] = "Q0402"
    title: ClassVar[str] = "unknown {what} `{name}`"
    label: ClassVar[str] = "no dialect declares it"
    help: ClassVar[str] = "{suggestion}"

    what: str
    name: str
    suggestion: str


class InvalidModule(Error):
    """The text reads well but states a module that breaks an invariant of the IR.

    For example an op whose operand is not defined before it, or a coupling of a spin with itself.
    """

    code: ClassVar[str] = "Q0403"
    title: ClassVar[str] = "`{file}` states an invalid module"
    note: ClassVar[str] = "{reason}"
    help: ClassVar[str] = "the file was probably edited by hand; compile its source again"

    file: str
    reason: str


class IllegalOp(Error):
    """An op stands where the next pass or the target does not accept it.

    Every stage has a legal set. Run the pass that lowers the op first; `qevoc passes` lists for each
    pass what it takes and what it leaves.
    """

    code: ClassVar[str] = "Q0404"
    title: ClassVar[str] = "`{op}` is not legal {where}"
    label: ClassVar[str] = "this became `{op}`"
    help: ClassVar[str] = "{suggestion}"

    op: str
    where: str
    suggestion: str

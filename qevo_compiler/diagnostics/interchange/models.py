"""Wording for what files and models of other tools state, and for what is written of it (Q0900 to Q0949)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error


class ContinuousVariable(Error):
    """A file has a continuous variable; qevoc decides over grids, and a file cannot say how fine one is.

    Bad:   a variable that stands in no `Binary` or `General` section of an LP file
    Good:  var x: real in [0, 1] bits 6       (in a `.qevo` program)
    """

    code: ClassVar[str] = "Q0913"
    title: ClassVar[str] = "the variable `{symbol}` is {kind}"
    label: ClassVar[str] = "first used here"
    help: ClassVar[str] = "declare it binary or integer, or state the problem as a `.qevo` program with `real ... bits`"

    symbol: str
    kind: str


class UnboundedVariable(Error):
    """An integer variable of a file has no finite bound, so that no number of bits can hold it."""

    code: ClassVar[str] = "Q0914"
    title: ClassVar[str] = "the integer `{symbol}` has no finite {end} bound"
    label: ClassVar[str] = "first used here"
    help: ClassVar[str] = "give it bounds in the file; small ones need few bits"

    symbol: str
    end: str


class LoopEdge(Error):
    """A graph for a cut has an edge from a vertex to itself, which no cut can hold."""

    code: ClassVar[str] = "Q0915"
    title: ClassVar[str] = "the edge joins vertex {vertex} to itself"
    label: ClassVar[str] = "no cut can hold it"
    help: ClassVar[str] = "leave the edge out; if the file states a QUBO, read it with `--format biqmac`"

    vertex: int


class RepeatedName(Error):
    """Two variables or two constraints of a file have the same name, so that answers could not be told apart."""

    code: ClassVar[str] = "Q0916"
    title: ClassVar[str] = "the name `{symbol}` stands for two {what}"
    help: ClassVar[str] = "rename one of them"

    symbol: str
    what: str


class NoProgramText(Error):
    """Readable programs are written for the classic problems: max-cut, QUBO, tour and quadratic knapsack.

    Any other file becomes a `.qir` module, which compiles and runs in the same way.
    """

    code: ClassVar[str] = "Q0917"
    title: ClassVar[str] = "a file of the format `{format}` is not written as a `.qevo` program"
    help: ClassVar[str] = "write a module with `-o NAME.qir`; programs are written from {known}"

    format: str
    known: str


class BadOutput(Error):
    """`qevoc import` writes a `.qevo` program or a `.qir` module, told by the ending of `-o`."""

    code: ClassVar[str] = "Q0918"
    title: ClassVar[str] = "cannot write a problem as `{path}`"
    help: ClassVar[str] = "end the name in `.qevo` or `.qir`"

    path: str


class TourTooLarge(Error):
    """A round trip of n cities has n^2 bits and n^2 (n - 1) products, and that is too many to form."""

    code: ClassVar[str] = "Q0919"
    title: ClassVar[str] = "a tour of {cities:,} cities is too large to be stated over bits"
    label: ClassVar[str] = "{terms:,} products"
    help: ClassVar[str] = "up to {limit} cities are read"

    cities: int
    terms: int
    limit: int


class NoQubo(Error):
    """The target `qubo` writes one model over bits. Its own pipeline makes it; a pipeline by hand must too."""

    code: ClassVar[str] = "Q0920"
    title: ClassVar[str] = "`{target}` needs one `ising.qubo`, found {count}"
    help: ClassVar[str] = "run `quadratize,spin-to-binary` first; `qevoc passes` shows what each pass leaves"

    target: str
    count: int


class NothingStated(Error):
    """A file has no variables, so there is nothing to decide.

    The target `qubo` writes no such file either: every variable of the program has only one value.
    """

    code: ClassVar[str] = "Q0922"
    title: ClassVar[str] = "the file `{path}` has no variables"
    help: ClassVar[str] = (
        "is it the right file, and all of it? To write one, give the program a variable with two values"
    )

    path: str


class BadModel(Error):
    """A model of another library that was given in Python cannot be compiled as it is.

    dimod's binary quadratic models, constrained quadratic models and binary polynomials, OMMX instances, square QUBO
    matrices and dictionaries from tuples of labels to numbers are taken.
    """

    code: ClassVar[str] = "Q0924"
    title: ClassVar[str] = "{what} cannot be compiled: {reason}"
    label: ClassVar[str] = "given here"
    help: ClassVar[str] = "give a model that docs/interchange.md lists, or state the problem with `Problem`"

    what: str
    reason: str

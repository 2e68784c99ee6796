"""Wording for files and sources as a whole (Q00xx)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error, counted


class MissingFile(Error):
    """A file named on the command line or to `compile` cannot be read."""

    code: ClassVar[str] = "Q0001"
    title: ClassVar[str] = "cannot read `{path}`: {reason}"
    help: ClassVar[str] = "check the spelling and the folder that you are in"

    path: str
    reason: str


class NotText(Error):
    """A source file must be UTF-8 text.

    The number is the place of the first byte that is not, counted from 0.
    """

    code: ClassVar[str] = "Q0002"
    title: ClassVar[str] = "`{path}` is not UTF-8 text (byte {position})"
    help: ClassVar[str] = "save the file as UTF-8"

    path: str
    position: int


class UnknownSource(Error):
    """The kind of a source is told by its ending: `.qevo`, `.py` or `.qir`.

    Program text may also be handed to `qevo_compiler.compile` as a string of more than one line.
    """

    code: ClassVar[str] = "Q0003"
    title: ClassVar[str] = "`{path}` is no source that qevoc knows"
    help: ClassVar[str] = (
        "give a `.qevo` program, a `.py` model, a `.qir` module or a file of docs/interchange.md; "
        "for `run` also a program's folder"
    )

    path: str


class UnknownTarget(Error):
    """There is no target of that name.

    A target is the form in which a program is emitted: `dwave`, `openqasm3` or `cirq`.
    """

    code: ClassVar[str] = "Q0004"
    title: ClassVar[str] = "unknown target `{target}`"
    note: ClassVar[str] = "{suggestion}"
    help: ClassVar[str] = "`qevoc targets` lists the targets"

    target: str
    suggestion: str


class WrongTask(Error):
    """Tasks belong to models: `train`, `round` and `linearize` need a `.py` model file or a torch module.

    `linearize` leads to a linear system, which targets for spins do not take; the target `resources` does.

    A `.qevo` program or a `Problem` already states what is to be decided.
    """

    code: ClassVar[str] = "Q0005"
    title: ClassVar[str] = "the task `{task}` does not fit this source"
    help: ClassVar[str] = "leave the task out for a `.qevo` program; give `train` or `round` for a torch model"

    task: str


class NoProgram(Error):
    """A folder given to `run` or `explain` holds no compiled program, or more than one.

    `qevoc compile SRC --target=T -o DIR` writes a `NAME.manifest.json` into DIR; that is what is read.
    """

    code: ClassVar[str] = "Q0006"
    title: ClassVar[str] = "`{folder}` holds {found}"
    help: ClassVar[str] = "{advice}"

    folder: str
    manifests: tuple[str, ...]

    @property
    def advice(self) -> str:
        if self.manifests:
            more = ", .." if len(self.manifests) > 4 else ""
            return f"name one of them: {', '.join(f'`{path}`' for path in self.manifests[:4])}{more}"
        if self.folder.endswith((".qevo", ".qir", ".py")):
            return f"compile it first, as in `qevoc compile {self.folder} -o out/`, and name that folder"
        return "name a folder with exactly one `.manifest.json`, or the manifest itself"

    @property
    def found(self) -> str:
        return counted(len(self.manifests), "compiled program") if self.manifests else "no compiled program"


class CannotWrite(Error):
    """The folder for the emitted files cannot be written. Nothing was left behind."""

    code: ClassVar[str] = "Q0007"
    title: ClassVar[str] = "cannot write into `{folder}`: {reason}"
    help: ClassVar[str] = "name another folder with `-o DIR`"

    folder: str
    reason: str


class MissingExtra(Error):
    """Something that was asked for needs a package that is not installed.

    The core of qevo-compiler is light; torch and the quantum SDKs come as extras.
    """

    code: ClassVar[str] = "Q0008"
    title: ClassVar[str] = "{what} needs `{package}`, which is not installed"
    help: ClassVar[str] = "install it with `pip install 'qevo-compiler[{extra}]'`"

    what: str
    package: str
    extra: str


class UnknownSymbol(Error):
    """`explain` was asked for a name that the program does not have."""

    code: ClassVar[str] = "Q0009"
    title: ClassVar[str] = "the program has no `{symbol}`"
    note: ClassVar[str] = "{suggestion}"
    help: ClassVar[str] = "spins: `s0` to `s{last}`; {known}"

    symbol: str
    last: int
    known: str
    suggestion: str


class UnknownCode(Error):
    """`qevoc explain` knows the codes listed in docs/reference/errors.md."""

    code: ClassVar[str] = "Q0010"
    title: ClassVar[str] = "there is no diagnostic `{wanted}`"
    note: ClassVar[str] = "{suggestion}"
    help: ClassVar[str] = "docs/reference/errors.md lists the codes"

    wanted: str
    suggestion: str


class BadArgument(Error):
    """A `NAME=VALUE` argument of the command line does not read."""

    code: ClassVar[str] = "Q0011"
    title: ClassVar[str] = "cannot read the argument `{argument}`"
    help: ClassVar[str] = "write `{form}`"

    argument: str
    form: str


class BadName(Error):
    """The emitted files are called after the program, so its name must not lead to another folder.

    The name comes from `program NAME`, from a model's file name, from `Problem(NAME)`, from the `module`
    line of a `.qir` file, or from `--name`.
    """

    code: ClassVar[str] = "Q0012"
    title: ClassVar[str] = "files cannot be called `{name}`"
    help: ClassVar[str] = "give a name without folders, as in `--name tour`"

    name: str


class NoSuchSpin(Error):
    """`explain` takes two different spins of the program for a coupling, as in `s3,s9`."""

    code: ClassVar[str] = "Q0013"
    title: ClassVar[str] = "`{given}` does not name two spins of the program"
    help: ClassVar[str] = "write two different spins between `s0` and `s{last}`, as in `s0,s1`"

    given: str
    last: int


class NoSpinModel(Error):
    """Samples are decoded and couplings explained from a spin model; the program's files hold none.

    A circuit has only angles. One of products of three and more spins is of no quadratic model, and one that solves
    the linear system of a program with `linearize` has no decision variables either: `qevoc run` on the source or
    the folder reads its solution.
    """

    code: ClassVar[str] = "Q0015"
    title: ClassVar[str] = "`{target}` files hold no spin model to decode or explain"
    help: ClassVar[str] = (
        "compile the program with `--target dwave`, or let `qevoc run` read a linear program's circuit"
    )

    target: str


class ModelOption(Error):
    """`--bits` and `--rounds` say how a model's weights are changed, and were given for a stated problem.

    A `.qevo` program states bits where it declares a variable: `var x: real in [0, 1] bits 4`.
    """

    code: ClassVar[str] = "Q0016"
    title: ClassVar[str] = "`{option}` is for models"
    help: ClassVar[str] = "leave it out; a program states `bits` where it declares a real variable"

    option: str


class CompiledAlready(Error):
    """An option about compiling was given beside the folder of a program that is compiled already.

    The folder holds what one compilation made: its target, data and passes stand in the manifest.
    """

    code: ClassVar[str] = "Q0017"
    title: ClassVar[str] = "`{option}` is for compiling, and `{source}` holds a compiled program"
    help: ClassVar[str] = "leave it out, or run the program's source with it"

    option: str
    source: str

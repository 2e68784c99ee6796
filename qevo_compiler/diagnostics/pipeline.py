"""Wording for pipelines and pass options (Q05xx)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error, Warn


class BadPipeline(Error):
    """The text of a pipeline does not read.

    A pipeline is `pass,pass{option=value,option=value},...`, as `--dump-pipeline` prints it.
    """

    code: ClassVar[str] = "Q0501"
    title: ClassVar[str] = "cannot read the pipeline `{text}` at `{rest}`"
    help: ClassVar[str] = "write `pass,pass{{option=value}}`; `qevoc passes` lists the passes"

    text: str
    rest: str


class UnknownPass(Error):
    """A pipeline or an option names a pass that does not exist."""

    code: ClassVar[str] = "Q0502"
    title: ClassVar[str] = "unknown pass `{name}`"
    note: ClassVar[str] = "{suggestion}"
    help: ClassVar[str] = "`qevoc passes` lists the passes"

    name: str
    suggestion: str


class UnknownOption(Error):
    """A pass or a target has no option of that name.

    `qevoc passes NAME` and `qevoc targets NAME` describe the options of one.
    """

    code: ClassVar[str] = "Q0503"
    title: ClassVar[str] = "`{owner}` has no option `{option}`"
    note: ClassVar[str] = "{suggestion}"
    help: ClassVar[str] = "{known}"

    owner: str
    option: str
    suggestion: str
    options: tuple[str, ...]

    @property
    def known(self) -> str:
        return "its options: " + ", ".join(f"`{name}`" for name in self.options) if self.options else "it has none"


class BadOption(Error):
    """The value of a pass's or a target's option has the wrong form or lies outside its range.

    Bad:   qevoc compile tour.qevo --set quadratize.max-auxiliaries=many
    Good:  qevoc compile tour.qevo --set quadratize.max-auxiliaries=1000
    """

    code: ClassVar[str] = "Q0504"
    title: ClassVar[str] = "`{owner}`: `{option}` cannot be `{value}`"
    help: ClassVar[str] = "it is {expected}"

    owner: str
    option: str
    value: str
    expected: str


class PassDoesNotRun(Error):
    """A pass is named to stop after or to print after, and this pipeline does not have it.

    Targets, tasks and programs with `linearize` have pipelines of their own; `--dump-pipeline` prints it.
    """

    code: ClassVar[str] = "Q0505"
    title: ClassVar[str] = "`{name}` does not run here"
    note: ClassVar[str] = "the pipeline is {pipeline}"
    help: ClassVar[str] = "name one of these passes, or give a pipeline with `--passes`"

    name: str
    pipeline: str


class OptionsUnused(Warn):
    """Options are given for a pass that this pipeline does not have, so they change nothing.

    Targets, tasks and programs with `linearize` have pipelines of their own; `--dump-pipeline` prints it.
    """

    code: ClassVar[str] = "Q0506"
    title: ClassVar[str] = "the options of `{name}` change nothing: it does not run here"
    help: ClassVar[str] = "`--dump-pipeline` prints the passes that run"

    name: str

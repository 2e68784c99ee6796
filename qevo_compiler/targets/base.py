"""What a target is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from qevo_compiler.ir import LedgerEntry, Legal, Module, Op


@dataclass(frozen=True)
class EmittedFile:
    """A file named `NAME.suffix`, produced in pieces when asked for; the pieces are the same each time."""

    suffix: str
    chunks: Callable[[], Iterator[bytes]]

    def content(self) -> bytes:
        """The whole file."""
        return b"".join(self.chunks())


@dataclass(frozen=True)
class Target(ABC):
    """An output format; the dataclass fields are its options.

    `pipeline` names the lowering that the driver runs first (`passes.pipelines.TARGETS`); `legal` is
    what `@main` may then hold. A target prints: it never lowers.
    """

    name: ClassVar[str]
    pipeline: ClassVar[str]
    legal: ClassVar[Legal]

    def pass_options(self) -> Mapping[str, Mapping[str, Any]]:
        """Option values for passes that follow from this target's options, such as device limits."""
        return {}

    @abstractmethod
    def check(self, module: Module) -> None:
        """Raise `CompileError` for what the target cannot express, before a byte is written."""

    def ledger(self, module: Module) -> tuple[LedgerEntry, ...]:
        """What emission itself loses, for the manifest's ledger (an embedding's programmed scale)."""
        return ()

    @abstractmethod
    def emit(self, module: Module) -> Iterable[EmittedFile]:
        """The files of a module that `check` accepts."""

    @abstractmethod
    def read(self, files: Mapping[str, bytes]) -> tuple[Op, ...]:
        """The ops that emitted files (content by suffix) state: a model or a circuit, and a schedule."""

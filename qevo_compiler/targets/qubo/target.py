"""The target `qubo`: writes the model over bits in a format of other tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import ClassVar

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.models import NoQubo, NothingStated
from qevo_compiler.diagnostics.targets import BadEmittedFile
from qevo_compiler.dialects import anneal, ising
from qevo_compiler.interchange import FORMATS, check_writable, read_model, write_model
from qevo_compiler.ir import Invalid, Legal, Module, Op
from qevo_compiler.targets.base import EmittedFile, Target
from qevo_compiler.targets.common import check_legal

BITS = Legal(
    "bit program",
    frozenset(
        {
            ising.RegisterOp,
            ising.PenaltyOp,
            ising.SettledOp,
            ising.ReductionOp,
            ising.QuboOp,
            anneal.RequestOp,
            anneal.SampleOp,
        }
    ),
)


class QuboFormat(Enum):
    """The formats that hold a model over bits with all its coefficients."""

    COO = "coo"
    QUBO = "qubo"
    BQPJSON = "bqpjson"
    QPLIB = "qplib"
    LP = "lp"
    BQM = "bqm"
    OMMX = "ommx"

    @property
    def suffix(self) -> str:
        """What a file's name ends in, without the leading dot."""
        return FORMATS[self.value].suffixes[0].removeprefix(".")


@dataclass(frozen=True)
class Qubo(Target):
    """A file over bits in a format of other tools.

    Option: `format`, that of the written file. Energies are minimised over bits and are those of the problem.
    """

    name: ClassVar[str] = "qubo"
    pipeline: ClassVar[str] = "qubo"
    legal: ClassVar[Legal] = BITS

    format: QuboFormat = QuboFormat.COO

    def __post_init__(self) -> None:
        """Options may come as text; raises `ValueError` for an unknown format."""
        object.__setattr__(self, "format", QuboFormat(self.format))

    def check(self, module: Module) -> None:
        """Legal ops, one model over bits, and the package that its format needs."""
        check_legal(module, self.name, self.legal, "`dwave` takes spins, `openqasm3` and `cirq` take circuits")
        model = _the_qubo(module)
        if not model.size:
            # No format's reader takes a file without variables, ours included.
            raise CompileError(NothingStated(None, f"{module.name}.{self.format.suffix}"))
        check_writable(model, self.format.value)

    def emit(self, module: Module) -> Iterator[EmittedFile]:
        yield EmittedFile(self.format.suffix, partial(write_model, _the_qubo(module), self.format.value))

    def read(self, files: Mapping[str, bytes]) -> tuple[Op, ...]:
        """The model, with its offset."""
        suffix = self.format.suffix
        if suffix not in files:
            raise CompileError(BadEmittedFile(None, suffix, "it is missing"))
        try:
            model = read_model(files[suffix], self.format.value)
        except Invalid as error:
            raise CompileError(BadEmittedFile(None, suffix, str(error))) from None
        if not isinstance(model, ising.QuboOp):
            raise CompileError(BadEmittedFile(None, suffix, "its variables are not bits"))
        return (model,)


def _the_qubo(module: Module) -> ising.QuboOp:
    found = module.main.ops_of(ising.QuboOp)
    if len(found) != 1:
        raise CompileError(NoQubo(None, Qubo.name, len(found)))
    return found[0]

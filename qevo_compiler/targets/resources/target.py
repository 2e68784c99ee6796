"""The target `resources`: `NAME.resources.json`, and `NAME.qref.yaml` for other tools."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.resources import NotCostable
from qevo_compiler.dialects import anneal, linear, problem
from qevo_compiler.dialects.linear import Figure, ResourcesOp
from qevo_compiler.ir import Legal, Module, Op
from qevo_compiler.targets.base import EmittedFile, Target
from qevo_compiler.targets.common import check_legal, the_file
from qevo_compiler.targets.resources.physical import physical
from qevo_compiler.targets.resources.qref import to_qref
from qevo_compiler.targets.resources.record import from_json, to_json

RECORD = "resources.json"
QREF = "qref.yaml"
_SOURCE = {problem.TrainOp, problem.LinearizeOp, anneal.RequestOp, anneal.SampleOp}
_SYSTEM = {linear.MapOp, linear.LiftOp, linear.HistoryOp, linear.DeclaredOp, linear.ResourcesOp}
COSTED = Legal("costed", frozenset(_SOURCE | _SYSTEM))


@dataclass(frozen=True)
class Resources(Target):
    """What solving a linear program would cost on a fault-tolerant machine; a record, no program.

    No options: those of the pass `estimate-resources` decide.
    """

    name: ClassVar[str] = "resources"
    pipeline: ClassVar[str] = "resources"
    legal: ClassVar[Legal] = COSTED

    def check(self, module: Module) -> None:
        """Legal ops and one cost record."""
        check_legal(module, self.name, self.legal, "it takes programs with `train` and `linearize`, or declared runs")
        _the_record(module)

    def emit(self, module: Module) -> Iterator[EmittedFile]:
        record = _the_record(module)

        def as_json() -> bytes:
            return to_json(module.name, record.figures, *physical(record.figures))

        yield _file(RECORD, as_json)
        yield _file(QREF, lambda: to_qref(module.name, record.figures))

    def read(self, files: Mapping[str, bytes]) -> tuple[Op, ...]:
        """The record; physical estimates are made again from it."""
        return (from_json(the_file(files, RECORD).encode(), RECORD),)


def all_figures(module: Module) -> tuple[tuple[Figure, ...], tuple[str, ...]]:
    """The record's figures with those of the physical layer, and notes."""
    figures = _the_record(module).figures
    found, notes = physical(figures)
    return (*figures, *found), notes


def _file(suffix: str, content: Callable[[], bytes]) -> EmittedFile:
    return EmittedFile(suffix, lambda: iter((content(),)))


def _the_record(module: Module) -> ResourcesOp:
    record = module.main.first(ResourcesOp)
    if record is None:
        raise CompileError(NotCostable(None, "the module has no record; run `estimate-resources`"))
    return record

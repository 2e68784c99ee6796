"""What the targets share: legal sets, finding the one op that is emitted, and reading JSON back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.ir import IllegalOp
from qevo_compiler.diagnostics.targets import BadEmittedFile, NoCircuit, NoModel
from qevo_compiler.dialects import anneal, ising
from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.ir import Legal, Module, first_illegal

SPIN = Legal(
    "spin program",
    frozenset(
        {
            ising.RegisterOp,
            ising.PenaltyOp,
            ising.SettledOp,
            ising.ReductionOp,
            ising.ModelOp,
            anneal.RequestOp,
            anneal.ScheduleOp,
            anneal.SampleOp,
        }
    ),
)
# As many weights of a traced model as a local state vector can run; a larger block is asked for by `--set`.
SIMULABLE_BLOCK: dict[str, dict[str, Any]] = {"local-quadratic-model": {"capacity": 20}}
# A circuit can turn a product of some bits as it is: the pass decides. Each auxiliary is a qubit, each coupling a gate;
# angles are exact, so range is free.
FEW_QUBITS: dict[str, dict[str, Any]] = {"quadratize": {"keep": None, "coupling_weight": 0.02, "range_weight": 0.0}}
CIRCUIT = Legal("circuit program", SPIN.ops | {ProductsOp, CircuitOp})


def check_legal(module: Module, target: str, legal: Legal, others: str) -> None:
    """Raise `CompileError` for the first op of `@main` that the target does not take."""
    op = first_illegal(module, legal)
    if op is not None:
        raise CompileError(IllegalOp(op.span, op.name, f"for the target `{target}`", others))


def the_model(module: Module, target: str) -> ising.ModelOp:
    """The one spin model of `@main`; raises `CompileError` when there is none or more than one."""
    found = module.main.ops_of(ising.ModelOp)
    if len(found) != 1:
        raise CompileError(NoModel(None, target, len(found)))
    return found[0]


def the_circuit(module: Module, target: str) -> CircuitOp:
    """The one circuit of `@main`; raises `CompileError` when there is none or more than one."""
    found = module.main.ops_of(CircuitOp)
    if len(found) != 1:
        raise CompileError(NoCircuit(None, target, len(found)))
    return found[0]


def the_file(files: Mapping[str, bytes], suffix: str) -> str:
    """The text of an emitted file; raises `CompileError` when it is missing or not UTF-8."""
    if suffix not in files:
        raise CompileError(BadEmittedFile(None, suffix, "it is missing"))
    try:
        return files[suffix].decode("utf-8")
    except UnicodeDecodeError as error:
        raise CompileError(BadEmittedFile(None, suffix, f"byte {error.start} is not UTF-8")) from None


def the_json(files: Mapping[str, bytes], suffix: str) -> dict[str, Any]:
    """The JSON object of an emitted file."""
    try:
        found = json.loads(the_file(files, suffix))
    except (ValueError, RecursionError) as error:
        raise CompileError(BadEmittedFile(None, suffix, f"it is not JSON ({_short(error)})")) from None
    if not isinstance(found, dict):
        raise CompileError(BadEmittedFile(None, suffix, "it is not a JSON object"))
    return found


def _short(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__

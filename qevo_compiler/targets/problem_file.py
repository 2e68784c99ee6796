"""The file beside the emitted ones from which samples are decoded: `NAME.problem.qir`."""

from __future__ import annotations

import numpy as np

from qevo_compiler.dialects import anneal, ising
from qevo_compiler.dialects.gate import CircuitOp, ReadoutOp
from qevo_compiler.dialects.nn import ParameterOp
from qevo_compiler.dialects.nn.parameters import folded_parameters
from qevo_compiler.ir import Array, Func, Module

PROBLEM_SUFFIX = "problem.qir"


def decoding_module(module: Module) -> Module:
    """What decoding needs: `@problem` (and `@stated`) or `@history` and, in `@main`, registers, penalties, sampling.

    Of a circuit it keeps which qubit each bit is read from. Beside a rounded model whose batch norms were folded
    stand its parameters, as `@loss`.
    """
    kept = (ising.RegisterOp, ising.PenaltyOp, ising.SettledOp, ising.ReductionOp, anneal.SampleOp)
    ops = (*(op for op in module.main.ops if isinstance(op, kept)), *_readout(module))
    main = Func("main", (), ops)
    others = [func for func in map(module.find, ("problem", "stated", "history")) if func is not None]
    whole = module.find("loss")
    if whole is not None and folded_parameters(whole):
        others.append(Func("loss", (), whole.ops_of(ParameterOp)))
    return Module(module.name, (main, *others), module.ledger)


def _readout(module: Module) -> tuple[ReadoutOp, ...]:
    circuit = module.main.first(CircuitOp)
    if circuit is None or module.find("problem") is None:
        return ()
    return (ReadoutOp(circuit.qubit_count, Array(circuit.measured.astype(np.int32))),)

"""The file beside the emitted ones from which samples are decoded: `NAME.problem.qir`."""

from __future__ import annotations

from qevo_compiler.dialects import anneal, ising
from qevo_compiler.dialects.nn import ParameterOp
from qevo_compiler.dialects.nn.parameters import folded_parameters
from qevo_compiler.ir import Func, Module

PROBLEM_SUFFIX = "problem.qir"


def decoding_module(module: Module) -> Module:
    """What decoding needs: `@problem` (and `@stated`) or `@history` and, in `@main`, registers, penalties, sampling.

    Beside a rounded model whose batch norms were folded stand its parameters, as `@loss`.
    """
    kept = (ising.RegisterOp, ising.PenaltyOp, ising.SettledOp, ising.ReductionOp, anneal.SampleOp)
    main = Func("main", (), tuple(op for op in module.main.ops if isinstance(op, kept)))
    others = [func for func in map(module.find, ("problem", "stated", "history")) if func is not None]
    whole = module.find("loss")
    if whole is not None and folded_parameters(whole):
        others.append(Func("loss", (), whole.ops_of(ParameterOp)))
    return Module(module.name, (main, *others), module.ledger)

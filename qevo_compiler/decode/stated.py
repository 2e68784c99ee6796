"""The problem as it was stated, at decoded points, where polynomials or variables stand for its functions elsewhere.

`approximate-functions` keeps the func `@stated` when it replaces a function by a polynomial that is not exact, and
`bound-extremes` when it adds variables. The energy is that of what was made of the functions; values, objective,
residuals and feasibility of a solution are those of the stated problem.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.decode.codes import Decoded
from qevo_compiler.dialects import nn, poly, problem
from qevo_compiler.dialects.ising import RegisterOp
from qevo_compiler.evaluator.reference import evaluate_func
from qevo_compiler.ir import Func, Module

Floats = NDArray[np.float64]

_OWN = (problem.VariableOp, problem.ConstraintOp, nn.ParameterOp)
_FOUND = (problem.VariableOp, poly.ConstraintOp)


def added_symbols(module: Module) -> frozenset[str]:
    """The variables and constraint families of `@problem` that the program does not state."""
    stated, problem = module.find("stated"), module.find("problem")
    if stated is None or problem is None:
        return frozenset()
    own = {op.symbol for op in stated.ops if isinstance(op, _OWN)}
    return frozenset(op.symbol for op in problem.ops if isinstance(op, _FOUND)) - own


def evaluate_stated(
    func: Func, registers: Sequence[RegisterOp], decoded: Sequence[Decoded]
) -> tuple[Floats, dict[str, Floats]]:
    """Objective [reads] and constraint bodies [reads, rows] by symbol. Cost: one evaluation for each distinct read."""
    whole = np.concatenate([item.values for item in decoded], axis=1)
    distinct, number = np.unique(whole, axis=0, return_inverse=True)
    ends = np.cumsum([item.values.shape[1] for item in decoded])[:-1]
    found = []
    for point in distinct:
        parts = zip(registers, np.split(point, ends), strict=True)
        found.append(evaluate_func(func, variables={r.symbol: part.reshape(r.shape) for r, part in parts}))
    number = number.reshape(-1)
    objective = np.array([0.0 if one.objective is None else one.objective for one in found])[number]
    symbols = list(found[0].constraints) if found else []
    return objective, {name: np.array([one.constraints[name] for one in found])[number] for name in symbols}

"""A number that every element of a tensor is a multiple of, where variables are whole or lie on grids of fractions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.granularity import common_unit
from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn import Function
from qevo_compiler.dialects.problem import Domain
from qevo_compiler.ir import Func, Op, Value

Floats = NDArray[np.float64]

# Ops whose elements are elements of their operands, sums of them, or these with other signs.
_KEEPING = (
    nn.NegOp, nn.ReshapeOp, nn.BroadcastOp, nn.TransposeOp, nn.GatherOp, nn.ScatterAddOp, nn.SumOp, nn.ExtremeOp,
    nn.AddOp, nn.SubOp, nn.ConcatOp,
)  # fmt: skip


def tensor_units(func: Func) -> dict[Value, float]:
    """The unit of every value: 0 where none is known, inf where all elements are 0. Cost: that of the constants."""
    found: dict[Value, float] = {}
    definitions = func.definitions()
    for op in func.ops:
        if isinstance(op, nn.DivOp):
            divisor = definitions.get(op.y)
            inverse = common_unit(1.0 / divisor.value.values) if isinstance(divisor, nn.ConstantOp) else 0.0
            found[op.result] = _product(found[op.x], inverse)
        elif op.results:
            found[op.result] = _unit(op, found)
    return found


def _unit(op: Op, known: Mapping[Value, float]) -> float:
    units = np.array([known[value] for value in op.operands])
    match op:
        case nn.ConstantOp() | nn.ParameterOp(bits=None):
            return common_unit(op.value.values)
        case nn.ParameterOp(lower=float(), upper=float()) if op.bits is not None:
            return _grid_unit(np.asarray(op.lower), np.asarray(op.upper), op.bits)
        case problem.VariableOp():
            return _variable_unit(op)
        case nn.IndicatorOp():
            return 1.0
        case nn.ApplyOp(function=Function.ABS | Function.RELU):
            return float(units[0])
        case nn.PowerOp() if op.exponent > 0:
            return float(units[0] ** op.exponent)
    if isinstance(op, _KEEPING):
        return common_unit(units) if (units > 0).all() else 0.0
    if isinstance(op, nn.MulOp | nn.MatmulOp):
        return _product(*units.tolist())
    return 0.0


def _product(x: float, y: float) -> float:
    return np.inf if np.isinf(x) or np.isinf(y) else x * y


def _variable_unit(op: problem.VariableOp) -> float:
    if op.domain is not Domain.REAL:
        return 1.0
    assert op.lower is not None
    assert op.upper is not None
    return _grid_unit(op.lower.values, op.upper.values, op.bits or 0)


def _grid_unit(lower: NDArray[np.generic], upper: NDArray[np.generic], bits: int) -> float:
    low, high = np.asarray(lower, np.float64), np.asarray(upper, np.float64)
    steps = (high - low) / (2.0**bits - 1)
    return common_unit(np.concatenate([low.reshape(-1), steps.reshape(-1)]))

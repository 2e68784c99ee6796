"""Tensor expressions over reals: what models and problems are imported to.

Elementwise ops take operands of one shape; broadcasting is explicit. The primitive ops are closed
under reverse- and forward-mode differentiation; layers (`layers.py`) are decomposed into them.
"""

from qevo_compiler.dialects.nn.axis_ops import (
    BroadcastOp,
    ConcatOp,
    ExtremeOp,
    GatherOp,
    MatmulOp,
    ReshapeOp,
    ScatterAddOp,
    SumOp,
    TransposeOp,
)
from qevo_compiler.dialects.nn.functions import TOLERANCE, Condition, Extreme, Function
from qevo_compiler.dialects.nn.layers import AveragePool2dOp, BatchNormOp, Conv2dOp, LinearOp
from qevo_compiler.dialects.nn.ops import (
    AddOp,
    ApplyOp,
    ConstantOp,
    DivOp,
    IndicatorOp,
    LogSoftmaxOp,
    MulOp,
    NegOp,
    OutputOp,
    ParameterOp,
    PolynomialOp,
    PowerOp,
    SubOp,
)
from qevo_compiler.dialects.nn.parameters import parameter_values, with_parameters

LAYERS = frozenset({LinearOp, Conv2dOp, AveragePool2dOp, BatchNormOp})
PRIMITIVES = frozenset(
    {
        AddOp,
        ApplyOp,
        BroadcastOp,
        ConcatOp,
        ConstantOp,
        DivOp,
        ExtremeOp,
        GatherOp,
        IndicatorOp,
        LogSoftmaxOp,
        MatmulOp,
        MulOp,
        NegOp,
        OutputOp,
        ParameterOp,
        PolynomialOp,
        PowerOp,
        ReshapeOp,
        ScatterAddOp,
        SubOp,
        SumOp,
        TransposeOp,
    }
)

__all__ = [
    "LAYERS",
    "PRIMITIVES",
    "TOLERANCE",
    "AddOp",
    "ApplyOp",
    "AveragePool2dOp",
    "BatchNormOp",
    "BroadcastOp",
    "ConcatOp",
    "Condition",
    "ConstantOp",
    "Conv2dOp",
    "DivOp",
    "Extreme",
    "ExtremeOp",
    "Function",
    "GatherOp",
    "IndicatorOp",
    "LinearOp",
    "LogSoftmaxOp",
    "MatmulOp",
    "MulOp",
    "NegOp",
    "OutputOp",
    "ParameterOp",
    "PolynomialOp",
    "PowerOp",
    "ReshapeOp",
    "ScatterAddOp",
    "SubOp",
    "SumOp",
    "TransposeOp",
    "parameter_values",
    "with_parameters",
]

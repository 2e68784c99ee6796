"""Stating problems from Python: `Problem`, its expressions, and functions of them."""

from qevo_compiler.frontend.builder.choices import ChoiceExpression
from qevo_compiler.frontend.builder.constraints import Constraint
from qevo_compiler.frontend.builder.expressions import Expression
from qevo_compiler.frontend.builder.functions import (
    exp,
    gelu,
    log,
    maximum,
    minimum,
    relu,
    sigmoid,
    silu,
    sqrt,
    tanh,
)
from qevo_compiler.frontend.builder.problem import Problem

__all__ = [
    "ChoiceExpression",
    "Constraint",
    "Expression",
    "Problem",
    "exp",
    "gelu",
    "log",
    "maximum",
    "minimum",
    "relu",
    "sigmoid",
    "silu",
    "sqrt",
    "tanh",
]

"""The functions that `nn.apply` maps over a tensor, the conditions of `nn.indicator`, the ends of `nn.extreme`."""

from qevo_compiler.ir import EnumAttribute


class Function(EnumAttribute):
    """A function of one real variable. `GELU_TANH` is torch's tanh approximation of `GELU`;

    `STEP` is 1 above zero and 0 elsewhere, the derivative of `RELU` that torch uses.
    """

    TANH = "tanh"
    SIGMOID = "sigmoid"
    EXP = "exp"
    LOG = "log"
    SQRT = "sqrt"
    ERF = "erf"
    GELU = "gelu"
    GELU_TANH = "gelu_tanh"
    SILU = "silu"
    RELU = "relu"
    ABS = "abs"
    SIGN = "sign"
    STEP = "step"


# What a comparison takes for rounding.
TOLERANCE = 1e-9


class Condition(EnumAttribute):
    """What a number is compared with zero for; within `TOLERANCE` of it, it is zero."""

    ZERO = "zero"
    POSITIVE = "positive"


class Extreme(EnumAttribute):
    """Which end of several numbers."""

    MAX = "max"
    MIN = "min"

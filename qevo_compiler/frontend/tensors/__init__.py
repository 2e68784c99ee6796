"""Lazy tensors: the shape rules and op building that the language and `Problem` share."""

from qevo_compiler.frontend.tensors.align import reinterpret
from qevo_compiler.frontend.tensors.arithmetic import (
    add,
    divide,
    floor_divide,
    matmul,
    multiply,
    negate,
    power,
    remainder,
    subtract,
    sum_axes,
)
from qevo_compiler.frontend.tensors.choices import is_equal, is_label, is_label_of_row
from qevo_compiler.frontend.tensors.functions import FUNCTIONS, apply
from qevo_compiler.frontend.tensors.indexing import Item, index, transpose
from qevo_compiler.frontend.tensors.logic import ONE, compare, logical, negation
from qevo_compiler.frontend.tensors.reduce import (
    dot,
    extreme,
    extreme_rows,
    length,
    mean,
    mean_rows,
    norm2,
    product,
    product_rows,
    sum_rows,
    total,
)
from qevo_compiler.frontend.tensors.value import Choice, Labels, Rows, Tensor, Value, constant, derived, number

__all__ = [
    "FUNCTIONS",
    "ONE",
    "Choice",
    "Item",
    "Labels",
    "Rows",
    "Tensor",
    "Value",
    "add",
    "apply",
    "compare",
    "constant",
    "derived",
    "divide",
    "dot",
    "extreme",
    "extreme_rows",
    "floor_divide",
    "index",
    "is_equal",
    "is_label",
    "is_label_of_row",
    "length",
    "logical",
    "matmul",
    "mean",
    "mean_rows",
    "multiply",
    "negate",
    "negation",
    "norm2",
    "number",
    "power",
    "product",
    "product_rows",
    "reinterpret",
    "remainder",
    "subtract",
    "sum_axes",
    "sum_rows",
    "total",
    "transpose",
]

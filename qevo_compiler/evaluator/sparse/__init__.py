"""Sparse linear operators: products with one vector or many, transposed products, T steps of a recurrence."""

from qevo_compiler.evaluator.sparse.operators import SparseOperator
from qevo_compiler.evaluator.sparse.propagation import propagate
from qevo_compiler.evaluator.sparse.structure import Rows, reached, rescale, restrict, rows_of

__all__ = ["Rows", "SparseOperator", "propagate", "reached", "rescale", "restrict", "rows_of"]

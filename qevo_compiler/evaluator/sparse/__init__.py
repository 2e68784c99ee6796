"""Compiled sparse operators: products with one vector or many, transposed products, and T steps of a recurrence."""

from qevo_compiler.evaluator.sparse.operators import SparseOperator
from qevo_compiler.evaluator.sparse.propagation import propagate

__all__ = ["SparseOperator", "propagate"]

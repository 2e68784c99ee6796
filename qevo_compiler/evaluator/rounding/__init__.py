"""Kernels for rounding the rows of a layer: sweeps of annealed flips, and the branching of a lattice search."""

from qevo_compiler.evaluator.rounding.branches import Block, branch_block
from qevo_compiler.evaluator.rounding.sweeps import sweep_rows

__all__ = ["Block", "branch_block", "sweep_rows"]

"""Training dynamics as polynomial step maps, their Carleman lift and the linear system over the horizon."""

from qevo_compiler.dialects.linear.attributes import SparseMatrix, StepMap
from qevo_compiler.dialects.linear.ops import HistoryOp, LiftOp, MapOp, ReadOutOp

__all__ = ["HistoryOp", "LiftOp", "MapOp", "ReadOutOp", "SparseMatrix", "StepMap"]

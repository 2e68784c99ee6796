"""Training dynamics as polynomial step maps, their Carleman lift, the linear system over the horizon and its cost."""

from qevo_compiler.dialects.linear.attributes import SparseMatrix, Stages, StepMap
from qevo_compiler.dialects.linear.ops import HistoryOp, LiftOp, MapOp, ReadOutOp
from qevo_compiler.dialects.linear.resources import DeclaredOp, Figure, Known, ResourcesOp

__all__ = [
    "DeclaredOp",
    "Figure",
    "HistoryOp",
    "Known",
    "LiftOp",
    "MapOp",
    "ReadOutOp",
    "ResourcesOp",
    "SparseMatrix",
    "Stages",
    "StepMap",
]

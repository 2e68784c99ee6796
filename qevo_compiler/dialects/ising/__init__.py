"""Models over bits and spins, quadratic and higher, and which symbol every bit comes from.

One sign convention throughout: E = offset + sum h_i s_i + sum_{i<j} J_ij s_i s_j, to be minimised.
A bit x and its spin s are related by s = 2x - 1. Targets convert where a format wants another sign.
"""

from qevo_compiler.dialects.ising.models import FamilyOp, ModelOp, QuboOp
from qevo_compiler.dialects.ising.penalties import FORMS, PenaltyForm, PenaltyOp, PenaltyRule
from qevo_compiler.dialects.ising.products import ProductsOp
from qevo_compiler.dialects.ising.registers import ReductionOp, RegisterOp, Role, SettledOp

__all__ = [
    "FORMS",
    "FamilyOp",
    "ModelOp",
    "PenaltyForm",
    "PenaltyOp",
    "PenaltyRule",
    "ProductsOp",
    "QuboOp",
    "ReductionOp",
    "RegisterOp",
    "Role",
    "SettledOp",
]

"""Packed polynomials and the problem stated in them."""

from qevo_compiler.dialects.poly.ops import ConstraintOp, ObjectiveOp
from qevo_compiler.dialects.poly.polynomials import AffineMap, Polynomials, Terms, Vartype

__all__ = ["AffineMap", "ConstraintOp", "ObjectiveOp", "Polynomials", "Terms", "Vartype"]

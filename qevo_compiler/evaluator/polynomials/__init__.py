"""Compiled evaluation of families of polynomials: values, gradients and Jacobian-vector products.

maps = PolynomialMap(polynomials, variables)
maps.values(points)                       points [..., variables] -> [..., rows]
"""

from qevo_compiler.evaluator.polynomials.batches import trajectory, values_at
from qevo_compiler.evaluator.polynomials.maps import PolynomialMap

__all__ = ["PolynomialMap", "trajectory", "values_at"]

"""Compiled evaluation of families of polynomials: values, gradients and Jacobian-vector products.

map = PolynomialMap(polynomials, variables)
map.values(points)                       points [..., variables] -> [..., rows]
"""

from qevo_compiler.evaluator.polynomials.maps import PolynomialMap

__all__ = ["PolynomialMap"]

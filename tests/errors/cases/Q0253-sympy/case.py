import sympy

from qevo_compiler import Problem


def run():
    p = Problem("p")
    x = p.binary("x", 3)
    p.minimize(sympy.zeta(sympy.Symbol("x[0]")) + x[0])

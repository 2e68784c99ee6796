from qevo_compiler import Problem


def run():
    p = Problem("p")
    x = p.binary("x", 3)
    other = Problem("other")
    y = other.binary("y", 3)
    p.minimize(x @ y)

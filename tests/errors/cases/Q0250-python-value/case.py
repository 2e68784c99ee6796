from qevo_compiler import Problem


def run():
    p = Problem("p")
    x = p.binary("x", 3)
    p.minimize(x * "heavy")

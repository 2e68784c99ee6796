from qevo_compiler import Problem


def run():
    p = Problem("p")
    x = p.binary("x", 3)
    p.subject_to(0 <= x.sum() <= 2)

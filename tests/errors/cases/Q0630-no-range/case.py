from qevo_compiler.driver import lower_linear
from qevo_compiler.passes.history_least_squares import HistoryLeastSquares

PROGRAM = """program bad
param x: real = 0.5
minimize x^2 / 2
train sgd(rate = 3, steps = 40)
linearize carleman(order = 1)
"""


def run():
    module = lower_linear(PROGRAM, passes={"carleman-truncation": {"force": True}})
    HistoryLeastSquares().run(module)

from qevo_compiler import compile

PROGRAM = """program small
data most: int = 9
var x: binary[6]
minimize -sum(x)
subject to
  fits: sum((i + 2) * x[i] for i in 0..6) <= most
"""


def run():
    compile(PROGRAM).update(PROGRAM, {"most": 19})

from qevo_compiler import compile

PROGRAM = """program small
data most: int = 1
var x: binary[3]
minimize -sum(x)
subject to
  fits: sum(x) <= most
"""


def run():
    compile(PROGRAM).update(PROGRAM, {"most": 2})

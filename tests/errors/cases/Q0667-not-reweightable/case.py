from qevo_compiler import compile, load

PROGRAM = """program small
var x: binary[3]
minimize -sum(x)
subject to
  fits: sum(x) <= 1
"""


def prepare(monkeypatch):
    compile(PROGRAM, target="openqasm3").write("program")


def run():
    load("program").reweight(fits=2.0)

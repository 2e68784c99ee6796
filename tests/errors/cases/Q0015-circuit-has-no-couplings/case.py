from qevo_compiler import compile


def prepare(monkeypatch):
    compile("good.qevo", target="openqasm3").write("program")

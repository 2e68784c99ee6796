from qevo_compiler import compile


def prepare(monkeypatch):
    compile("good.qevo", level=0).write("program")

from qevo_compiler import compile


def prepare(monkeypatch):
    compile("good.qevo").write("program")

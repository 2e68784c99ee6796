import sys


def prepare(monkeypatch):
    monkeypatch.setitem(sys.modules, "ommx", None)

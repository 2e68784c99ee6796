import sys


def prepare(monkeypatch):
    monkeypatch.setitem(sys.modules, "cirq_google", None)

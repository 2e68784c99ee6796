import sys


def prepare(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("qevo_compiler.frontend.torch")]:
        monkeypatch.delitem(sys.modules, name)

import sys

from qevo_compiler.targets.cirq.devices import grid


def prepare(monkeypatch):
    monkeypatch.setitem(sys.modules, "cirq_google", None)
    monkeypatch.setitem(sys.modules, "cirq_google.engine", None)
    # Other tests of the process may have read the device.
    grid.cache_clear()

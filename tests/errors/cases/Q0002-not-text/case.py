from pathlib import Path


def prepare(monkeypatch):
    Path("bad.qevo").write_bytes(b"program bad\nvar x: binary  # caf\xe9\nminimize x\n")

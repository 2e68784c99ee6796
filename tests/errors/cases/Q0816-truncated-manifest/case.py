from pathlib import Path

from qevo_compiler import compile


def prepare(monkeypatch):
    compile("good.qevo").write("program")
    manifest = Path("program/small.manifest.json")
    manifest.write_text(manifest.read_text()[:200])

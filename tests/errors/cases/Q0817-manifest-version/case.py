import json
from pathlib import Path

from qevo_compiler import compile


def prepare(monkeypatch):
    compile("good.qevo").write("program")
    manifest = Path("program/small.manifest.json")
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "qevo_manifest": 7}))

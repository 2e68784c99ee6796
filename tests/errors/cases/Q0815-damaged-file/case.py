import hashlib
import json
from pathlib import Path

from qevo_compiler import compile


def prepare(monkeypatch):
    compile("good.qevo", level=0).write("program")
    file, manifest = Path("program/small.bqm.json"), Path("program/small.manifest.json")
    file.write_text(file.read_text()[:100])
    record = json.loads(manifest.read_text())
    record["files"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(record))

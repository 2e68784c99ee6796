from pathlib import Path

from qevo_compiler import compile
from qevo_compiler.ir import print_module


def prepare(monkeypatch):
    text = print_module(compile("bad.qevo", level=0).module)
    assert "data #" in text
    Path("bad.qir").write_text(text[: text.index("data #") + 100])

from pathlib import Path

from qevo_compiler import compile


def prepare(monkeypatch):
    compile("good.qevo").write("program")
    with Path("program/small.bqm.json").open("a") as file:
        file.write("\n")

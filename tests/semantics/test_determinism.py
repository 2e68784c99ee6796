"""The same input gives the same bytes, whatever the hash seed, the thread count or the run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
COMPILE = """
import json, sys
from qevo_compiler.cli.main import main

for arguments in json.loads(sys.argv[1]):
    if main(arguments):
        sys.exit(1)
"""
SURROUNDINGS = ({"PYTHONHASHSEED": "0", "threads": "1"}, {"PYTHONHASHSEED": "12345", "threads": "3"})
TARGETS = ("dwave", "openqasm3", "cirq")
CASES = {
    "knapsack.qevo": (*TARGETS, "cirq --device=willow_pink"),
    "tour.qevo": (*TARGETS, "dwave --embed=pegasus"),
    "maxcut.qevo": TARGETS,
    "cell.qevo": TARGETS,
    "portfolio.qevo": TARGETS,
    "digits_mlp.py": ("dwave", "dwave --task=round --bits=2", "openqasm3"),
    "digits_cnn.py": TARGETS,
}


def emitted(source: str, targets: tuple[str, ...], folder: Path, surroundings: dict[str, str]) -> dict[str, bytes]:
    """The files of a source for all targets, compiled by one process."""
    threads = surroundings["threads"]
    counts = {f"{library}_NUM_THREADS": threads for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
    environment = {**os.environ, **counts, "PYTHONHASHSEED": surroundings["PYTHONHASHSEED"]}
    lines = [
        ["compile", str(EXAMPLES / source), *f"--target={target}".split(), "-o", str(folder / str(number))]
        for number, target in enumerate(targets)
    ]
    command = [sys.executable, "-c", COMPILE, json.dumps(lines)]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("source", CASES)
def test_same_bytes(source: str, tmp_path: Path) -> None:
    targets = CASES[source]
    # The other process compiles for the targets the other way round: what came before must not matter either.
    first = emitted(source, targets, tmp_path / "first", SURROUNDINGS[0])
    second = emitted(source, targets[::-1], tmp_path / "second", SURROUNDINGS[1])
    last = len(targets) - 1
    turned = {f"{last - int(name.partition('/')[0])}/{name.partition('/')[2]}": text for name, text in second.items()}
    assert len(first) > len(targets)
    assert sorted(first) == sorted(turned)
    assert [name for name in first if first[name] != turned[name]] == []


def test_no_file_names_a_folder_of_the_machine(tmp_path: Path) -> None:
    files = emitted("digits_mlp.py", ("dwave",), tmp_path / "out", SURROUNDINGS[0])
    for name, content in files.items():
        assert str(EXAMPLES.parent).encode() not in content, name
        assert str(tmp_path).encode() not in content, name

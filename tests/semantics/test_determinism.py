"""The same input gives the same bytes, whatever the hash seed, the thread count or the run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
COMPILE = "from qevo_compiler.cli.main import main; import sys; sys.exit(main(sys.argv[1:]))"
SURROUNDINGS = ({"PYTHONHASHSEED": "0", "threads": "1"}, {"PYTHONHASHSEED": "12345", "threads": "3"})
PROGRAMS = ("knapsack", "tour", "maxcut", "cell", "portfolio")
CASES = [
    *((f"{name}.qevo", target) for name in PROGRAMS for target in ("dwave", "openqasm3", "cirq")),
    ("tour.qevo", "dwave --embed=pegasus"),
    ("knapsack.qevo", "cirq --device=willow_pink"),
    ("digits_mlp.py", "dwave"),
    ("digits_mlp.py", "dwave --task=round --bits=2"),
    ("digits_mlp.py", "openqasm3"),
    ("digits_cnn.py", "openqasm3"),
    ("digits_cnn.py", "dwave"),
    ("digits_cnn.py", "cirq"),
]


def emitted(source: str, target: str, folder: Path, surroundings: dict[str, str]) -> dict[str, bytes]:
    threads = surroundings["threads"]
    counts = {f"{library}_NUM_THREADS": threads for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
    environment = {**os.environ, **counts, "PYTHONHASHSEED": surroundings["PYTHONHASHSEED"]}
    arguments = ["compile", str(EXAMPLES / source), *f"--target={target}".split(), "-o", str(folder)]
    subprocess.run([sys.executable, "-c", COMPILE, *arguments], check=True, env=environment, capture_output=True)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(("source", "target"), CASES)
def test_same_bytes(source: str, target: str, tmp_path: Path) -> None:
    first, second = (
        emitted(source, target, tmp_path / str(index), surroundings) for index, surroundings in enumerate(SURROUNDINGS)
    )
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_no_file_names_a_folder_of_the_machine(tmp_path: Path) -> None:
    files = emitted("digits_mlp.py", "dwave", tmp_path / "out", SURROUNDINGS[0])
    for name, content in files.items():
        assert str(EXAMPLES.parent).encode() not in content, name
        assert str(tmp_path).encode() not in content, name

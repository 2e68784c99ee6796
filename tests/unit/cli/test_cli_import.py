"""`qevoc import`: programs and modules that compile, or a diagnostic and no file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qevo_compiler.cli.main import main

GRAPH = "4 4\n1 2 1\n2 3 2\n3 4 1\n1 4 3\n"
TOUR = "NAME: t\nTYPE: TSP\nDIMENSION: 3\nEDGE_WEIGHT_TYPE: EUC_2D\nNODE_COORD_SECTION\n1 0 0\n2 3 4\n3 6 0\nEOF\n"
THINGS = "tiny\n3\n5 6 7\n1 2\n3\n\n0\n9\n4 7 2\n\nComments\n"
# The best objective of each file, by hand.
FILES = {
    "graph.gset": (GRAPH, 7),
    "matrix.sparse": ("3 4\n1 1 -4\n2 2 1\n1 2 -1\n2 3 5\n", -5),
    "tour.tsp": (TOUR, 16),
    "things.txt": (THINGS, 16),
}


def best(source: Path, capsys: pytest.CaptureFixture[str]) -> float:
    capsys.readouterr()
    assert main(["run", str(source), "--json", "--seed=1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["feasible"]
    return found["objective"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_its_program_and_its_module_have_the_same_optimum(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, optimum = FILES[name]
    file = tmp_path / name
    file.write_text(text)
    program, module = tmp_path / "new.qevo", tmp_path / "new.qir"
    assert main(["import", str(file), "-o", str(program)]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "new.npz"), str(program)]
    assert main(["import", str(file), "-o", str(module)]) == 0
    assert main(["fmt", "--check", str(program)]) == 0
    assert [best(source, capsys) for source in (file, program, module)] == [optimum] * 3


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "graph.gset").write_text(GRAPH)
    for name in ("a", "b"):
        assert main(["import", str(tmp_path / "graph.gset"), "-o", str(tmp_path / f"{name}.qevo")]) == 0
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_output_defaults_to_the_readable_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("graph.gset").write_text(GRAPH)
    Path("model.coo").write_text("0 0 -1\n0 1 2\n")
    assert main(["import", "graph.gset"]) == 0
    assert main(["import", "model.coo"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "graph.gset",
        "graph.npz",
        "graph.qevo",
        "model.coo",
        "model.qir",
    }


def test_nothing_is_left_where_it_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "graph.gset").write_text(GRAPH)
    (tmp_path / "new.qevo").mkdir()
    assert main(["import", str(tmp_path / "graph.gset"), "-o", str(tmp_path / "new.qevo")]) == 1
    assert "Q0007" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"graph.gset", "new.qevo"}

"""Names with brackets, which files and models of other tools may have, in what the commands print."""

from __future__ import annotations

from pathlib import Path

import dimod
import pytest

from qevo_compiler import compile
from qevo_compiler.cli.main import main

LP = "Minimize\n obj: x0 + 2 x1\nSubject To\n x0 + x1 >= 1\n c2: x0 + x1 <= 1\n x0 - x1 <= 0\nBinary\n x0\n x1\nEnd\n"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    model = dimod.ConstrainedQuadraticModel()
    first, second = dimod.Binary("a[red]"), dimod.Binary("[bold]b")
    model.set_objective(-first - second)
    model.add_constraint(first + second, "<=", rhs=1, label="w[1]", weight=0.25, penalty="quadratic")
    model.add_constraint(first + second, ">=", rhs=1, label="any[green]")
    compile(model).write(tmp_path)
    return str(tmp_path)


def test_tables_show_names_as_they_are(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", folder]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    for line in (["a[red]", "1"], ["[bold]b", "1"], ["any[green]", "1", "ok"], ["w[1]", "1", "missed", "(soft)"]):
        assert line in lines


def test_constraints_whose_names_look_like_instances_are_explained(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", folder, "w[1]"]) == 0
    assert capsys.readouterr().out.startswith("w[1]: a[red] + [bold]b - 1 <= 0")
    (tmp_path / "model.lp").write_text(LP)
    assert main(["compile", str(tmp_path / "model.lp"), "-o", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    assert main(["explain", str(tmp_path / "out"), "c[2]"]) == 0
    assert capsys.readouterr().out.startswith("c[2]: x[0] - x[1] <= 0")

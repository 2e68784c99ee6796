"""`--penalties`: the same ways to weigh on the command line as from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from qevo_compiler import compile
from qevo_compiler.cli.common import PENALTIES
from qevo_compiler.cli.main import main
from qevo_compiler.driver import TUNE
from qevo_compiler.loading import load
from qevo_compiler.passes.penalty.methods import Method

KNAPSACK = str(Path(__file__).parents[3] / "examples" / "knapsack.qevo")


def test_the_choices_are_the_methods_and_tuning() -> None:
    assert set(PENALTIES) == {TUNE, *(method.value for method in Method)}


@pytest.mark.parametrize("how", ["tune", "unbalanced", "momc"])
def test_files_have_the_weights_that_python_compiles(how: str, tmp_path: Path) -> None:
    assert main(["compile", KNAPSACK, f"--penalties={how}", "-o", str(tmp_path)]) == 0
    assert load(tmp_path).ledger == compile(KNAPSACK, penalties=how).ledger
    assert (tmp_path / "knapsack.bqm").read_bytes() == compile(KNAPSACK, penalties=how).files["knapsack.bqm"]


def test_a_method_is_for_compiling_and_tuning_for_folders_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", KNAPSACK, "-o", str(tmp_path)]) == 0
    assert main(["run", str(tmp_path), "--penalties=tune", "--rounds=2"]) == 0
    assert main(["run", str(tmp_path), "--penalties=vlm"]) == 1
    assert "`--penalties=vlm` is for compiling" in capsys.readouterr().err

"""`check` finds what compiling would refuse up to the penalties, and forms no penalty for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from qevo_compiler import CompileError, Problem, compile
from qevo_compiler.checking import check
from qevo_compiler.frontend.load import import_source
from qevo_compiler.passes.penalize_constraints import PenalizeConstraints

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("*.qevo"))
HEAD = "program bad\nvar x: binary[3]\nvar k: int[2] in [0, 4]\nminimize sum(x) + sum(k)\nsubject to\n"
WRONG = {
    "Q0650": "  c: sum(x) >= 4\n",
    "Q0651": "  c: 2 * sum(x) == 3\n",
    "Q0652": "  c: sum(x) >= 4 weight 2\n",
    "Q0653": "  c: 2.2 <= sum(x) <= 2.8\n",
    "Q0655": "  c: 3 <= sum(x) <= 2 weight 2\n",
    "Q0215": "  c: (k[0] * k[1] == 2) == 1\n",
    "Q0633": "  c: sum(x) <= 2\nvar wide: int in [0, 100000000] encoded as onehot\n",
}


@pytest.mark.parametrize("code", list(WRONG))
def test_it_reports_what_compiling_reports(code: str) -> None:
    text = HEAD + WRONG[code]
    try:
        expected = compile(text).warnings
    except CompileError as error:
        expected = error.diagnostics
    assert [found.code for found in expected] == [code]
    try:
        found = check(import_source(text))
    except CompileError as error:
        found = error.diagnostics
    assert found == expected


def test_all_wrong_rows_are_reported_together() -> None:
    text = HEAD + "  a: sum(x) >= 4\n  b: 2 * sum(x) == 3\n  c: 3 <= sum(x) <= 2\n  d: sum(x) >= 5 weight 1\n"
    with pytest.raises(CompileError) as caught:
        check(import_source(text))
    assert [found.code for found in caught.value.diagnostics] == ["Q0650", "Q0651", "Q0653", "Q0652"]


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_the_examples_are_right(path: Path) -> None:
    assert check(import_source(path)) == ()


def test_nothing_is_weighed(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: object) -> None:
        raise AssertionError

    monkeypatch.setattr(PenalizeConstraints, "_weights", never)
    monkeypatch.setattr("qevo_compiler.passes.penalize_constraints.penalty_energy", never)
    assert check(import_source(HEAD + "  c: sum(x) <= 2\n")) == ()


def test_a_problem_from_python_is_checked() -> None:
    p = Problem("bad")
    x = p.binary("x", 3)
    p.subject_to(x.sum() >= 4, name="many")
    with pytest.raises(CompileError, match=r"Q0650.*`many`"):
        check(import_source(p))

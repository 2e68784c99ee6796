"""Every diagnostic is reached by a bad input of its own, reads as its golden says, and leaves no file behind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from error_cases import CASES, EXPECTED, case_names, code_of, run_case, shown_codes

from qevo_compiler.diagnostics import Severity
from qevo_compiler.diagnostics.index import all_diagnostics

# What the project promises by name, and the case that shows it.
PROMISED = {
    "unknown name": "Q0201-unknown-name",
    "shape mismatch": "Q0207-shapes",
    "empty domain": "Q0222-empty-domain",
    "infeasible constant constraint": "Q0225-never-holds",
    "NaN data": "Q0306-nan-data",
    "missing file": "Q0301-missing-file",
    "path outside the folder": "Q0302-outside-folder",
    "unsupported op": "Q0704-unsupported-op",
    "truncated .qir": "Q0401-truncated-qir",
    "wrong manifest version": "Q0817-manifest-version",
    "target limits: qubits": "Q0805-circuit-too-wide",
    "target limits: range": "Q0812-out-of-range",
    "target limits: schedule": "Q0813-anneal-schedule",
}


@pytest.mark.parametrize("name", case_names())
def test_bad_input(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden
) -> None:
    outcome = run_case(name, tmp_path / "work", monkeypatch, capsys)
    code = code_of(name)
    warns = all_diagnostics()[code].severity is Severity.WARNING
    assert outcome.exit_code == (0 if warns else 1), outcome.err
    assert shown_codes(outcome.err) == {code}, outcome.err
    assert outcome.left_behind == ()
    assert warns or outcome.out == "", "an error has no product"
    assert str(tmp_path) not in outcome.err
    assert "Traceback" not in outcome.err
    golden(str(CASES / name / EXPECTED), outcome.err)


def test_every_diagnostic_has_a_case() -> None:
    assert {code_of(name) for name in case_names()} == set(all_diagnostics())


@pytest.mark.parametrize("promise", PROMISED)
def test_what_is_promised_by_name_has_a_case(promise: str) -> None:
    assert PROMISED[promise] in case_names()


# One of something with a plural; a template left unfilled; a note of nothing; a space at the end of a line.
_UNCLEAN = {
    "plural": re.compile(r"(?<![\d.,/-])1 (?:bit|element|spin|weight|qubit|term|coupling|label|axe)s\b"),
    "template": re.compile(r"[{}]\w+[:}]|\bNone\b|<\w+ object|\bat 0x"),
    "nothing": re.compile(r"= (?:note|help): *$", re.MULTILINE),
    "space": re.compile(r"[ \t]$", re.MULTILINE),
}


@pytest.mark.parametrize("name", case_names())
def test_the_text_is_clean(name: str) -> None:
    text = (CASES / name / EXPECTED).read_text(encoding="utf-8")
    assert [fault for fault, pattern in _UNCLEAN.items() if pattern.search(text)] == []
    assert all(len(line) <= 140 for line in text.splitlines() if "^" not in line)

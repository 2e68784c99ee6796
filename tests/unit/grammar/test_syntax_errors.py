"""What the parser says about programs that are wrong, and that it says all of it."""

from __future__ import annotations

import inspect

import pytest

from qevo_compiler.diagnostics import render
from qevo_compiler.diagnostics.core import Error
from qevo_compiler.diagnostics.index import all_diagnostics
from qevo_compiler.source import SourceMap

from .helpers import codes, error_of, rendered, source

SYNTAX_ERRORS = [cls for code, cls in all_diagnostics().items() if code.startswith("Q01")]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("let a = 2 3", "Q0101"),
        ("subject to a: x <= 3", "Q0101"),
        ("var x: binry", "Q0101"),
        ("let a = 1 +", "Q0102"),
        ("var x: int", "Q0102"),
        ("minimise x", "Q0103"),
        ("variable x: binary", "Q0103"),
        ("x = 3", "Q0103"),
        ("let a = (1 +", "Q0104"),
        ("let a = 1)", "Q0105"),
        ("let a = x[(1 + 2]", "Q0105"),
        ("subject to\n  a: x = 1", "Q0106"),
        ("minimize sum(x[i] for i in S if i = 1)", "Q0106"),
        ("minimize x ** 2", "Q0107"),
        ("\tlet a = 1", "Q0108"),
        ("let a = b ≤ c", "Q0108"),
        ("let a = b ? c ? d", "Q0108"),
        ('data d: int from "d.csv', "Q0110"),
        ("let a = .5", "Q0111"),
        ("let a = 5.", "Q0111"),
        ("let a = 007", "Q0111"),
        ("let a = 1_000", "Q0111"),
        ("let a = 2x", "Q0111"),
        ("let a = 1e999", "Q0111"),
        ("let a = [1, 1e999]", "Q0111"),
        ("a: x <= 1", "Q0112"),
        ("subject to\n  a: x\n", "Q0113"),
        ("subject to\n  a: x or y == 1\n", "Q0113"),
        ("subject to\n  a: x => 1\n", "Q0113"),
        ("subject to\n  a: x < 1\n", "Q0114"),
        ("subject to\n  a: 0 <= x <= y <= 1\n", "Q0115"),
        ("subject to\n  a: 0 <= x >= 1\n", "Q0115"),
        ("subject to\n  a: 0 == x == 1\n", "Q0115"),
        ("subject to\n  a: 0 < x < 1\n", "Q0115"),
        ("subject to\n  a: not (0 <= x <= 1)\n", "Q0115"),
        ("subject to\n  a: (0 <= x <= 1) == 1\n", "Q0115"),
        ("minimize sum(x for i in 0..n if 0 <= i <= 1)\n", "Q0115"),
        ("var in: binary", "Q0116"),
        ("program again", "Q0118"),
        ("minimize x\nmaximize y", "Q0119"),
        ("subject to\n  sum(x) <= 1", "Q0120"),
        ("subject to\n  x[0] + x[1] <= 1", "Q0120"),
        ("subject to\n  x[i] <= y for i in 0..4", "Q0120"),
        ("x[0] + x[1]", "Q0103"),
    ],
)
def test_one_error_and_its_code(lines: str, code: str) -> None:
    assert codes(lines) == [code]


@pytest.mark.parametrize(
    "deep", ["(" * 200 + "1" + ")" * 200, "-" * 20_000 + "1", "1" + "/ 2" * 20_000, "x" + "[0]" * 20_000]
)
def test_deep_nesting_is_an_error_and_no_crash(deep: str) -> None:
    assert codes(f"let a = {deep}", "minimise a") == ["Q0109", "Q0103"]


def test_integers_too_long_for_python() -> None:
    assert codes("let a = " + "9" * 5000, "let b = [" + "9" * 5000 + "]") == ["Q0111", "Q0111"]


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "let a = 1\n"])
def test_a_program_needs_a_name(text: str) -> None:
    assert [d.code for d in error_of(text).diagnostics] == ["Q0117"]


def test_all_errors_of_a_file_come_in_order() -> None:
    lines = ("minimise x", "let a = (1", "subject to", "  b: x = 1", "  c: x <= 1", "let d =", "var e: bin")
    assert codes(*lines) == ["Q0103", "Q0104", "Q0106", "Q0102", "Q0101"]


@pytest.mark.parametrize("following", ["let b = 1", "minimize a", "subject to", "f: a <= 1", "f[i]: a <= 1 for i in S"])
def test_an_open_bracket_hides_no_later_statement(following: str) -> None:
    assert codes("let a = sum(1", following, "minimise x")[0] == "Q0104"
    assert "Q0103" in codes("let a = sum(1", following, "minimise x")


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("minimise x", "minimize"),
        ("Maximize x", "maximize"),
        ("variable x: binary", "var"),
        ("parameter t: real = 0", "param"),
        ("subject too", "subject to"),
        ("s.t.", "subject to"),
        ("such that", "subject to"),
        ("anneel linear", "anneal"),
        ("var x: spinn", "spin"),
        ("var x: int in [0, 1] encoded as onhot", "onehot"),
        ("approximate tanh degre = 3", "degree"),
        ("param t: real = 0 in [0, 1] bit 3", "bits"),
    ],
)
def test_did_you_mean(line: str, meant: str) -> None:
    assert f"did you mean `{meant}`?" in rendered(line)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("for i in 0..4: x[i] <= 1", "the `for` stands behind a constraint"),
        ("forall i in 0..4: x[i] <= 1", "the `for` stands behind a constraint"),
        ("minimize sum(x[i] if i > 2 for i in 0..4)", "the condition stands at the end"),
        ("minimize sum(x[i] for i in 0..4 if i > 2 for j in 0..i)", "the condition stands at the end"),
    ],
)
def test_orders_of_other_languages_are_put_right(line: str, hint: str) -> None:
    assert hint in rendered(line)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_editors_do(end: str) -> None:
    text = f"program p  # a\x0cb\u2028c{end}let a = 1{end}minimise a{end}"
    (found,) = error_of(text).diagnostics
    assert str(found.span) == "test.qevo:3:1"


def test_a_misspelt_header() -> None:
    text = source("progam p\nlet a = 1")
    assert "did you mean `program`?" in render(error_of(text.text).diagnostics, SourceMap(text))


def test_a_misspelt_subject_to_does_not_blame_its_constraints() -> None:
    assert codes("subject too", "  a: x <= 1") == ["Q0103"]


def test_unclosed_bracket_reads() -> None:
    assert rendered("minimize sum(x[i] for i in 0..n", "var x: binary[n]") == (
        "error[Q0104]: `(` is never closed\n"
        " --> test.qevo:2:13\n"
        "  |\n"
        "2 | minimize sum(x[i] for i in 0..n\n"
        "  |             ^ opened here\n"
        "  = help: add the missing `)`\n\n"
    )


def test_wrong_bracket_reads() -> None:
    assert rendered("let a = x[(1 + 2]") == (
        "error[Q0105]: `]` closes no bracket\n"
        " --> test.qevo:2:17\n"
        "  |\n"
        "2 | let a = x[(1 + 2]\n"
        "  |                 ^ expected `)`\n"
        " --> test.qevo:2:11\n"
        "  |\n"
        "2 | let a = x[(1 + 2]\n"
        "  |           - opened here\n\n"
    )


def test_unexpected_token_reads() -> None:
    assert rendered("train sgd(rate 0.1)") == (
        "error[Q0101]: unexpected `0.1`\n"
        " --> test.qevo:2:16\n"
        "  |\n"
        "2 | train sgd(rate 0.1)\n"
        "  |                ^^^ expected an operator, `)`, `,` or `=`\n"
        "  = help: write `*` to multiply\n\n"
    )


def test_early_end_reads() -> None:
    assert rendered("var x: real[n]") == (
        "error[Q0102]: the line ends too early\n"
        " --> test.qevo:2:15\n"
        "  |\n"
        "2 | var x: real[n]\n"
        "  |               ^ expected `in`\n"
        "  = help: integers and reals need a range, as in `in [0, 10]`\n\n"
    )


@pytest.mark.parametrize("error", SYNTAX_ERRORS, ids=lambda error: error.__name__)
def test_every_error_explains_itself(error: type[Error]) -> None:
    text = inspect.cleandoc(error.__doc__ or "")
    assert "\nBad: " in text
    assert "\nGood: " in text

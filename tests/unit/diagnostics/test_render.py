"""How diagnostics read: places, underlines, related places, notes and help."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevo_compiler.cli.main import main
from qevo_compiler.diagnostics import CompileError, Diagnostics, Error, Warn, did_you_mean, render
from qevo_compiler.diagnostics.core import counted
from qevo_compiler.diagnostics.render import LONGEST_LINE, WIDTH
from qevo_compiler.source import SourceFile, SourceMap, Span


class Sample(Error):
    """Not part of the compiler: it has no code of its own, so that the index does not list it."""

    title: ClassVar[str] = "`{what}` is wrong"
    label: ClassVar[str] = "{place}"
    note: ClassVar[str] = "{remark}"
    help: ClassVar[str] = "{advice}"

    what: str = "it"
    place: str = "here"
    remark: str = ""
    advice: str = ""
    others: tuple[tuple[Span, str], ...] = ()

    def related(self) -> Iterable[tuple[Span, str]]:
        return self.others


class Remark(Warn):
    """A warning without a code of its own."""

    title: ClassVar[str] = "mind this"


def at(line: int, column: int, end: int, end_line: int | None = None, file: str = "a.qevo") -> Span:
    return Span(file, line, column, end_line or line, end)


def shown(diagnostic: Error | Warn, text: str) -> str:
    return render([diagnostic], SourceMap(SourceFile("a.qevo", text)))


def test_the_place_is_underlined() -> None:
    assert shown(Sample(at(2, 5, 8)), "one\nlet abc = 1\n") == dedent(
        """\
        error[]: `it` is wrong
         --> a.qevo:2:5
          |
        2 | let abc = 1
          |     ^^^ here

        """
    )


def test_without_a_label_the_underline_stands_alone() -> None:
    assert "  | ^^^\n" in shown(Sample(at(1, 1, 4), place=""), "abc\n")


def test_of_several_lines_the_first_is_underlined_to_its_end() -> None:
    text = shown(Sample(at(1, 5, 3, end_line=3)), "let abc = (1 +  \n  2\n)\n")
    assert "1 | let abc = (1 +\n  |     ^^^^^^^^^^ here\n" in text
    assert "2 |" not in text


@pytest.mark.parametrize(("column", "end"), [(4, 5), (4, 4), (9, 12)])
def test_the_end_of_a_line_has_a_place_too(column: int, end: int) -> None:
    assert f"  | {' ' * (column - 1)}^ here\n" in shown(Sample(at(1, column, end)), "abc\n")


def test_an_end_behind_the_line_is_cut() -> None:
    assert "  | ^^^ here\n" in shown(Sample(at(1, 1, 99)), "abc\n")


def test_tabs_take_one_column_so_that_underlines_stand_right() -> None:
    assert "1 |  x = y\n  |      ^ here\n" in shown(Sample(at(1, 6, 7)), "\tx = y\n")


def test_what_does_not_print_is_a_space() -> None:
    text = shown(Sample(at(1, 5, 6)), "a\x1b[3x = y\n")
    assert "1 | a [3x = y\n  |     ^ here\n" in text
    assert "\x1b" not in text


def test_related_places_follow_with_their_own_mark() -> None:
    diagnostic = Sample(at(12, 1, 2), others=((at(3, 1, 2), "first"), (at(4, 1, 2, file="b.qevo"), "elsewhere")))
    assert shown(diagnostic, "x\n" * 12) == dedent(
        """\
        error[]: `it` is wrong
          --> a.qevo:12:1
           |
        12 | x
           | ^ here
          --> a.qevo:3:1
           |
         3 | x
           | - first
          --> b.qevo:4:1
           = elsewhere

        """
    )


@pytest.mark.parametrize("line", [0, 4, 1000])
def test_a_line_that_the_source_does_not_have(line: int) -> None:
    assert shown(Sample(at(line, 1, 2)), "x\n").splitlines()[1:3] == [
        f"{' ' * len(str(line))}--> a.qevo:{line}:1",
        f"{' ' * len(str(line))} = here",
    ]


def test_without_a_source_the_label_stays() -> None:
    assert render([Sample(at(1, 2, 3))], SourceMap()) == "error[]: `it` is wrong\n --> a.qevo:1:2\n  = here\n\n"
    assert render([Sample(at(1, 2, 3), place="")], SourceMap()) == "error[]: `it` is wrong\n --> a.qevo:1:2\n\n"


def test_without_a_place_there_are_no_lines_for_one() -> None:
    assert render([Sample(None, advice="do that")], SourceMap()) == "error[]: `it` is wrong\n = help: do that\n\n"


def test_empty_notes_are_left_out_and_long_ones_wrapped() -> None:
    text = render([Sample(None, remark="word " * 60, advice="")], SourceMap())
    assert "help" not in text
    lines = text.splitlines()[1:-1]
    assert len(lines) == 4
    assert lines[0].startswith(" = note: word")
    assert all(line.startswith("         word") and len(line) <= WIDTH for line in lines[1:])


def test_code_in_a_note_is_not_broken() -> None:
    code = "`expand-polynomials {max-terms = 1000}`"
    assert code in render([Sample(None, remark=f"{'word ' * 16}{code} more")], SourceMap())


def test_curly_braces_in_fields_are_no_templates() -> None:
    assert "`{what} {}` is wrong" in render([Sample(None, what="{what} {}")], SourceMap())


@pytest.mark.parametrize("column", [1, 50, 5000, 9990])
def test_of_a_long_line_the_part_around_the_place_is_shown(column: int) -> None:
    line = "".join(f"{i % 10}" for i in range(1, 10_000))
    _, _, _, source, underline, _ = shown(Sample(at(1, column, column + 3), place=""), f"{line}\n").split("\n", 5)
    start = underline.index("^")
    assert source[start : start + 3] == line[column - 1 : column + 2]
    assert underline.count("^") == 3
    assert len(source) <= LONGEST_LINE + 10


@given(
    st.text(st.sampled_from("ab\t ≤`{}"), max_size=200),
    st.integers(0, 3),
    st.integers(1, 300),
    st.integers(1, 300),
    st.text(st.sampled_from("ab `{}"), max_size=200),
)
def test_any_span_and_text_render(line: str, number: int, column: int, end: int, remark: str) -> None:
    text = shown(Sample(at(number, column, end), remark=remark), f"{line}\n{line}\n")
    assert text.startswith("error[]: ")
    assert text.endswith("\n\n")


def test_source_lines_end_where_the_languages_end_them() -> None:
    """A form feed or a line separator is a character of its line, as for the parsers that count the lines."""
    file = SourceFile("a.qevo", "a\x0cb\u2028c\r\nsecond\rthird")
    assert [file.line(n) for n in (1, 3)] == ["a\x0cb\u2028c", "third"]
    assert "3 | third\n  | ^ here" in shown(Sample(at(3, 1, 2)), file.text)


def test_warnings_say_so() -> None:
    assert render([Remark(None)], SourceMap()) == "warning[]: mind this\n\n"


def test_errors_are_sorted_by_place_and_those_without_one_come_first() -> None:
    spans = [at(3, 1, 2), at(1, 9, 10), None, at(1, 2, 3)]
    error = CompileError(*(Sample(span) for span in spans))
    assert [d.span for d in error.diagnostics] == [None, at(1, 2, 3), at(1, 9, 10), at(3, 1, 2)]


def test_the_same_error_is_collected_once() -> None:
    found = Diagnostics()
    found.add(Sample(at(1, 1, 2)))
    found.extend(CompileError(Sample(at(1, 1, 2)), Sample(at(1, 3, 4))))
    found.add(Remark(None))
    assert len(found.errors) == 2
    assert found.warnings == (Remark(None),)
    with pytest.raises(CompileError):
        found.raise_if_any()


def test_warnings_alone_raise_nothing() -> None:
    found = Diagnostics()
    found.add(Remark(None))
    found.raise_if_any()


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("wieght", ["height", "weight"], "did you mean `weight`?"),
        ("x", ["capacity"], ""),
        ("x", [], ""),
        ("cost", {"costs", "coast"}, "did you mean `costs`?"),
    ],
)
def test_did_you_mean(name: str, known: Iterable[str], expected: str) -> None:
    assert did_you_mean(name, known) == expected


def test_counts_read_as_words() -> None:
    assert [counted(n, "spin") for n in (0, 1, 2, 12345)] == ["0 spins", "1 spin", "2 spins", "12,345 spins"]
    assert counted(2, "entry", "entries") == "2 entries"


BAD = """\
program bad
data weight: int[n] = [4, 2]
var x: binary[n]
minimize sum(wieght) + x[7]
subject to
  few: sum(x) <= capacity
  none: sum(x) = 0
"""


def test_one_run_reports_all_errors_of_a_file_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.qevo").write_text(BAD.replace("= 0", "== 0"), encoding="utf-8")
    Path("worse.qevo").write_text(BAD, encoding="utf-8")
    assert main(["check", "bad.qevo"]) == 1
    places = [line.strip() for line in capsys.readouterr().err.splitlines() if "-->" in line]
    assert places == ["--> bad.qevo:4:14", "--> bad.qevo:4:26", "--> bad.qevo:6:18"]
    assert main(["check", "worse.qevo", "bad.qevo"]) == 1
    places = [line.strip() for line in capsys.readouterr().err.splitlines() if "-->" in line]
    assert places == ["--> worse.qevo:7:16", "--> bad.qevo:4:14", "--> bad.qevo:4:26", "--> bad.qevo:6:18"]


def test_colour_is_only_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.qevo").write_text(BAD, encoding="utf-8")
    assert main(["check", "--color=always", "bad.qevo"]) == 1
    coloured = capsys.readouterr().err
    assert main(["check", "--color=never", "bad.qevo"]) == 1
    plain = capsys.readouterr().err
    assert "\x1b[" in coloured
    assert "\x1b[" not in plain

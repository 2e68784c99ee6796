"""No text makes the parser fail in any other way than with diagnostics."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.diagnostics import CompileError, render
from qevo_compiler.grammar import format_program, parse
from qevo_compiler.source import SourceMap

from .helpers import PROGRAMS, same, source

PIECES = sorted({piece for path in PROGRAMS for piece in path.read_text(encoding="utf-8").split()})
SIGNS = [*"()[]{},:=.^+-*/%@#<>!&\"'\\\t\n\r\f\u2028", "..", "==", "=>", "1e", "0x1", "\n", " ", "not", "weight"]
TEXTS = st.lists(st.sampled_from(PIECES) | st.sampled_from(SIGNS) | st.just("\n"), max_size=40)


def check(text: str) -> None:
    try:
        tree = parse(source(text))
    except CompileError as error:
        render(error.diagnostics, SourceMap(source(text)))
        return
    formatted = format_program(source(text))
    assert same(parse(source(formatted)), tree)
    assert format_program(source(formatted)) == formatted


@settings(max_examples=120, deadline=None, derandomize=True)
@given(TEXTS)
def test_pieces_in_any_order(pieces: list[str]) -> None:
    check("program p\n" + " ".join(pieces))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.sampled_from(PROGRAMS), st.integers(0, 10**4), st.integers(0, 3), st.sampled_from(["", *SIGNS]))
def test_programs_with_one_place_changed(path: Path, place: int, removed: int, added: str) -> None:
    text = path.read_text(encoding="utf-8")
    place %= len(text)
    check(text[:place] + added + text[place + removed :])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    check(text)

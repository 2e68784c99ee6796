"""Sizes that must work; times are compared with each other, never with a clock."""

from __future__ import annotations

import gc
import subprocess
import sys
from time import process_time

import pytest

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.grammar import ast, format_program, parse, print_program
from qevo_compiler.grammar.parser import parse_file

from .helpers import expr, same, source


def seconds(text: str) -> float:
    best = float("inf")
    gc.freeze()  # what other tests left behind would be collected on this one's time
    for _ in range(4):
        start = process_time()
        parse_file(source(text))
        best = min(best, process_time() - start)
    gc.unfreeze()
    return best


def test_a_sum_of_thousands_of_terms_parses_prints_and_walks() -> None:
    text = "program p\nlet a = " + " - ".join(f"w[{i}] * x" for i in range(5_000)) + "\n"
    tree = parse(source(text))
    assert print_program(tree) == text
    assert format_program(source(text)) == text
    assert sum(isinstance(node, ast.Negate) for node in ast.walk(tree)) == 4_999


def test_long_chains_of_and_parse_flat() -> None:
    tree = expr(" and ".join(f"x[{i}]" for i in range(2_000)))
    assert isinstance(tree, ast.Logical)
    assert len(tree.operands) == 2_000


def test_arrays_of_constants_are_one_node() -> None:
    rows = ", ".join(f"[{i}, {i / 7}]" for i in range(50_000))
    tree = expr(f"[{rows}]")
    assert isinstance(tree, ast.LiteralArray)
    assert tree.entries[3] == (3, 3 / 7)
    assert len(tree.entries) == 50_000
    assert same(tree, expr(print_program(parse(source(f"program p\nlet a = [{rows}]")))[len("program p\nlet a = ") :]))


def test_time_grows_with_the_length_of_the_file() -> None:
    line = "  c{}: sum(w[i] * x[i, 3] for i in 0..n) <= 9\n"
    head = "program p\nsubject to\n"
    small = head + "".join(line.format(i) for i in range(200))
    large = head + "".join(line.format(i) for i in range(1_600))
    assert seconds(large) < 8 * 3 * seconds(small)


def test_import_reads_no_tables() -> None:
    script = (
        "import qevo_compiler.grammar\n"
        "from qevo_compiler.grammar.automaton import read_tables\n"
        "assert read_tables.cache_info().currsize == 0\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_short_texts_are_parsed_once_and_long_ones_each_time() -> None:
    short = "program p\nlet a = 1\n"
    long = short + "# " + "x" * 70_000 + "\n"
    assert parse(source(short)) is parse(source(short))
    assert parse(source(long)) is not parse(source(long))
    for _ in range(2):
        with pytest.raises(CompileError):
            parse(source("program p\nlet a 1\n"))

"""Parse, print, parse is the identity; formatting keeps the tree and is done after one run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from qevo_compiler.grammar import ast, format_program, parse, print_program

from . import trees
from .helpers import PROGRAMS, expr, same, source

RELAXED = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_programs_survive_printing_and_formatting(path: Path) -> None:
    tree = parse(source(path.read_text(encoding="utf-8")))
    assert same(parse(source(print_program(tree))), tree)
    formatted = format_program(source(path.read_text(encoding="utf-8")))
    assert same(parse(source(formatted)), tree)
    assert format_program(source(formatted)) == formatted


@RELAXED
@given(trees.PROGRAMS)
def test_parse_inverts_print(tree: ast.Program) -> None:
    text = print_program(tree)
    assert same(parse(source(text)), tree)
    assert format_program(source(text)) == text


@RELAXED
@given(trees.EXPRS)
def test_every_parenthesis_is_needed(tree: ast.Expr) -> None:
    printed = print_program(
        ast.Program(
            ast.Identifier("p", span=trees.SPAN),
            (ast.Let(ast.Identifier("a", span=trees.SPAN), tree, span=trees.SPAN),),
            span=trees.SPAN,
        )
    )
    wrapped = printed.replace("= ", "= (", 1).rstrip("\n") + ")\n"
    assert format_program(source(wrapped)) == printed


@pytest.mark.parametrize(
    "text",
    [
        "a - (b - c)",
        "a + (b + c)",
        "(a * b)^2",
        "-(a * b)",
        "-a * b",
        "a / (b * c)",
        "a / b * c",
        "(-2)^2",
        "-2^2",
        "2^-3",
        "(a^b)^c",
        "a^b^c",
        "not (a or b) and c",
        "(a => b) => c",
        "(a == b) == c",
        "x[1:, :, ::2, i]",
        "(x + y).T @ z",
        "(2).T",
        "[a, [1, 2], -b]",
        "sum(x[i] for i in {a, b} for j in 0..n - 1 if i != j)",
    ],
)
def test_expressions_with_only_needed_parentheses_stay(text: str) -> None:
    assert format_program(source(f"program p\nlet a = {text}\n")) == f"program p\nlet a = {text}\n"


def test_first_terms_are_flattened_and_later_ones_are_not() -> None:
    assert same(expr("(a + b) - c"), expr("a + b - c"))
    assert not same(expr("a + (b - c)"), expr("a + b - c"))

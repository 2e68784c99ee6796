"""Shared by the grammar tests."""

from __future__ import annotations

from pathlib import Path

from qevo_compiler.diagnostics import CompileError, render
from qevo_compiler.grammar import ast, parse
from qevo_compiler.source import SourceFile, SourceMap, Span

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.qevo"))
SPAN = Span("test.qevo", 1, 1, 1, 1)


def source(text: str) -> SourceFile:
    return SourceFile("test.qevo", text)


def program(*lines: str) -> ast.Program:
    """The tree of a program with these lines below its header."""
    return parse(source("\n".join(("program test", *lines))))


def statement(line: str) -> ast.Statement:
    (only,) = program(line).statements
    return only


def constraint(line: str) -> ast.Constraint:
    only = program("subject to", line).statements[0]
    assert isinstance(only, ast.Constraint)
    return only


def expr(text: str) -> ast.Expr:
    let = statement(f"let a = {text}")
    assert isinstance(let, ast.Let)
    return let.value


def error_of(text: str) -> CompileError:
    try:
        parse(source(text))
    except CompileError as error:
        return error
    raise AssertionError("the program has no syntax error")


def codes(*lines: str) -> list[str]:
    """The codes of the errors in these lines below a header."""
    return [d.code for d in error_of("\n".join(("program test", *lines))).diagnostics]


def rendered(*lines: str) -> str:
    text = source("\n".join(("program test", *lines)))
    return render(error_of(text.text).diagnostics, SourceMap(text))


def same(a: ast.Node, b: ast.Node) -> bool:
    """Equal, with `1` and `1.0` told apart."""
    return a == b and repr(a) == repr(b)

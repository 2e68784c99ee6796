"""Text to syntax tree.

Every logical line is parsed on its own, so one wrong line hides no error of another. Two headers and
two objectives are reported here; whatever needs the meaning of a name is left to the checker: names,
types, shapes, the methods and options of directives.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from qevo_compiler.diagnostics import CompileError, Diagnostics
from qevo_compiler.diagnostics.syntax.statements import (
    ConstraintOutsideBlock,
    MisplacedHeader,
    MissingHeader,
    SecondObjective,
)
from qevo_compiler.diagnostics.syntax.tokens import NestedTooDeep
from qevo_compiler.grammar import ast, mistakes
from qevo_compiler.grammar.automaton import END, Automaton, Run, automaton
from qevo_compiler.grammar.builder import AstBuilder, SubjectTo
from qevo_compiler.grammar.expressions import refuse_chains
from qevo_compiler.grammar.faults import check_tokens
from qevo_compiler.grammar.lexer import Lexeme, keywords, lex
from qevo_compiler.grammar.lines import Line, is_constraint_head, split_lines
from qevo_compiler.light import light
from qevo_compiler.source import SourceFile, Span

# Longer texts hold data, and their trees are large.
_SHORT = 1 << 16


@light()
class ParsedLine:
    """A logical line and what each of its tokens turned out to be: a keyword or a name."""

    line: Line
    tokens: tuple[Lexeme, ...] = ()


@light()
class ParsedFile:
    program: ast.Program
    lines: tuple[ParsedLine, ...]


def parse(source: SourceFile) -> ast.Program:
    """The program in `source`; raises `CompileError` with every syntax error of the file."""
    # Solve loops and services compile one text with other data again and again; trees never change.
    return _remembered(source) if len(source.text) <= _SHORT else parse_file(source).program


@lru_cache(maxsize=16)
def _remembered(source: SourceFile) -> ast.Program:
    return parse_file(source).program


def parse_file(source: SourceFile) -> ParsedFile:
    """The program together with its lines, comments and layout included."""
    reading = _FileReader(source)
    lines = tuple(reading.read(line) for line in split_lines(lex(source)))
    return ParsedFile(reading.program(), lines)


class _FileReader:
    """What is known while the lines of one file are read from first to last."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._found = Diagnostics()
        self._first: Span | None = None
        self._headers = 0
        self._name: ast.Identifier | None = None
        self._statements: list[ast.Statement] = []
        self._objective: ast.Objective | None = None
        self._in_block = False

    def read(self, line: Line) -> ParsedLine:
        tokens = line.tokens
        if not tokens:
            return ParsedLine(line)
        is_first = self._first is None
        self._first = self._first or tokens[0].span
        try:
            if line.error is not None:
                raise CompileError(line.error)
            check_tokens(line)
            return ParsedLine(line, self._read_tokens(tokens, is_first))
        except CompileError as error:
            self._found.extend(error)
            self._in_block = True  # the line may have been meant as `subject to`
            return ParsedLine(line)

    def program(self) -> ast.Program:
        if self._first is None:
            self._found.add(MissingHeader(Span(self._source.name, 1, 1, 1, 1), "the file is empty"))
        elif not self._headers:
            self._found.add(MissingHeader(self._first, "as in `program knapsack`"))
        self._found.raise_if_any()
        assert self._name is not None
        assert self._first is not None
        last = self._statements[-1].span if self._statements else self._name.span
        return ast.Program(self._name, tuple(self._statements), span=self._first.to(last))

    def _read_tokens(self, tokens: list[Lexeme], is_first: bool) -> tuple[Lexeme, ...]:
        if mistakes.is_header(tokens, is_first):
            return self._read_header(tokens, is_first)
        statements, read = _parsed(tokens, "statement")
        _check_depth(statements, len(tokens))
        if [token.type for token in tokens].count("RELATION") > 1:
            for statement in statements:
                refuse_chains(statement)
        for statement in statements:
            self._place(statement)
        return read

    def _read_header(self, tokens: list[Lexeme], is_first: bool) -> tuple[Lexeme, ...]:
        self._headers += 1
        if not is_first:
            advice = "move it to the top" if self._headers == 1 else "a file holds one program"
            self._found.add(MisplacedHeader(tokens[0].span, advice))
        self._name, read = _parsed(tokens, "header")
        return read

    def _place(self, statement: ast.Statement) -> None:
        """Add one statement, in the place where the rules allow it."""
        if isinstance(statement, SubjectTo):
            self._in_block = True
            return
        if not isinstance(statement, ast.Constraint):
            self._in_block = False
        elif not self._in_block:
            self._found.add(ConstraintOutsideBlock(statement.name.span, statement.name.text))
            self._in_block = True  # said once for a block
        if isinstance(statement, ast.Objective):
            self._add_objective(statement)
        self._statements.append(statement)

    def _add_objective(self, objective: ast.Objective) -> None:
        if self._objective is None:
            self._objective = objective
        else:
            self._found.add(SecondObjective(objective.span, self._objective.span))


@cache
def _automaton() -> Automaton:
    """The automaton that builds the syntax tree; it keeps no state between runs."""
    return automaton(AstBuilder(), keywords())


def _parsed(line: list[Lexeme], start: str) -> tuple[Any, tuple[Lexeme, ...]]:
    """What the automaton makes of a line, and its tokens with each word as the keyword or the name that it is."""
    end = line[-1].span
    at_end = Span(end.file, end.end_line, end.end_column, end.end_line, end.end_column + 1)
    read = [*line, Lexeme(END, "", at_end)]
    if read[0].type in keywords() and is_constraint_head(line):
        read[0] = read[0]._replace(type="NAME")
    run = Run(_automaton(), start)
    fitting = run.feed(read)
    if fitting < len(read):
        raise CompileError(mistakes.explain(read[fitting], fitting, line, run.accepts()))
    return run.result(), tuple(read[:-1])


def _check_depth(statements: tuple[ast.Statement, ...], tokens: int) -> None:
    if tokens <= ast.MAX_DEPTH:
        return
    for node, depth in _depths(statements):
        if depth > ast.MAX_DEPTH:
            raise CompileError(NestedTooDeep(node.span, ast.MAX_DEPTH))


def _depths(roots: tuple[ast.Statement, ...]) -> Iterator[tuple[ast.Node, int]]:
    stack: list[tuple[ast.Node, int]] = [(root, 0) for root in roots]
    while stack:
        node, depth = stack.pop()
        yield node, depth
        stack.extend((child, depth + 1) for child in ast.children(node))

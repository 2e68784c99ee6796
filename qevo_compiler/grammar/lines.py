"""Lexemes to logical lines: a physical line, or several joined by an open bracket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from qevo_compiler.diagnostics import Diagnostic
from qevo_compiler.diagnostics.syntax.tokens import UnclosedBracket, UnmatchedBracket
from qevo_compiler.grammar.lexer import RESERVED, Lexeme

CLOSING = {"(": ")", "[": "]", "{": "}"}
_OPENING = {closing: opening for opening, closing in CLOSING.items()}
_TRIVIA = frozenset({"NEWLINE", "COMMENT"})
# What no statement contains.
_FAULTS = frozenset({"DOUBLE_STAR", "BAD_NUMBER", "BAD_STRING", "ODD"})
# All that is looked at to find the lines: most lexemes go through unseen.
_MARKS = _TRIVIA | _FAULTS | {"LPAR", "RPAR", "LSQB", "RSQB", "LBRACE", "RBRACE"}
_DECLARATIONS = frozenset({"DATA", "VAR", "PARAM", "LET", "WHERE", "PROGRAM"})
_DIRECTIVES = frozenset({"ANNEAL", "TRAIN", "LINEARIZE", "SAMPLE", "APPROXIMATE"})
_OBJECTIVES = frozenset({"MINIMIZE", "MAXIMIZE"})


@dataclass
class Line:
    """A logical line with the line ends and comments inside it and the comment after it.

    A blank line is empty; a line that holds only a comment has no tokens, which are the lexemes without trivia.
    A `faulty` line holds some that no statement contains.
    """

    lexemes: list[Lexeme] = field(default_factory=list)
    tokens: list[Lexeme] = field(default_factory=list)
    error: Diagnostic | None = None
    faulty: bool = False


def split_lines(lexemes: list[Lexeme]) -> Iterator[Line]:
    """The logical lines of a file; a line with a bracket that does not pair carries the error.

    After such an error the line ends with the physical line, so that the next statement is read.
    """
    line, open_brackets, start, plain = Line(), list[Lexeme](), 0, True
    for place, lexeme in enumerate(lexemes):
        if lexeme.type not in _MARKS:
            continue
        if lexeme.type in _FAULTS:
            line.faulty = True
        elif lexeme.type not in _TRIVIA:
            line.error = line.error or _pair(lexeme, open_brackets)
        elif lexeme.type == "COMMENT" or _continues(line, open_brackets, lexemes, place + 1):
            plain = False
        else:
            yield _filled(line, lexemes[start:place], plain)
            line, open_brackets, start, plain = Line(), [], place + 1, True
    if open_brackets and line.error is None:
        line.error = _unclosed(open_brackets[-1])
    if start < len(lexemes):
        yield _filled(line, lexemes[start:], plain)


def _filled(line: Line, lexemes: list[Lexeme], plain: bool) -> Line:
    line.lexemes = lexemes
    line.tokens = lexemes if plain else [lexeme for lexeme in lexemes if lexeme.type not in _TRIVIA]
    return line


def _continues(line: Line, open_brackets: list[Lexeme], lexemes: list[Lexeme], place: int) -> bool:
    """Whether the line goes on at `place`, the start of the next physical line."""
    if line.error is not None or not open_brackets:
        return False
    if _starts_statement(lexemes, place, open_brackets[-1].text):
        line.error = _unclosed(open_brackets[-1])
        return False
    return True


def _pair(lexeme: Lexeme, open_brackets: list[Lexeme]) -> Diagnostic | None:
    """Track one lexeme in the stack of open brackets."""
    if lexeme.text in CLOSING:
        open_brackets.append(lexeme)
        return None
    if lexeme.text not in _OPENING:
        return None
    if not open_brackets:
        return UnmatchedBracket(lexeme.span, lexeme.text, f"no `{_OPENING[lexeme.text]}` before it", None)
    opening = open_brackets.pop()
    if CLOSING[opening.text] == lexeme.text:
        return None
    advice = f"expected `{CLOSING[opening.text]}`"
    return UnmatchedBracket(lexeme.span, lexeme.text, advice, opening.span)


def _unclosed(opening: Lexeme) -> UnclosedBracket:
    return UnclosedBracket(opening.span, opening.text, CLOSING[opening.text])


def _starts_statement(lexemes: list[Lexeme], place: int, bracket: str) -> bool:
    """Whether the physical line at `place` can only be a new statement, not more of an expression."""
    line = _physical(lexemes, place)
    if len(line) < 2:
        return False
    first, second = line[0], line[1]
    follows_word = second.is_word and second.type not in RESERVED
    if first.type in _OBJECTIVES:
        return True
    if first.type in _DECLARATIONS or first.type in _DIRECTIVES:
        return follows_word
    if first.type == "SUBJECT":
        return second.type == "TO"
    return bracket == "(" and is_constraint_head(line)


def is_constraint_head(line: list[Lexeme]) -> bool:
    """Whether a line starts with `name:` or `name[..]:`."""
    if len(line) < 2 or not line[0].is_word:
        return False
    if line[1].text != "[":
        return line[1].text == ":"
    closing = next((i for i, lexeme in enumerate(line) if lexeme.text == "]"), len(line))
    return [lexeme.text for lexeme in line[closing + 1 : closing + 2]] == [":"]


def _physical(lexemes: list[Lexeme], place: int) -> list[Lexeme]:
    """The first few lexemes of the physical line that starts at `place`."""
    line = []
    for lexeme in lexemes[place : place + 12]:
        if lexeme.type in _TRIVIA:
            break
        line.append(lexeme)
    return line

"""The canonical layout of a program, as `qevoc fmt` writes it.

One space around operators, none around `^`, `..` and inside brackets; constraints two spaces under
`subject to`; needless parentheses gone. Comments, numbers, line breaks inside brackets and single
blank lines stay as written. Formatting twice changes nothing, and the tree stays the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qevo_compiler.grammar.layout import lay_out
from qevo_compiler.grammar.parser import ParsedLine, parse_file
from qevo_compiler.grammar.printer import ProgramPrinter
from qevo_compiler.source import SourceFile

INDENT = 2


def format_program(source: SourceFile) -> str:
    """The text of `source` in canonical layout; raises `CompileError` when it does not parse."""
    parsed = parse_file(source)
    printer = ProgramPrinter()
    printer.program(parsed.program)
    lines: list[str] = []
    for line, indent in zip(parsed.lines, _indents(parsed.lines), strict=True):
        text = lay_out(line, indent, printer.wrapped)
        if text or (lines and lines[-1]):
            lines.extend(text or [""])
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines) + "\n"


def _indents(lines: Sequence[ParsedLine]) -> Iterator[int]:
    """The indentation of each line; a comment on its own goes with the statement below it."""
    waiting: list[ParsedLine] = []
    in_block = False
    for line in lines:
        if not line.tokens:
            waiting.append(line)
            continue
        in_block = _in_block(line, in_block)
        indent = INDENT if in_block and line.tokens[0].type != "SUBJECT" else 0
        yield from [indent] * (len(waiting) + 1)
        waiting.clear()
    for line in waiting:
        indented = bool(line.line.lexemes) and line.line.lexemes[0].span.column > 1
        yield INDENT if in_block and indented else 0


def _in_block(line: ParsedLine, in_block: bool) -> bool:
    first = line.tokens[0]
    return first.type == "SUBJECT" or (in_block and first.type == "NAME")

"""From a token that fits nowhere to a message that says what was meant."""

from __future__ import annotations

from collections.abc import Set

from qevo_compiler.diagnostics import Diagnostic, did_you_mean
from qevo_compiler.diagnostics.syntax.statements import AssignmentInConstraint, MissingConstraintName, UnknownStatement
from qevo_compiler.diagnostics.syntax.tokens import ReservedWord, UnexpectedEnd, UnexpectedToken
from qevo_compiler.grammar.lexer import RESERVED, Lexeme, terminal_texts
from qevo_compiler.grammar.lines import is_constraint_head

_STATEMENT_WORDS = (
    "program", "data", "var", "param", "let", "where", "minimize", "maximize", "subject to", "anneal",
    "sample", "train", "linearize", "approximate",
)  # fmt: skip
_MEANT = {
    "variable": "var", "variables": "var", "parameter": "param", "parameters": "param",
    "constant": "data", "const": "data", "input": "data", "def": "let", "set": "let", "define": "let",
    "min": "minimize", "max": "maximize", "objective": "minimize", "constraint": "subject to",
    "constraints": "subject to", "subject": "subject to", "such": "subject to", "s": "subject to",
    "st": "subject to", "schedule": "anneal", "approx": "approximate", "optimizer": "train",
}  # fmt: skip
_OPERAND_STARTS = frozenset({"NAME", "NUMBER", "TRUE", "FALSE", "ARRAY", "NOT", "MINUS", "LPAR", "LSQB"})
_OPERAND_ENDS = frozenset({"NAME", "NUMBER", "RPAR", "RSQB"})
_OPERATORS = frozenset(
    {"PLUS", "MINUS", "STAR", "SLASH", "FLOOR_DIVIDE", "PERCENT", "AT", "CIRCUMFLEX", "RELATION"}
    | {"AND", "OR", "XOR", "IMPLIES", "DOT", "LSQB", "LPAR"}
)
_DESCRIBED = {
    "NAME": "a name",
    "STRING": "a file name in double quotes",
    "RELATION": "a comparison",
    "$END": "the end of the line",
}


def is_header(tokens: list[Lexeme], is_first: bool) -> bool:
    """Whether a line is meant as `program NAME`; on the first line a misspelt one is."""
    if is_constraint_head(tokens):
        return False
    if tokens[0].type == "PROGRAM":
        return True
    return is_first and len(tokens) == 2 and did_you_mean(tokens[0].text.lower(), ["program"]) != ""


def explain(token: Lexeme, place: int, line: list[Lexeme], accepts: Set[str]) -> Diagnostic:
    """What to say about `token` at `place`, where the grammar asked for one of `accepts`."""
    if place == len(line):
        return UnexpectedEnd(token.span, describe(accepts), _end_hint(line, accepts))
    if _starts_no_statement(place, line, accepts):
        return _unknown_statement(line)
    if token.text == "=" and "RELATION" in accepts:
        return AssignmentInConstraint(token.span)
    if token.type in RESERVED and "NAME" in accepts and "NUMBER" not in accepts:
        return ReservedWord(token.span, token.text)
    if token.type in ("FOR", "IF") and any(before.text == "weight" for before in line[:place]):
        hint = "the weight stands at the end, as in `near[i]: x[i] <= 1 for i in 0..4 weight w[i]`"
    elif token.type == "FOR" and any(before.type == "IF" for before in line[:place]):
        hint = "the condition stands at the end, as in `sum(x[i, j] for i in 0..4 for j in 0..4 if i != j)`"
    else:
        hint = _hint(token, line[place - 1] if place else None, accepts)
    return UnexpectedToken(token.span, _shown(token), describe(accepts), hint)


def describe(accepts: Set[str]) -> str:
    """The terminals in human words, as in "an operator, `for` or `)`"."""
    groups: list[str] = []
    rest = set(accepts)
    if "NUMBER" in rest:
        groups.append("an expression")
        rest -= _OPERAND_STARTS
    if "PLUS" in rest:
        groups.append("an operator")
        rest -= _OPERATORS
    texts = terminal_texts()
    groups += sorted(_DESCRIBED[name] for name in rest if name in _DESCRIBED and name != "$END")
    groups += sorted(f"`{texts[name]}`" for name in rest if name in texts)
    if "$END" in rest:
        groups.append(_DESCRIBED["$END"])
    return " or ".join(filter(None, (", ".join(groups[:-1]), groups[-1])))


def _shown(token: Lexeme) -> str:
    text = " ".join(token.text.split())
    return f"`{text}`" if len(text) <= 30 else f"`{text[:27]}...`"


def _starts_no_statement(place: int, line: list[Lexeme], accepts: Set[str]) -> bool:
    """Whether the line goes wrong on its first word, which shows on the second at the latest."""
    if place == 0:
        return "MINIMIZE" in accepts
    if line[0].type == "NAME" and line[1].text == "[" and not is_constraint_head(line):
        return True
    return place == 1 and (line[0].type == "SUBJECT" or {"COLON", "LSQB"} <= accepts)


def _unknown_statement(line: list[Lexeme]) -> Diagnostic:
    first = line[0]
    follows_operand = len(line) > 1 and (line[1].is_word or line[1].type == "NUMBER" or line[1].text == ".")
    compares = any(token.type == "RELATION" for token in line)
    if compares and not (first.is_word and follows_operand):
        return MissingConstraintName(first.span, "as in `fits: sum(x) <= 3`")
    return UnknownStatement(first.span, _shown(first), _statement_hint(line))


def _statement_hint(line: list[Lexeme]) -> str:
    word = line[0].text.lower()
    if line[0].type == "FOR" or word == "forall":
        return "the `for` stands behind a constraint, as in `limit[i]: x[i] <= 1 for i in 0..4`"
    if word in _MEANT:
        return f"did you mean `{_MEANT[word]}`?"
    if len(line) > 1 and line[1].text == "=":
        return f"`let {line[0].text} = ...` names an expression"
    return did_you_mean(word, _STATEMENT_WORDS)


def _hint(token: Lexeme, before: Lexeme | None, accepts: Set[str]) -> str:
    if before is not None and before.type == "TO" and accepts == {"$END"}:
        return "write each constraint on its own line below `subject to`"
    if before is not None and before.text == ".":
        return "the only property is `.T`, the transpose"
    if token.type == "IF" and "FOR" in accepts:
        return "the condition stands at the end, as in `sum(x[i] for i in 0..4 if i > 2)`"
    texts = terminal_texts()
    words = [texts[name] for name in accepts if texts.get(name, "").isidentifier()]
    if token.is_word and (meant := did_you_mean(token.text.lower(), words)):
        return meant
    follows_operand = before is not None and before.type in _OPERAND_ENDS
    if "STAR" in accepts and follows_operand and token.type in _OPERAND_STARTS:
        return "write `*` to multiply"
    return ""


def _end_hint(line: list[Lexeme], accepts: Set[str]) -> str:
    if line[0].type == "VAR" and "IN" in accepts:
        return "integers and reals need a range, as in `in [0, 10]`"
    if line[0].type == "VAR" and "BITS" in accepts:
        return "reals need a number of bits, as in `in [0, 1] bits 4`"
    if line[-1].type in _OPERATORS or line[-1].text in {"=", ","}:
        return "put the expression in parentheses to go on with the next line"
    return ""

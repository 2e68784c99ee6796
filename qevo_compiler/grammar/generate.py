"""Writes `tables.json`, the LALR tables and patterns of `qevo.lark`: `python -m qevo_compiler.grammar.generate`.

Building the automaton takes lark a tenth of a second, so it is done when the grammar changes and not in every
process. The states are numbered by a walk from the start states: the file depends on the grammar alone. Nothing
but this module uses lark; a test writes the tables anew and compares.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from lark import Lark

STARTS = ("header", "statement")
PLACE = "tables.json"


def tables() -> dict[str, Any]:
    """The tables as `automaton.py` and `lexer.py` read them."""
    lark = _lark()
    rules = sorted(lark.rules, key=_rule_key)
    actions, gotos, starts, ends = _automaton(lark, {rule: place for place, rule in enumerate(rules)})
    return {
        "rules": [_rule(rule) for rule in rules],
        "actions": actions,
        "gotos": gotos,
        "starts": starts,
        "ends": ends,
        **_patterns(lark),
    }


def text() -> str:
    """The file's text: one entry a line."""
    rows = []
    for name, value in tables().items():
        many = isinstance(value, list)
        inner = ",\n".join(json.dumps(v, sort_keys=True, separators=(",", ":")) for v in value) if many else ""
        rows.append(f'"{name}": ' + (f"[\n{inner}\n]" if many else json.dumps(value, sort_keys=True)))
    return "{\n" + ",\n".join(rows) + "\n}\n"


def _lark() -> Lark:
    grammar = files("qevo_compiler.grammar").joinpath("qevo.lark").read_text(encoding="utf-8")
    options: dict[str, Any] = {"keep_all_tokens": True, "maybe_placeholders": False}
    return Lark(grammar, parser="lalr", lexer="basic", start=[*STARTS, "trivia"], **options)


def _rule_key(rule: Any) -> tuple[Any, ...]:
    return rule.origin.name, [symbol.name for symbol in rule.expansion], rule.alias or ""


def _rule(rule: Any) -> list[Any]:
    """Left side, length, name of the node, whether a single child stands for it, places of lists to splice in."""
    name = rule.alias or rule.origin.name
    single = rule.options.expand1 and not rule.alias
    lists = [place for place, symbol in enumerate(rule.expansion) if symbol.name.startswith("_")]
    return [rule.origin.name, len(rule.expansion), name, single, lists]


def _automaton(lark: Lark, rules: dict[Any, int]) -> tuple[list[Any], list[Any], dict[str, int], dict[str, int]]:
    """Actions (n: shift to state n, ~n: reduce rule n) and gotos of every state that the starts reach."""
    table = lark.parser.parser._parse_table
    numbers: dict[int, int] = {}
    order: list[int] = []

    def number(state: int) -> int:
        if state not in numbers:
            numbers[state] = len(order)
            order.append(state)
        return numbers[state]

    starts = {name: number(table.start_states[name]) for name in STARTS}
    actions, gotos = [], []
    for state in order:  # grows while it is walked
        row = sorted(table.states[state].items())
        shifts = {name: number(to) for name, (kind, to) in row if kind.name == "Shift"}
        reductions = {name: ~rules[rule] for name, (kind, rule) in row if kind.name == "Reduce"}
        actions.append(reductions | {name: to for name, to in shifts.items() if name.isupper()})
        gotos.append({name: to for name, to in shifts.items() if not name.isupper()})
    return actions, gotos, starts, {name: number(table.end_states[name]) for name in STARTS}


def _patterns(lark: Lark) -> dict[str, Any]:
    """The pattern of a token after what is ignored, that of arrays apart, words and signs by their text."""
    lexer = lark.parse_interactive("", start="trivia").lexer_thread.lexer
    by_name = {terminal.name: terminal.pattern.to_regexp() for terminal in lexer.scanner.terminals}
    ignored = "|".join(by_name[name] for name in sorted(lexer.ignore_types))
    apart = {"ARRAY", *lexer.ignore_types}
    tokens = "|".join(f"(?P<{name}>{pattern})" for name, pattern in by_name.items() if name not in apart)
    return {
        "tokens": f"(?:{ignored})*+(?:{tokens})",
        "array": by_name["ARRAY"],
        "words": {t.pattern.value: t.name for t in lexer.callback["NAME"].scanner.terminals},
        "texts": {t.name: t.pattern.value for t in lark.terminals if t.pattern.type == "str"},
    }


if __name__ == "__main__":
    Path(__file__).with_name(PLACE).write_text(text(), encoding="utf-8")

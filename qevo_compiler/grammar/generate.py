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

from qevo_compiler.grammar.automaton import END

STARTS = ("header", "statement")
PLACE = "tables.json"


def tables() -> dict[str, Any]:
    """The tables as `automaton.py` and `lexer.py` read them."""
    lark = _lark()
    rules = sorted(lark.rules, key=_rule_key)
    actions, gotos, starts = _automaton(lark, {rule: place for place, rule in enumerate(rules)})
    return {
        "rules": [_rule(rule) for rule in rules],
        "actions": actions,
        "gotos": gotos,
        "starts": starts,
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


def _automaton(lark: Lark, rules: dict[Any, int]) -> tuple[list[Any], list[Any], dict[str, int]]:
    """Actions (n: shift to state n, ~n: reduce rule n) and gotos of every state that the starts reach.

    The state after a whole line shifts the end onto itself.
    """
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
        if state in table.end_states.values():
            shifts[END] = numbers[state]
        actions.append(reductions | {name: to for name, to in shifts.items() if name.isupper()})
        gotos.append({name: to for name, to in shifts.items() if not name.isupper()})
    return actions, gotos, starts


def _patterns(lark: Lark) -> dict[str, Any]:
    """The pattern of a token after what is ignored, that of arrays apart, and the texts of words and signs.

    Names go first, with which no other token starts, and all signs are one group: each group costs time. The end
    of the text is a token, or blanks before it would be looked at once from each of them.
    """
    lexer = lark.parse_interactive("", start="trivia").lexer_thread.lexer
    texts = {t.name: t.pattern.value for t in lark.terminals if t.pattern.type == "str"}
    by_name = {terminal.name: terminal.pattern.to_regexp() for terminal in lexer.scanner.terminals}
    ignored = "|".join(by_name.pop(name) for name in sorted(lexer.ignore_types))
    array, name, odd = (by_name.pop(name) for name in ("ARRAY", "NAME", "ODD"))
    signs = "|".join(by_name.pop(name) for name in list(by_name) if name in texts)
    groups = {"NAME": name, **by_name, "SIGN": signs, "ODD": odd, "END": r"\Z"}
    tokens = "|".join(f"(?P<{name}>{pattern})" for name, pattern in groups.items())
    return {"tokens": f"(?:{ignored})*+(?:{tokens})", "array": array, "texts": texts}


if __name__ == "__main__":
    Path(__file__).with_name(PLACE).write_text(text(), encoding="utf-8")

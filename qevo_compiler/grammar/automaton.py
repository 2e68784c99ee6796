"""The LALR automaton of `qevo.lark`, run over tokens; its tables are made ahead by `generate.py`.

A finished rule becomes a node at once: the builder's method of the rule's name gets the nodes and tokens below
it. Rules named `_...` only group: what they hold is spliced into the rule above. A rule written `?...` that holds
one thing is that thing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

Build = Callable[[list[Any]], Any]
END = "$END"


class Typed(Protocol):
    @property
    def type(self) -> str: ...


class Rule(NamedTuple):
    """The left side, the length, and what makes the node; None where a single child stands for the rule."""

    origin: str
    size: int
    build: Build | None


class Automaton(NamedTuple):
    """For each state: by terminal n to shift to state n or ~n to reduce rule n, and by nonterminal the next state.

    `chains` remembers where the rules of one child that follow a reduction end, a dozen for every operand.
    """

    rules: tuple[Rule, ...]
    actions: list[dict[str, int]]
    gotos: list[dict[str, int]]
    starts: dict[str, int]
    ends: dict[str, int]
    chains: dict[tuple[int, str, str], int]

    def follow(self, state: int, origin: str, kind: str) -> int:
        """The state that follows `state` by a reduced `origin` and, before the token, by the rules that are just it."""
        found = self.chains.get((state, origin, kind))
        if found is None:
            found = self.gotos[state][origin]
            while (action := self.actions[found].get(kind, 0)) < 0 and self.rules[~action].build is None:
                found = self.gotos[state][self.rules[~action].origin]
            self.chains[state, origin, kind] = found
        return found


@cache
def read_tables() -> dict[str, Any]:
    """What `generate.py` wrote."""
    text = Path(__file__).with_name("tables.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def automaton(builder: object) -> Automaton:
    """The automaton whose rules call the methods of `builder`."""
    tables = read_tables()
    rules = tuple(_rule(builder, *row) for row in tables["rules"])
    return Automaton(rules, tables["actions"], tables["gotos"], tables["starts"], tables["ends"], {})


def _rule(builder: object, origin: str, size: int, name: str, single: bool, lists: list[int]) -> Rule:
    if single and size == 1 and not lists:
        return Rule(origin, size, None)
    build: Build = _group if origin.startswith("_") else getattr(builder, name, _group)
    if single:
        build = _unless_single(build)
    return Rule(origin, size, _spliced(build, frozenset(lists)) if lists else build)


def _group(items: list[Any]) -> list[Any]:
    return items


def _unless_single(build: Build) -> Build:
    return lambda items: items[0] if len(items) == 1 else build(items)


def _spliced(build: Build, lists: frozenset[int]) -> Build:
    def splice(items: list[Any]) -> Any:
        # A repetition starts with the list so far: growing that one keeps long chains linear.
        first, *rest = items
        flat = first if 0 in lists else [first]
        for place, item in enumerate(rest, 1):
            if place in lists:
                flat += item
            else:
                flat.append(item)
        return build(flat)

    return splice


class Run:
    """One run over the tokens of a line."""

    def __init__(self, automaton: Automaton, start: str) -> None:
        self._automaton = automaton
        self._states = [automaton.starts[start]]
        self._values: list[Any] = []
        self._end = automaton.ends[start]

    def choices(self) -> dict[str, int]:
        """The terminals that have an action here; some may turn out not to fit (see `accepts`)."""
        return self._automaton.actions[self._states[-1]]

    def feed(self, token: Typed) -> bool:
        """Whether the token fits: it is shifted, after the rules that it completes are reduced."""
        rules, actions, follow = self._automaton.rules, self._automaton.actions, self._automaton.follow
        states, values, kind = self._states, self._values, token.type
        while True:
            action = actions[states[-1]].get(kind)
            if action is None:
                return False
            if action >= 0:
                states.append(action)
                values.append(token)
                return True
            origin, size, build = rules[~action]
            cut = len(values) - size
            if build is not None:
                values[cut:] = (build(values[cut:]),)
            del states[cut + 1 :]
            states.append(follow(states[-1], origin, kind))
            if kind == END and states[-1] == self._end:
                return True

    def result(self) -> Any:
        """The node of the whole line, once `$END` was fed."""
        return self._values[-1]

    def accepts(self) -> set[str]:
        """The terminals that fit here."""
        return {kind for kind in self.choices() if self._fits(kind)}

    def _fits(self, kind: str) -> bool:
        """`feed` without values and on a copy of the states."""
        rules, actions, follow = self._automaton.rules, self._automaton.actions, self._automaton.follow
        states = list(self._states)
        while True:
            action = actions[states[-1]].get(kind)
            if action is None or action >= 0:
                return action is not None
            origin, size, _ = rules[~action]
            del states[len(states) - size :]
            states.append(follow(states[-1], origin, kind))
            if kind == END and states[-1] == self._end:
                return True

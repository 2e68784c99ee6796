"""The LALR automaton of `qevo.lark`, run over tokens; its tables are made ahead by `generate.py`.

A finished rule becomes a node at once: the builder's method of the rule's name gets the nodes and tokens below
it. Rules named `_...` only group: what they hold is spliced into the rule above. A rule written `?...` that holds
one thing is that thing.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any, NamedTuple

from qevo_compiler.grammar.lexer import Lexeme
from qevo_compiler.grammar.tables import read_tables

Build = Callable[[list[Any]], Any]
END = "$END"
NAME = "NAME"


class Rule(NamedTuple):
    """The left side, the length, and what makes the node; None where a single child stands for the rule."""

    origin: str
    size: int
    build: Build | None


class Automaton(NamedTuple):
    """For each state: by terminal n to shift to state n or ~n to reduce rule n, and by nonterminal the next state.

    No line goes on in state 0, where one starts: 0 stands for no action.
    `words` are the terminals that are names where the grammar does not ask for them. `chains` remembers where the
    rules of one child that follow a reduction end, a dozen for every operand.
    """

    rules: tuple[Rule, ...]
    actions: list[dict[str, int]]
    gotos: list[dict[str, int]]
    starts: dict[str, int]
    words: Set[str]
    chains: dict[tuple[int, str, str], tuple[int, int]]

    def follow(self, state: int, origin: str, kind: str) -> tuple[int, int]:
        """The state after `state`, a reduced `origin` and the rules that are just it before a token; its action."""
        found = self.gotos[state][origin]
        while (action := self.actions[found].get(kind, 0)) < 0 and not self.rules[~action].build:
            found = self.gotos[state][self.rules[~action].origin]
        self.chains[state, origin, kind] = found, action
        return found, action


def automaton(builder: object, words: Set[str] = frozenset()) -> Automaton:
    """The automaton whose rules call the methods of `builder`."""
    tables = read_tables()
    rules = tuple(_rule(builder, *row) for row in tables["rules"])
    return Automaton(rules, tables["actions"], tables["gotos"], tables["starts"], words, {})


def _rule(builder: object, origin: str, size: int, name: str, single: bool, lists: list[int]) -> Rule:
    if single and size == 1:
        return Rule(origin, size, None)
    build: Build = _group if origin.startswith("_") else getattr(builder, name, _group)
    return Rule(origin, size, _spliced(build, frozenset(lists)) if lists else build)


def _group(items: list[Any]) -> list[Any]:
    return items


def _spliced(build: Build, lists: frozenset[int]) -> Build:
    later = sorted(lists - {0}, reverse=True)

    def splice(items: list[Any]) -> Any:
        for place in later:
            items[place : place + 1] = items[place]
        return build(items)

    def grow(items: list[Any]) -> Any:
        # A repetition starts with the list so far: growing that one keeps long chains linear.
        flat: list[Any] = items[0]
        flat += items[1:]
        return build(flat)

    assert not (later and 0 in lists)
    return splice if later else grow


class Run:
    """One run over the tokens of a line."""

    def __init__(self, automaton: Automaton, start: str) -> None:
        self._automaton = automaton
        self._states = [automaton.starts[start]]
        self._values: list[Any] = []

    def feed(self, tokens: list[Lexeme]) -> int:
        """How many of the tokens fit: they are shifted, each after the rules that it completes are reduced.

        Words that are names where they stand become so in the list.
        """
        rules, actions, _, _, words, chains = self._automaton
        states, values = self._states, self._values
        state = states[-1]
        for place, token in enumerate(tokens):
            kind = token.type
            action = actions[state].get(kind, 0)
            if not action and kind in words:
                kind = NAME
                token = tokens[place] = token._replace(type=kind)
                action = actions[state].get(kind, 0)
            while action < 0:
                origin, size, build = rules[~action]
                if build is not None:
                    values[-size:] = (build(values[-size:]),)
                del states[-size:]
                key = states[-1], origin, kind
                state, action = chains.get(key) or self._automaton.follow(*key)
                states.append(state)
            if not action:
                return place
            states.append(action)
            values.append(token)
            state = action
        return len(tokens)

    def result(self) -> Any:
        """The node of the whole line, once `$END` was fed."""
        return self._values[0]

    def accepts(self) -> set[str]:
        """The terminals that fit here: not all that have an action do."""
        return {kind for kind in self._automaton.actions[self._states[-1]] if self._fits(kind)}

    def _fits(self, kind: str) -> bool:
        """`feed` without values and on a copy of the states."""
        states = list(self._states)
        action = self._automaton.actions[states[-1]].get(kind, 0)
        while action < 0:
            origin, size, _ = self._automaton.rules[~action]
            del states[-size:]
            state, action = self._automaton.follow(states[-1], origin, kind)
            states.append(state)
        return action > 0

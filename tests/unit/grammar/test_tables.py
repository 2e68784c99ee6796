"""The tables are lark's for `qevo.lark`, and the automaton reads as lark does."""

from importlib.resources import files

import pytest
from lark import Lark, Token, UnexpectedToken

from qevo_compiler.grammar import generate
from qevo_compiler.grammar.automaton import END, Run, automaton
from qevo_compiler.grammar.lexer import Lexeme, lex
from qevo_compiler.source import SourceFile

LINES = [
    "minimize sum(x[i] * -y[i, 2:] for i in 0..n if not (i == 3 or i > 5)) ^ 2",
    "c[i]: a + b - 3 * (x, y) @ z.T <= 7 for i in {u, v} weight 2",
    "data a: real[3] = [[1, 2,], [3, x]]",
    "var x: int[n] in [0, 2 ^ 3 ^ 4] encoded as log where n = 3, m = -4",
    "anneal linear(time = 3, 4)",
    "minimize x +",
    "var x: real in [0, 1]",
    "let y = f(3 4)",
]


class Trees:
    """Builds nothing but nested tuples, by the name of the rule."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("_") or name.isupper():
            raise AttributeError(name)
        return lambda items: (name, *(item if isinstance(item, tuple) else str(item.text) for item in items))


def tokens(line: str) -> list[Lexeme]:
    return lex(SourceFile("t", line))


def test_tables_are_those_of_the_grammar() -> None:
    stored = files("qevo_compiler.grammar").joinpath(generate.PLACE).read_text(encoding="utf-8")
    assert stored == generate.text()


@pytest.fixture(scope="module")
def lark() -> Lark:
    grammar = files("qevo_compiler.grammar").joinpath("qevo.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        start=["header", "statement", "trivia"],
        transformer=Trees(),
        keep_all_tokens=True,
        maybe_placeholders=False,
    )


@pytest.mark.parametrize("line", LINES)
def test_automaton_reads_as_lark(lark: Lark, line: str) -> None:
    theirs = lark.parse_interactive("", start="statement")
    ours = Run(automaton(Trees()), "statement")
    where = tokens(line)[-1].span
    for token in [*tokens(line), Lexeme(END, "", where)]:
        if token.type not in theirs.choices() and token.text.isidentifier():
            token = token._replace(type="NAME")
        assert ours.accepts() == theirs.accepts()
        try:
            result = theirs.feed_token(token)  # type: ignore[arg-type]
        except UnexpectedToken:
            assert not ours.feed([token])
            assert ours.accepts() == theirs.accepts()
            return
        assert ours.feed([token])
    assert ours.result() == result


ODD = [
    " [1,2] = [1, # c\n 2]  x=    [ ] 1.2.3 0..4",
    'x [1] "a" \r\n "b 1e5x é\t** a  ',
    ",\u00a0\n [true]",
    "x + [1]  ",
]


@pytest.mark.parametrize("text", [*LINES, *ODD])
def test_lexemes_are_those_of_lark(lark: Lark, text: str) -> None:
    theirs = lark.parse_interactive(text, start="trivia")
    expected = [(t.type, str(t)) for t in theirs.lexer_thread.lex(theirs.parser_state) if isinstance(t, Token)]
    assert [(lexeme.type, lexeme.text) for lexeme in tokens(text)] == expected

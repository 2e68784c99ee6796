"""Each form of the language, and what it becomes."""

from __future__ import annotations

import pytest

from qevo_compiler.grammar import ast

from .helpers import constraint, expr, program, same, source, statement

SPAN = ast.Name("a", span=program().span).span


def name(text: str) -> ast.Name:
    return ast.Name(text, span=SPAN)


def number(value: ast.Number) -> ast.Literal:
    return ast.Literal(value, span=SPAN)


def word(text: str) -> ast.Identifier:
    return ast.Identifier(text, span=SPAN)


def interval(low: int, high: int) -> ast.Interval:
    return ast.Interval(number(low), number(high), span=SPAN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", number(12)),
        ("2.0", number(2.0)),
        ("1e-3", number(1e-3)),
        ("true", number(True)),
        ("a - b", ast.Sum((name("a"), ast.Negate(name("b"), span=SPAN)), span=SPAN)),
        ("a * b * c", ast.Product((name("a"), name("b"), name("c")), span=SPAN)),
        ("x.T", ast.Transpose(name("x"), span=SPAN)),
        ("dot(a, b)", ast.Call(word("dot"), (name("a"), name("b")), span=SPAN)),
        ("[1, -2, 0.5]", ast.LiteralArray((1, -2, 0.5), span=SPAN)),
        ("[[1, 2], [3, 4],]", ast.LiteralArray(((1, 2), (3, 4)), span=SPAN)),
        ("[(0, 0), (10, 1)]", ast.LiteralArray(((0, 0), (10, 1)), span=SPAN)),
        ("[1, a]", ast.Array((number(1), name("a")), span=SPAN)),
        ("[]", ast.LiteralArray((), span=SPAN)),
    ],
)
def test_expressions(text: str, expected: ast.Expr) -> None:
    assert same(expr(text), expected)


@pytest.mark.parametrize(
    ("tight", "grouped"),
    [
        ("a + b * c", "a + (b * c)"),
        ("-a^b", "-(a^b)"),
        ("-a * b", "(-a) * b"),
        ("a^b^c", "a^(b^c)"),
        ("a / b / c", "(a / b) / c"),
        ("a * b / c * d", "((a * b) / c) * d"),
        ("a @ b * c", "(a @ b) * c"),
        ("a + b == c", "(a + b) == c"),
        ("not a == b", "not (a == b)"),
        ("a or b xor c and not d", "a or (b xor (c and (not d)))"),
        ("a => b => c", "a => (b => c)"),
        ("a or b => c", "(a or b) => c"),
        ("x.T[0]", "(x.T)[0]"),
    ],
)
def test_precedence(tight: str, grouped: str) -> None:
    assert same(expr(tight), expr(grouped))


def test_comprehension_and_its_clauses() -> None:
    tree = expr("sum(x[i, j] for i in 0..n for j in {a, b} for k in S if i != j)")
    assert isinstance(tree, ast.Comprehension)
    first, second, third = tree.generators
    assert isinstance(first.domain, ast.Range)
    assert isinstance(second.domain, ast.SetLiteral)
    assert third.domain == name("S")
    assert tree.condition == ast.Compare(ast.Comparison.NE, name("i"), name("j"), span=SPAN)


@pytest.mark.parametrize("rows", ["[[1, 2.5], [true, -3e2]]", "[\n  [1, 2.5],  # first\n  [true, -3e2],\n]"])
def test_arrays_read_the_same_as_a_token_and_by_the_rules(rows: str) -> None:
    fast, slow = expr(rows), expr(f"({rows})")  # the rules read it when a number is in parentheses
    by_rules = expr(rows.replace("1,", "(1),"))
    assert same(fast, slow)
    assert same(fast, by_rules)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("data c: int", ast.Data(word("c"), ast.DataType.INT, (), None, span=SPAN)),
        ("data c: bool[n] = m", ast.Data(word("c"), ast.DataType.BOOL, (name("n"),), name("m"), span=SPAN)),
        ("var x: spin", ast.Var(word("x"), ast.SpinDomain(span=SPAN), (), span=SPAN)),
        (
            "var x: int[3] in [0, 9] encoded as domainwall",
            ast.Var(
                word("x"),
                ast.IntDomain(interval(0, 9), ast.Encoding.DOMAINWALL, span=SPAN),
                (number(3),),
                span=SPAN,
            ),
        ),
        (
            "var x: real in [0, 1] bits 4",
            ast.Var(
                word("x"),
                ast.RealDomain(ast.Grid(interval(0, 1), number(4), span=SPAN), span=SPAN),
                (),
                span=SPAN,
            ),
        ),
        (
            "var x: choice {a, b}[2]",
            ast.Var(word("x"), ast.ChoiceDomain((word("a"), word("b")), span=SPAN), (number(2),), span=SPAN),
        ),
        (
            "param t: real = 0.5 in [0, 1] bits 4",
            ast.Param(word("t"), (), number(0.5), ast.Grid(interval(0, 1), number(4), span=SPAN), span=SPAN),
        ),
        ("where n = 3", ast.Where(word("n"), number(3), span=SPAN)),
        ("train sgd()", ast.Train(word("sgd"), (), span=SPAN)),
        ("anneal linear", ast.Anneal(word("linear"), (), span=SPAN)),
        (
            "approximate tanh degree = 3 on [0, 1]",
            ast.Approximate(word("tanh"), number(3), interval(0, 1), span=SPAN),
        ),
        ("approximate tanh degree = 3", ast.Approximate(word("tanh"), number(3), None, span=SPAN)),
        (
            "sample reads = 3",
            ast.Sample((ast.Argument(word("reads"), number(3), span=SPAN),), span=SPAN),
        ),
    ],
)
def test_statements(line: str, expected: ast.Statement) -> None:
    assert same(statement(line), expected)


def test_files_may_name_an_array_inside() -> None:
    files = [s.value for s in program('data a: int from "a.npz:k"', 'data b: int from "b.csv"').select(ast.Data)]
    assert [(f.path, f.key) for f in files if isinstance(f, ast.File)] == [("a.npz", "k"), ("b.csv", None)]


def test_where_after_a_declaration_is_a_statement_of_its_own() -> None:
    assert program("var s: spin[n] where n = 3") == program("var s: spin[n]", "where n = 3")
    assert program("data d: int[n, m] where n = 3, m = 4") == program("data d: int[n, m]", "where n = 3", "where m = 4")


def test_constraint_with_every_clause() -> None:
    tree = constraint("  c[i, j]: x[i] <= y[j] for i in 0..n for j in S if i < j weight weight")
    assert [i.text for i in tree.indices] == ["i", "j"]
    assert tree.op is ast.Comparison.LE
    assert len(tree.generators) == 2
    assert isinstance(tree.condition, ast.Compare)
    assert tree.weight == name("weight")


def test_keywords_are_names_where_the_grammar_asks_for_names() -> None:
    tree = program(
        "data data: int[on] = weight",
        "var var: binary",
        "minimize minimize + log(bits) * T.T",
        "subject to",
        "  sample: to[from] == where weight as",
        "  weight: var <= 1",
    )
    assert [c.name.text for c in tree.select(ast.Constraint)] == ["sample", "weight"]


def test_statements_go_on_inside_brackets_over_comments_and_blank_lines() -> None:
    joined = program("minimize sum(x[i]  # each", "", "  # and", "  for i in 0..n)", "let a = 1")
    assert joined == program("minimize sum(x[i] for i in 0..n)", "let a = 1")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end: str) -> None:
    from qevo_compiler.grammar import parse

    text = end.join(["program p", "let a = [1,", "2]", "# end", "minimize a"])
    assert len(parse(source(text)).statements) == 2


def test_spans_cover_what_was_written() -> None:
    tree = program("let a = (b + c) * sum(", "  d)")
    (let,) = tree.statements
    assert isinstance(let, ast.Let)
    assert isinstance(let.value, ast.Product)
    group, call = let.value.factors
    assert (group.span.column, group.span.end_column) == (9, 16)
    assert (call.span.line, call.span.end_line, call.span.end_column) == (2, 3, 5)
    assert str(tree.span) == "test.qevo:1:1"


def test_the_objective_of_a_program() -> None:
    assert program().objective is None
    objective = program("maximize x").objective
    assert objective is not None
    assert objective.sense is ast.Sense.MAXIMIZE


def test_walk_meets_parents_first() -> None:
    texts = [node.text for node in ast.walk(expr("a + b * f(c)")) if isinstance(node, ast.Name | ast.Identifier)]
    assert texts == ["a", "b", "f", "c"]

"""Every diagnostic of names, types and statements, each reached by a bad program of its own."""

from __future__ import annotations

import pytest

from qevo_compiler.diagnostics import CompileError, Diagnostic, render
from qevo_compiler.diagnostics.index import all_diagnostics
from qevo_compiler.frontend.dsl import import_program
from qevo_compiler.source import SourceFile, SourceMap

HEAD = """program bad
data n: int = 4
data w: real[4] = [1, 2, 3, 4]
data v: int[4] = [0, 1, 2, 3]
data M: real[3, 4] = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 1, 2, 3]]
data five: real[5] = [1, 2, 3, 4, 5]
data zero: int = 0
data tables: real[3] = [1, 2, 3]
var x: binary[4]
var y: binary
var k: int[4] in [0, 3]
var op: choice {skip, conv, pool}[4]
var one: choice {left, right}
"""

# code, the text underlined, the rest of the program
CASES = [
    ("Q0201", "wieght", "let a = sum(wieght)"),
    ("Q0201", "i", "let a = x[i]"),
    ("Q0201", "j", "minimize sum(x[i] for i in 0..n if j > 2)"),
    ("Q0202", "total", "minimize total(x)"),
    ("Q0202", "x", "minimize x(0)"),
    ("Q0202", "norm2", "minimize norm2(x[i] for i in 0..n)"),
    ("Q0203", "w", "var w: binary"),
    ("Q0203", "c", "subject to\n  c: sum(x) >= 1\n  c: y >= 1"),
    ("Q0203", "i", "minimize sum(x[i] for i in 0..n for i in 0..n)"),
    ("Q0204", "a", "let a = b + 1\nlet b = a + 1"),
    ("Q0204", "a", "let a = a + 1"),
    ("Q0205", "m", "var z: binary[m]"),
    ("Q0206", "t", "data a: int[t] = [1, 2]\ndata b: int[t] = [1, 2, 3]"),
    ("Q0206", "t", "data a: int[t] = [1, 2]\nwhere t = 3"),
    ("Q0207", "w + five", "let a = w + five"),
    ("Q0207", "x == five", "subject to\n  c: x == five"),
    ("Q0207", "[x, y]", "minimize sum([x, y])"),
    ("Q0208", "M @ five", "let a = M @ five"),
    ("Q0208", "y @ w", "let a = y @ w"),
    ("Q0208", "dot(M, x)", "minimize dot(M, x)"),
    ("Q0209", "w[0, 1]", "let a = w[0, 1]"),
    ("Q0209", "op[0, 1]", "minimize op[0, 1] == skip"),
    ("Q0210", "i + 1", "minimize sum(x[i + 1] for i in 0..n)"),
    ("Q0210", "i - 1", "minimize sum(x[i - 1] for i in 0..n)"),
    ("Q0210", "-5", "let a = w[-5]"),
    ("Q0211", "2.5", "minimize sum(x[0] for i in 0..2.5)"),
    ("Q0211", "n / 3", "var z: binary[n / 3]"),
    ("Q0212", "k[0]", "minimize sum(x[i] for i in 0..k[0])"),
    ("Q0212", "y", "minimize x[y]"),
    ("Q0212", "x % 2", "minimize sum(x % 2)"),
    ("Q0212", "x[i] == 1", "minimize sum(x[i] for i in 0..n if x[i] == 1)"),
    ("Q0213", "x * w", "minimize x * w"),
    ("Q0213", "w", "var z: binary[w]"),
    ("Q0213", "w > 2", "minimize sum(x[i] for i in 0..n if w > 2)"),
    ("Q0245", "len(y)", "let a = len(y)"),
    ("Q0214", "k[0]", "minimize k[0] and y"),
    ("Q0214", "k[1]", "minimize not k[1]"),
    ("Q0214", "w[i]", "minimize sum(x[i] for i in 0..n if w[i])"),
    ("Q0216", "op", "minimize sum(op)"),
    ("Q0216", "op[0]", "minimize op[0] + 1"),
    ("Q0216", "l", "minimize sum(w[l] for l in {skip, conv})"),
    ("Q0217", "cnv", "minimize op[0] == cnv"),
    ("Q0217", "3", "minimize op[0] == 3"),
    ("Q0217", "left", "minimize sum(op[0] == l for l in {skip, pool} if l != left)"),
    ("Q0218", "op[0]", "minimize w[op[0]]"),
    ("Q0219", "y", "minimize 1 / y"),
    ("Q0220", "zero", "let a = 1 / zero"),
    ("Q0220", "i", "minimize sum(x[i] / i for i in 0..n)"),
    ("Q0220", "(i % 2)", "minimize sum(x[i] * (3 % (i % 2)) for i in 0..n)"),
    ("Q0221", "0.5", "minimize y^0.5"),
    ("Q0221", "y", "minimize 2^y"),
    ("Q0221", "-1", "minimize y^-1"),
    ("Q0222", "[3, 0]", "var z: int in [3, 0]"),
    ("Q0222", "[1.5, 1]", "var z: real in [1.5, 1] bits 3"),
    ("Q0223", "0", "var z: real in [0, 1] bits 0"),
    ("Q0223", "2.5", "var z: real in [0, 1] bits 2.5"),
    ("Q0224", "zero", "var z: binary[zero]"),
    ("Q0225", "c: n <= 3", "subject to\n  c: n <= 3"),
    ("Q0225", "c[i]: v[i] <= 2 for i in 0..n", "subject to\n  c[i]: v[i] <= 2 for i in 0..n"),
    ("Q0226", "i", "subject to\n  c[i]: y <= 1"),
    ("Q0226", "c", "subject to\n  c[i]: x[i] <= x[j] for i in 0..n for j in 0..n"),
    ("Q0226", "i", "subject to\n  c[i, i]: x[i] <= y for i in 0..n"),
    ("Q0227", "-1", "subject to\n  c: x[0] + y <= 1 weight -1"),
    ("Q0228", "dot(x)", "minimize dot(x)"),
    ("Q0228", "sum(x, 0)", "minimize sum(x, 0)"),
    ("Q0228", "max()", "let a = max()"),
    ("Q0229", "adam", "train adam(rate = 1, steps = 2)"),
    ("Q0229", "adaptiv", "anneal adaptiv(fast = 1)"),
    ("Q0229", "carlemann", "linearize carlemann(order = 2)"),
    ("Q0229", "sin", "approximate sin degree = 3"),
    ("Q0230", "read", "sample read = 10"),
    ("Q0231", "train sgd(steps = 2)", "train sgd(steps = 2)"),
    ("Q0231", "linearize carleman(pivot = start)", "linearize carleman(pivot = start)"),
    ("Q0232", "0", "sample reads = 0"),
    ("Q0232", "1.5", "sample reads = 1.5"),
    ("Q0232", "2", "sample reads = 1, reads = 2"),
    ("Q0232", "middle", "linearize carleman(order = 2, pivot = middle)"),
    ("Q0232", "2", "train sgd(rate = 1, steps = 2, nesterov = 2)"),
    ("Q0232", "[(0, 0), (0, 1)]", "anneal points([(0, 0), (0, 1)])"),
    ("Q0232", "approximate tanh degree = 3 on [1, -1]", "approximate tanh degree = 3 on [1, -1]"),
    ("Q0233", "sample seed = 1", "sample reads = 1\nsample seed = 1"),
    ("Q0234", "log(zero)", "let a = log(zero)"),
    ("Q0234", "exp(1000)", "let a = exp(1000)"),
    ("Q0235", "2^64", "let a = 2^64"),
    ("Q0235", "9223372036854775808", "let a = 9223372036854775808"),
    ("Q0235", "1e308", "var z: binary[1e308]"),
    ("Q0235", "[0, 1e308]", "var z: int in [0, 1e308]"),
    ("Q0235", "9000000000000000000 * n", "let a = 9000000000000000000 * n"),
    ("Q0236", "mean(w[i] for i in 0..0)", "let a = mean(w[i] for i in 0..0)"),
    ("Q0236", "max(w[i] for i in 0..n if i > 7)", "let a = max(w[i] for i in 0..n if i > 7)"),
    ("Q0237", "var z: binary[100000, 100000]", "var z: binary[100000, 100000]"),
    ("Q0237", "for j in 0..100000", "minimize sum(y for i in 0..100000 for j in 0..100000)"),
    ("Q0238", "conv", "minimize w[conv]"),
    ("Q0239", "op[0] == one", "minimize op[0] == one"),
    ("Q0240", "a", "var z: choice {a, b, a}"),
    ("Q0241", "i", "minimize sum(sum(x[i:]) for i in 0..n)"),
    ("Q0242", "n", "minimize sum(x[i] for i in n)"),
    ("Q0242", "x", "minimize sum(i for i in x)"),
    ("Q0242", "op", "minimize sum(op[0] == i for i in op)"),
    ("Q0244", "i / 2", "minimize sum(x[i / 2] for i in 0..n)"),
    ("Q0244", "v > 1", "minimize sum(five[v > 1])"),
    ("Q0315", "[[1], [2, 3]]", "data a: int[2, 2] = [[1], [2, 3]]"),
]


def errors(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(CompileError) as caught:
        import_program(SourceFile("bad.qevo", text), None)
    return caught.value.diagnostics


def underlined(diagnostic: Diagnostic, text: str) -> str:
    span = diagnostic.span
    assert span is not None
    assert span.line == span.end_line
    return text.splitlines()[span.line - 1][span.column - 1 : span.end_column - 1]


@pytest.mark.parametrize(("code", "place", "rest"), CASES)
def test_each_mistake_is_named_where_it_stands(code: str, place: str, rest: str) -> None:
    text = f"{HEAD}{rest}\n"
    (diagnostic,) = errors(text)
    assert (diagnostic.code, underlined(diagnostic, text)) == (code, place)
    shown = render([diagnostic], SourceMap(SourceFile("bad.qevo", text)))
    assert shown.startswith(f"error[{code}]: ")


def test_every_code_of_the_language_is_reached() -> None:
    from_python = {"Q0250", "Q0251", "Q0252", "Q0253"}
    elsewhere = {"Q0215", "Q0243"}
    known = {code for code in all_diagnostics() if code.startswith("Q02")}
    assert known - from_python - elsewhere == {code for code, _, _ in CASES if code.startswith("Q02")}


def test_a_program_without_variables_has_nothing_to_decide() -> None:
    (diagnostic,) = errors("program empty\ndata a: int = 3\nminimize a\n")
    assert diagnostic.code == "Q0243"


def test_all_errors_are_reported_together_and_sorted() -> None:
    text = f"""{HEAD}let a = wieght + M @ five
minimize sum(x[i + 1] * unknwon for i in 0..n) + op[0]
subject to
  c[i]: x[i] + missing <= nothing for i in 0..n weight -1
sample read = 3, reads = 0
"""
    found = errors(text)
    assert [d.code for d in found] == [f"Q0{n}" for n in (201, 208, 210, 201, 216, 201, 201, 227, 230, 232)]
    assert list(found) == sorted(found, key=lambda d: d.sort_key)


def test_a_wrong_definition_is_reported_once() -> None:
    text = f"{HEAD}let a = wieght\nlet b = a + 1\nminimize a + b\nsubject to\n  c: a <= b\n"
    assert [d.code for d in errors(text)] == ["Q0201"]


@pytest.mark.parametrize(
    ("rest", "hint"),
    [
        ("let a = sum(wx)\nlet wxy = 1", "did you mean `wxy`?"),
        ("minimize op[0] == polo", "did you mean `pool`?"),
        ("minimize sun(x)", "did you mean `sum`?"),
        ("sample red = 3", "did you mean `reads`?"),
        ("train sdg(rate = 1, steps = 1)", "did you mean `sgd`?"),
        ("var z: binary[five0]", "did you mean `five`?"),
    ],
)
def test_misspelt_names_get_a_suggestion(rest: str, hint: str) -> None:
    (diagnostic,) = errors(f"{HEAD}{rest}\n")
    assert diagnostic.fill(diagnostic.help) == hint


@pytest.mark.parametrize(
    ("rest", "hint"),
    [
        ("minimize sum(x[i] for i in range(4))", "`0..n`"),
        ("minimize sum(w[i] * x[i])", "`sum(x[i] for i in 0..4)`"),
        ("minimize quicksum(x)", "did you mean `sum`?"),
    ],
)
def test_words_of_other_languages_get_a_hint(rest: str, hint: str) -> None:
    diagnostic = errors(f"{HEAD}{rest}\n")[0]
    assert hint in diagnostic.fill(diagnostic.help)


def test_an_infeasible_row_is_named() -> None:
    (diagnostic,) = errors(f"{HEAD}subject to\n  c[i, j]: v[i] + j <= 5 for j in 0..4 for i in 0..n\n")
    assert diagnostic.message == "constraint `c[3, 3]` can never hold"


def test_constant_constraints_that_hold_are_dropped() -> None:
    import_program(SourceFile("good.qevo", f"{HEAD}subject to\n  c: n <= 4\n  d: y <= 1 if n > 5\n"), None)


def test_deep_expressions_and_long_chains_need_no_deep_stack() -> None:
    nested = "(" * 90 + "y" + " + x[0] * 2)" * 90
    chain = "".join(f"let a{i} = a{i + 1} + y\n" for i in range(2000)) + "let a2000 = y\n"
    import_program(SourceFile("deep.qevo", f"{HEAD}{chain}minimize a0 + {nested}\n"), None)
    (diagnostic,) = errors(f"{HEAD}{chain.replace('a2000 = y', 'a2000 = a0')}minimize y\n")
    assert diagnostic.code == "Q0204"


def test_nested_comparisons_are_checked_in_linear_time() -> None:
    nested = "(" * 60 + "y" + " == y)" * 60
    import_program(SourceFile("nested.qevo", f"{HEAD}minimize {nested}\n"), None)

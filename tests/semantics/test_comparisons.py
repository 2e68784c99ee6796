"""Comparisons of integers, from text to the decoded ground state: the oracle evaluates the stated text in Python."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from qevo_compiler import CompiledProgram, CompileError, Problem, compile
from qevo_compiler.backends.enumeration import all_energies, lowest
from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.problem import ListedOp, VariableOp

ENUMERABLE = 17
COMPARED = ["k[0]", "k[1]", "k[2]", "k[0] + x[0]", "k[1] - k[2]", "2 * k[0] - s", "x[0] + x[1]", "k[2] + x[1] * 2 - 1"]


def comparison(rng: np.random.Generator, signs: list[str]) -> str:
    left, right = rng.choice(COMPARED, 2, replace=False)
    right = right if rng.random() < 0.5 else str(rng.integers(-1, 4))
    return f"({left} {rng.choice(signs)} {right})"


class Stated:
    """A random program over three integers, two bits and a spin; `text` and `problem` say the same."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.low, self.high = [int(end) for end in rng.choice([0, 1, 2], 2)] if seed % 3 else (0, 2)
        self.low, self.high = min(self.low, self.high) - 1, max(self.low, self.high)
        self.code = ["", "onehot", "domainwall", "order"][seed % 4]
        signs = ["==", "!=", "<=", ">="]
        terms = [f"{int(rng.integers(1, 6))} * {comparison(rng, signs)}" for _ in range(3)]
        terms += [f"{int(rng.integers(1, 4))} * k[{int(rng.integers(3))}] * x[{int(rng.integers(2))}]", "s"]
        self.objective = "".join(f" {rng.choice(['+', '-'])} {term}" for term in terms)
        self.objective = f"0{self.objective}"
        self.constraints = {"differ": f"k[0] != k[{1 + seed % 2}]"}
        if seed % 2:
            self.constraints["atmost"] = f"{comparison(rng, signs)} + {comparison(rng, signs)} <= 1"
        if seed % 5 == 0:
            self.constraints["range"] = f"(0 <= k[0] + k[1] + x[0]) & (k[0] + k[1] + x[0] <= {1 + seed % 3})"

    @property
    def text(self) -> str:
        code = f" encoded as {self.code}" if self.code else ""
        lines = [
            "program stated",
            f"var k: int[3] in [{self.low}, {self.high}]{code}",
            "var x: binary[2]",
            "var s: spin",
        ]
        rows = {
            name: c.replace(") & (k[0] + k[1] + x[0]", "").strip("()") if "&" in c else c
            for name, c in self.constraints.items()
        }
        return (
            "\n".join([*lines, f"minimize {self.objective}", "subject to", *(f"  {n}: {c}" for n, c in rows.items())])
            + "\n"
        )

    @property
    def problem(self) -> Problem:
        p = Problem("stated")
        names: dict[str, Any] = {
            "k": p.integer("k", 3, low=self.low, high=self.high, encoding=self.code or None),
            "x": p.binary("x", 2),
            "s": p.spin("s"),
        }
        p.minimize(eval(self.objective, names))
        for name, c in self.constraints.items():
            p.subject_to(eval(c, names), name=name)
        return p

    def points(self) -> Iterator[dict[str, Any]]:
        spaces = [range(self.low, self.high + 1)] * 3 + [range(2)] * 2 + [(-1, 1)]
        for values in itertools.product(*spaces):
            yield {"k": values[:3], "x": values[3:5], "s": values[5]}

    def optimum(self) -> float | None:
        found = [eval(self.objective, point) for point in self.points() if self.feasible(point)]
        return min(found, default=None)

    def feasible(self, point: dict[str, Any]) -> bool:
        return all(eval(c, dict(point)) for c in self.constraints.values())


def solved(program: CompiledProgram) -> Any:
    model = program.module.main.only(ising.ModelOp)
    return program.decode(lowest(model, 1).spins[0])


@pytest.mark.parametrize("chunk", range(4))
def test_the_ground_state_is_the_optimum_and_both_roads_agree(chunk: int) -> None:
    done, seed = 0, 1000 * chunk
    while done < 20:
        seed += 1
        stated = Stated(seed)
        optimum = stated.optimum()
        try:
            program = compile(stated.text)
        except CompileError:
            assert optimum is None
            continue
        if optimum is None or program.module.main.only(ising.ModelOp).size > ENUMERABLE:
            continue
        answer = solved(program)
        assert answer.feasible, stated.text
        assert answer.objective == pytest.approx(optimum), stated.text
        assert stated.feasible(answer.values)
        assert files(compile(stated.problem)) == files(program), stated.text
        done += 1


def files(program: CompiledProgram) -> dict[str, bytes]:
    """All files, the manifest without places in the source."""
    found = dict(program.files)
    manifest = json.loads(found.pop("stated.manifest.json"))
    manifest.pop("source")
    return {**found, "manifest": json.dumps(manifest, sort_keys=True).encode()}


def ground_states(program: CompiledProgram) -> list[Any]:
    model = program.module.main.only(ising.ModelOp)
    energies = all_energies(model)
    count = int((energies < energies.min() + 1e-9).sum())
    return list(program.decoder.decode(lowest(model, count).spins))


def test_latin_rectangles() -> None:
    """The ground states are the twelve rectangles of two rows and three columns, and no others."""
    text = """program latin
    var k: int[2, 3] in [1, 3]
    subject to
      row[i, a, b]: k[i, a] != k[i, b] for i in 0..2 for a in 0..3 for b in 0..3 if a < b
      column[j]: k[0, j] != k[1, j] for j in 0..3
    """
    found = {tuple(answer.values["k"].reshape(-1).tolist()) for answer in ground_states(compile(text, level=0))}
    rows = list(itertools.permutations((1, 2, 3)))
    assert found == {(*first, *second) for first in rows for second in rows if all(map(int.__sub__, first, second))}


def test_a_latin_square_of_order_four() -> None:
    text = """program latin
    var k: int[4, 4] in [0, 3]
    subject to
      row[i, a, b]: k[i, a] != k[i, b] for i in 0..4 for a in 0..4 for b in 0..4 if a < b
      column[j, a, b]: k[a, j] != k[b, j] for j in 0..4 for a in 0..4 for b in 0..4 if a < b
    """
    answer = compile(text).run(reads=50, sweeps=2000, seed=3).best
    square = answer.values["k"]
    assert answer.feasible
    for line in (*square, *square.T):
        assert sorted(line) == [0, 1, 2, 3]


def test_queens() -> None:
    """The two ways to place four queens, by their columns."""
    text = """program queens
    data n: int = 4
    var k: int[n] in [0, n - 1]
    subject to
      column[i, j]: k[i] != k[j] for i in 0..n for j in 0..n if i < j
      rising[i, j]: k[i] + i != k[j] + j for i in 0..n for j in 0..n if i < j
      falling[i, j]: k[i] - i != k[j] - j for i in 0..n for j in 0..n if i < j
    """
    found = {tuple(answer.values["k"].tolist()) for answer in ground_states(compile(text, level=0))}
    assert found == {(1, 3, 0, 2), (2, 0, 3, 1)}


def test_an_element_has_its_own_range() -> None:
    text = """program own
    data top: int[3] = [0, 1, 3]
    var k: int[3] in [0, top]
    minimize 3 * (k[2] == 2) - 2 * (k[1] == k[2]) - (k[0] == k[1]) - k[2] + 0.5 * (k[2] > 2)
    """
    spaces = [range(1), range(2), range(4)]
    best = min(3 * (c == 2) - 2 * (b == c) - (a == b) - c + 0.5 * (c > 2) for a, b, c in itertools.product(*spaces))
    for code in ("", " encoded as onehot", " encoded as domainwall", " encoded as order"):
        program = compile(text.replace("top]", f"top]{code}"), level=0)
        (op,) = program.module.func("problem").ops_of(VariableOp)
        assert isinstance(op, ListedOp)
        answer = solved(program)
        assert answer.objective == pytest.approx(best)


def test_a_comparison_is_one_bit_of_the_code() -> None:
    program = compile("program one\nvar k: int in [3, 8]\nminimize 5 * (k == 4) + (k != 6)\n", level=0)
    assert program.module.main.only(ising.ModelOp).size == 6
    objective = program.module.func("problem").only(poly.ObjectiveOp).polynomial
    assert [(block.degree, block.coefficients.values.tolist()) for block in objective.terms] == [(0, [1]), (1, [5, -1])]


def test_what_is_called_what() -> None:
    from qevo_compiler.decode.explain_model import explain_constraint

    program = compile("program named\nvar k: int[2] in [1, 3]\nminimize k[0]\nsubject to\n  apart: k[0] != k[1]\n")
    lines = explain_constraint(program.module, "apart")
    assert lines[0].startswith(
        "apart: (k[0] == 1) (k[1] == 1) + (k[0] == 2) (k[1] == 2) + (k[0] == 3) (k[1] == 3) == 0"
    )


@pytest.mark.parametrize(
    ("declared", "compared", "message"),
    [
        ("k: int in [0, 500]", "k == 3", "`k` has 501 values"),
        ("k: int in [0, 7] encoded as log", "k == 3", "`k` is encoded as log"),
        ("k: real in [0, 7] bits 3", "k >= 3", "`k` is a real number"),
        ("k: int[2] in [0, 7]", "k[0] * k[1] == 3", "products"),
        ("k: int[9] in [0, 7]", "sum(k) == 3", "combinations"),
    ],
)
def test_what_is_refused(declared: str, compared: str, message: str) -> None:
    with pytest.raises(CompileError, match="Q0215") as caught:
        compile(f"program bad\nvar {declared}\nminimize {compared}\n")
    assert message in str(caught.value)
    assert all(found.span is not None for found in caught.value.diagnostics)


def test_a_long_range_is_compared_where_its_code_is_asked_for() -> None:
    text = "program long\nvar k: int in [0, 200] encoded as domainwall\nminimize 3 * (k >= 150) - 2 * (k == 7)\n"
    program = compile(text, level=0)
    assert program.module.main.only(ising.ModelOp).size == 200


def test_logic_and_sums_of_comparisons_in_python() -> None:
    p = Problem("python")
    k = p.integer("k", 4, low=0, high=2)
    p.minimize((k == 1).sum() - 2 * ((k[0] == 2) & (k[1] != 2)) + ((k[2] <= 1) | (k[3] >= 1)))
    p.subject_to((k == 0).sum() <= 1, name="few")
    p.subject_to((k[0] == k[1]) == 0, name="apart")
    best = min(
        sum(v == 1 for v in ks) - 2 * (ks[0] == 2 and ks[1] != 2) + (ks[2] <= 1 or ks[3] >= 1)
        for ks in itertools.product(range(3), repeat=4)
        if sum(v == 0 for v in ks) <= 1 and ks[0] != ks[1]
    )
    assert solved(p.compile()).objective == best


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("c: op[0] != op[1]", lambda v: v["op"][0] != v["op"][1]),
        ("c: op[0] == op[1]", lambda v: v["op"][0] == v["op"][1]),
        ("c: op[0] != skip", lambda v: v["op"][0] != "skip"),
        ("c: op[2] == pool", lambda v: v["op"][2] == "pool"),
        ("c[i]: x[i] != x[i + 1] for i in 0..2", lambda v: v["x"][:2] != v["x"][1:]),
        ("c: k != 2", lambda v: v["k"] != 2),
        ("c: (k >= 1 and k != 3) == 1", lambda v: ((v["k"] >= 1) & (v["k"] != 3)) == 1),
    ],
)
def test_constraints_on_comparisons_agree(text: str, build: Callable[[dict[str, Any]], Any]) -> None:
    head = "program stated\nvar op: choice {skip, conv, pool}[3]\nvar x: binary[3]\nvar k: int in [0, 3]\n"
    cost = "minimize sum(x) - k - (op[0] == skip) - 2 * (op[1] == pool) + (op[2] == pool)\nsubject to\n  "
    p = Problem("stated")
    v = {"op": p.choice("op", 3, labels=["skip", "conv", "pool"]), "x": p.binary("x", 3)}
    v["k"] = p.integer("k", low=0, high=3)
    op = v["op"]
    p.minimize(v["x"].sum() - v["k"] - (op[0] == "skip") - 2 * (op[1] == "pool") + (op[2] == "pool"))
    p.subject_to(build(v), name="c")
    written = compile(f"{head}{cost}{text}\n")
    assert files(p.compile()) == files(written)
    assert written.run(reads=20, seed=1).best.feasible


def test_strict_comparisons_in_text() -> None:
    text = "program strict\nvar k: int[2] in [-2, 3]\nminimize 3 * (k[0] < k[1]) - 2 * (k[0] > 1) - k[1] + (0 < k[0])\n"
    best = min(3 * (a < b) - 2 * (a > 1) - b + (a > 0) for a, b in itertools.product(range(-2, 4), repeat=2))
    assert solved(compile(text)).objective == best

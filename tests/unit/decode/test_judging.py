"""Rows with a big M hold where they hold exactly; rounding is forgiven, violations are not."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest

from qevo_compiler.driver import compile

ROWS = {
    "small": "3 * x[0] - x[1] + x[2] <= 2",
    "big M": "x[0] + x[1] <= 10000000000 * x[2]",
    "big M, other side": "x[0] + 30000000000 * x[2] >= 1",
    "big M that is on": "10000000000 * x[2] + x[0] <= 10000000000",
    "halves beside a big M that is on": "10000000000 * x[2] + 1.5 * x[0] <= 10000000000",
    "decimals beside a big M that is on": "10000000000 * x[2] + 0.3 * x[0] + 0.1 * x[1] <= 10000000000",
    "equal": "x[0] + 7000000000 * x[1] == x[2] + 7000000000 * x[1]",
    "beyond doubles": "1e80 * x[0] + x[1] >= 1",
    "decimals": "0.1 * x[0] + 0.2 * x[1] + 1234567.7 * x[2] <= 0.3",
    "fractions": "0.1 * x[0] + 0.2 * x[1] == 0.3",
}


def exact(text: str, x: tuple[int, ...]) -> bool:
    """The row in rational arithmetic."""
    for k, value in enumerate(x):
        text = text.replace(f"x[{k}]", f"Fraction({value})")
    words = [f"Fraction('{w}')" if w[0].isdigit() else w for w in text.split()]
    return bool(eval(" ".join(words), {"Fraction": Fraction}))


@pytest.mark.parametrize("name", ROWS)
def test_rows_are_judged_exactly(name: str) -> None:
    source = f"program p\nvar x: binary[3]\nminimize sum(x)\nsubject to\n  c: {ROWS[name]} weight 1\n"
    program = compile(source, level=0)
    registers = sum(register.count for register in program.provenance)
    for x in itertools.product((0, 1), repeat=3):
        solution = program.decode([2 * bit - 1 for bit in x] + [-1] * (registers - 3))
        assert tuple(solution.values["x"]) == x
        assert [holds for _, _, holds in solution.residuals()] == [exact(ROWS[name], x)], x


def test_real_variables_are_forgiven_their_rounding_only() -> None:
    row = "1e9 * y <= 1e9 * r + 1e9 * s"
    reals = "var r: real in [0, 0.3] bits 1\nvar s: real in [0, 0.7] bits 1\n"
    source = f"program p\nvar y: binary\n{reals}maximize y\nsubject to\n  c: {row}\n"
    program = compile(source, level=0)
    size = program.decoder.size
    found = {}
    for bits in itertools.product((-1, 1), repeat=3):
        solution = program.decode([*bits, *[-1] * (size - 3)])
        found[bits] = solution.feasible
    assert found == {bits: bits[0] < 0 or bits == (1, 1, 1) for bits in found}


def test_a_big_m_is_no_licence() -> None:
    link = "subject to\n  link: sum(x) <= 10000000000 * open\n"
    source = f"program p\nvar x: binary[3]\nvar open: binary\nminimize 10 * open - sum(x)\n{link}"
    result = compile(source, passes={"penalize-constraints": {"slack_bits": 40}}).run()
    assert (result.status, result.best.objective) == ("optimal", 0)

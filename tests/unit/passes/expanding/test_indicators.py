"""Indicators of affine rows are exact: compared with the definition over all assignments."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from qevo_compiler.dialects.nn import Condition
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.poly.algebra import Algebra
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.passes.expanding import indicators as module
from qevo_compiler.passes.expanding.indicators import Unlisted, indicators

# Two bits, a spin, choices of three and two labels, a bit.
SIZES = [("bit", 1), ("bit", 1), ("spin", 1), ("choice", 3), ("choice", 2), ("bit", 1)]


def algebra() -> Algebra:
    binary, spin, choice = [], [], []
    for number, (kind, size) in enumerate(SIZES):
        binary += [kind != "spin"] * size
        spin += [kind == "spin"] * size
        choice += [number if kind == "choice" else -1] * size
    return Algebra(np.array(binary), np.array(spin), np.array(choice, np.int32))


def points() -> np.ndarray:
    parts = []
    for kind, size in SIZES:
        parts.append([[0], [1]] if kind == "bit" else [[-1], [1]] if kind == "spin" else np.eye(size).tolist())
    return np.array([np.concatenate(point) for point in itertools.product(*parts)], np.float64)


def rows_of(matrix: np.ndarray, constants: np.ndarray) -> Polynomials:
    row, name = np.nonzero(matrix)
    every = np.arange(len(constants), dtype=np.int32)
    return pack(
        len(matrix),
        [
            (every, np.zeros((len(every), 0), np.int32), constants),
            (row.astype(np.int32), name.astype(np.int32)[:, None], matrix[row, name]),
        ],
    )


def evaluated(p: Polynomials, at: np.ndarray) -> np.ndarray:
    found = np.zeros((len(at), p.rows))
    for block in p.terms:
        terms = at[:, block.variables.values].prod(axis=2) * block.coefficients.values
        for k, row in enumerate(block.row.values):
            found[:, row] += terms[:, k]
    return found


@pytest.mark.parametrize("condition", list(Condition))
@pytest.mark.parametrize("block", [1 << 21, 40])
def test_random_rows(condition: Condition, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    rng = np.random.default_rng(5)
    matrix = rng.integers(-3, 4, (80, 9)) * (rng.random((80, 9)) < rng.random((80, 1)))
    constants = rng.integers(-5, 6, 80).astype(np.float64)
    scales = rng.choice([1.0, 0.1, 7.5], (80, 1))
    rows = rows_of(matrix * scales, constants * scales[:, 0])
    at = points()
    value = at @ matrix.T + constants
    expected = value == 0 if condition is Condition.ZERO else value > 0
    found = indicators(condition, rows, algebra())
    assert evaluated(found, at) == pytest.approx(expected.astype(float), abs=1e-12)


def test_equal_choices_are_one_product_a_value() -> None:
    both = Algebra(np.ones(8, bool), np.zeros(8, bool), np.repeat([0, 1], 4).astype(np.int32))
    values = np.array([[0, 1, 2, 3, 0, -1, -2, -3]], np.float64)
    found = indicators(Condition.ZERO, rows_of(values, np.zeros(1)), both)
    (block,) = found.terms
    assert block.variables.values.tolist() == [[v, 4 + v] for v in range(4)]
    assert (block.coefficients.values == 1).all()


def test_a_bound_is_a_sum_of_values_and_no_more() -> None:
    one = Algebra(np.ones(9, bool), np.zeros(9, bool), np.zeros(9, np.int32))
    found = indicators(Condition.POSITIVE, rows_of(np.arange(9.0)[None, :], np.array([-5.5])), one)
    (block,) = found.terms
    assert block.variables.values[:, 0].tolist() == [6, 7, 8]


def test_rows_without_variables_are_decided() -> None:
    rows = rows_of(np.zeros((3, 9)), np.array([0.0, 1.0, -1.0]))
    assert indicators(Condition.ZERO, rows, algebra()).constants().tolist() == [1, 0, 0]
    assert indicators(Condition.POSITIVE, rows, algebra()).constants().tolist() == [0, 1, 0]


def test_what_is_refused() -> None:
    square = pack(1, [(np.zeros(1, np.int32), np.array([[0, 1]], np.int32), np.ones(1))])
    with pytest.raises(Unlisted, match="products"):
        indicators(Condition.ZERO, square, algebra())
    plain = Algebra(np.zeros(1, bool), np.zeros(1, bool), np.full(1, -1, np.int32))
    with pytest.raises(Unlisted) as caught:
        indicators(Condition.ZERO, rows_of(np.ones((1, 1)), np.zeros(1)), plain)
    assert caught.value.number == 0
    many = Algebra(np.ones(20, bool), np.zeros(20, bool), np.full(20, -1, np.int32))
    with pytest.raises(Unlisted, match="combinations"):
        indicators(Condition.ZERO, rows_of(np.ones((1, 20)), np.array([-10.0])), many)

"""Sparse matrices, step maps and the ops of the linear dialect."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from qevo_compiler.dialects import linear
from qevo_compiler.dialects.linear import SparseMatrix, StepMap
from qevo_compiler.dialects.poly import arithmetic
from qevo_compiler.ir import Array, Invalid


@pytest.mark.parametrize(
    "broken",
    [
        {"starts": Array([0, 2])},
        {"starts": Array([0, 2, 1])},
        {"indices": Array([1, 0, 1])},
        {"indices": Array([0, 5, 1])},
        {"values": Array([1.0, 0.0, 2.0])},
        {"values": Array([1.0, np.inf, 2.0])},
    ],
)
def test_a_matrix_that_is_not_canonical_is_invalid(broken) -> None:
    matrix = SparseMatrix(2, 2, Array([0, 2, 3]), Array([0, 1, 1]), Array([1.0, 3.0, 2.0]))
    matrix.check()
    with pytest.raises(Invalid):
        dataclasses.replace(matrix, **broken).check()


def steps() -> StepMap:
    one = arithmetic.scale(arithmetic.variables(np.arange(2)), 0.5)
    two = arithmetic.add(one, arithmetic.constants([1.0, 2.0]))
    return StepMap.from_steps([one, two, arithmetic.scale(arithmetic.variables(np.arange(2)), 0.5), two])


def test_equal_steps_share_a_variant() -> None:
    found = steps()
    found.check()
    assert (found.which.values.tolist(), len(found.variants), found.size, found.degree) == ([0, 1, 0, 1], 2, 2, 1)


def test_a_window_renumbers_what_it_uses() -> None:
    found = steps()
    part = found.window(1, 3)
    part.check()
    assert part.which.values.tolist() == [0, 1]
    assert part.variants == (found.variants[1], found.variants[0])
    assert found.window(3, 4).variants == (found.variants[1],)


@pytest.mark.parametrize(
    "broken",
    [
        {"which": Array([0, 0])},
        {"which": Array([0, 1, 2])},
        {"variants": ()},
        {"variants": (arithmetic.variables(np.arange(3)), arithmetic.variables(np.arange(2)))},
        {"variants": (arithmetic.variables(np.array([0, 7])), arithmetic.variables(np.arange(2)))},
        {"variants": (arithmetic.constants([np.nan, 0.0]), arithmetic.variables(np.arange(2)))},
    ],
)
def test_what_is_no_step_map_is_invalid(broken) -> None:
    with pytest.raises(Invalid):
        dataclasses.replace(steps(), **broken).check()


def test_ops_verify_their_sizes() -> None:
    two, point = ("a", "b"), Array([0.0, 1.0])
    good = linear.MapOp(two, 2, point, point, steps())
    good.verify()
    for change in ({"symbols": ("a",)}, {"parameters": 3}, {"start": Array([0.0])}):
        with pytest.raises(Invalid):
            dataclasses.replace(good, **change).verify()
    eye = SparseMatrix(3, 3, Array(np.arange(4)), Array(np.arange(3)), Array(np.ones(3)))
    monomials, ones = Array(np.array([[-1], [0], [1]])), Array(np.ones(3))
    lifted = linear.LiftOp(1, monomials, ones, (eye,), Array([0, 0]), ones)
    lifted.verify()
    assert (lifted.size, lifted.steps) == (3, 2)
    for change in ({"order": 2}, {"which": Array([0, 1])}, {"initial": Array([1.0])}, {"matrices": ()}):
        with pytest.raises(Invalid):
            dataclasses.replace(lifted, **change).verify()
    history = linear.HistoryOp(2, 3, 1.0, 18, 30)
    history.verify()
    for change in ({"gamma": 0.0}, {"padding": -1}, {"steps": 0}):
        with pytest.raises(Invalid):
            dataclasses.replace(history, **change).verify()

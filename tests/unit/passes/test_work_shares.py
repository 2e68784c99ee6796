"""The share of a loss's arithmetic behind each weight, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler.dialects import nn, problem
from qevo_compiler.ir import Array, Builder
from qevo_compiler.passes.quadratic.work import work_shares


def test_shares_of_two_layers() -> None:
    """x [5, 4] A [4, 3], tanh, B [3, 2], plus c, squares and their sum: 60 + 15 + 30 + 10 + 10 + 1 operations."""
    builder = Builder("main")
    x = builder.add(nn.ConstantOp(Array(np.ones((5, 4)))))
    a, b, c, unused = (
        builder.add(nn.ParameterOp(name, Array(np.ones(shape))))
        for name, shape in (("a", (4, 3)), ("b", (3, 2)), ("c", (5, 2)), ("unused", (2,)))
    )
    hidden = builder.add(nn.ApplyOp(builder.add(nn.MatmulOp(x, a)), nn.Function.TANH))
    outputs = builder.add(nn.AddOp(builder.add(nn.MatmulOp(hidden, b)), c))
    loss = builder.add(nn.SumOp(builder.add(nn.PowerOp(outputs, 2)), (0, 1)))
    builder.add(nn.PowerOp(unused, 2))
    builder.append(problem.ObjectiveOp(loss))
    func = builder.finish()
    shares = work_shares(func, [loss])
    assert shares == pytest.approx({"a": 1.0, "b": 51 / 126, "c": 21 / 126})
    assert work_shares(func, [outputs]) == pytest.approx({"a": 1.0, "b": 40 / 115, "c": 10 / 115})


def test_what_depends_on_nothing_that_moves_is_counted_in_the_whole() -> None:
    builder = Builder("main")
    data = builder.add(nn.ConstantOp(Array(np.ones((2, 3)))))
    known = builder.add(nn.ApplyOp(data, nn.Function.EXP))
    weight = builder.add(nn.ParameterOp("w", Array(np.ones((2, 3)))))
    product = builder.add(nn.MulOp(known, weight))
    assert work_shares(builder.finish(), [product]) == {"w": 0.5}

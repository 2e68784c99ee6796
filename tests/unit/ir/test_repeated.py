"""Arrays over a grid that sums of blocks describe."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qevo_compiler.ir import Array
from qevo_compiler.ir.deferred import Repeated


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.lists(st.integers(0, 15), min_size=1, max_size=4))
def test_elements_and_bounds_are_those_of_the_broadcast_sum(axes: list[int], masks: list[int]) -> None:
    rng = np.random.default_rng(sum(masks))
    shapes = [[n if mask >> k & 1 else 1 for k, n in enumerate(axes)] for mask in masks]
    blocks = [rng.integers(-9, 9, shape).astype(np.int32) for shape in shapes]
    found = Repeated(tuple(axes), *blocks)
    wanted = np.zeros(axes, np.int32)
    for block in blocks:
        wanted += block
    assert found.elements().tolist() == wanted.reshape(-1).tolist()
    assert not found.formed
    assert (found.least, found.most) == (wanted.min(), wanted.max())
    assert found == Array(wanted.reshape(-1))
    assert found.formed

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


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.lists(st.integers(0, 7), min_size=1, max_size=3))
def test_pieces_are_slices_of_the_elements(axes: list[int], masks: list[int]) -> None:
    rng = np.random.default_rng(sum(axes))
    shapes = [[n if mask >> k & 1 else 1 for k, n in enumerate(axes)] for mask in masks]
    found = Repeated(tuple(axes), *(rng.normal(size=shape) for shape in shapes))
    whole = found.elements().tolist()
    assert found.stride * axes[0] == len(whole)
    for start in range(len(whole)):
        for stop in range(start + 1, len(whole) + 1):
            piece = found.piece(start, stop)
            assert piece.flags.c_contiguous
            assert piece.tolist() == whole[start:stop]
    assert not found.formed

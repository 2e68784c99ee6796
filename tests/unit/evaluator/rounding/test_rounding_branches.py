"""The compiled branching of a block against the same steps in numpy, number for number, ties included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.evaluator.rounding import branch_block
from qevo_compiler.evaluator.rounding.branches import WIDTH

LOW, HIGH = -2.0, 1.0


def branched(
    factor: np.ndarray, aim: np.ndarray, inside: np.ndarray, cost: np.ndarray, keep: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Costs, whole errors and origins of the candidates kept, by stable sorting of all of them."""
    origin, off = np.arange(len(cost)), np.zeros((len(cost), len(aim)))
    for i in range(len(aim) - 1, -1, -1):
        centre = aim[i] - inside[:, i] / factor[i, i]
        near = np.clip(np.rint(centre), LOW, HIGH)
        values = np.stack([near, near + np.where(centre > near, 1.0, -1.0)], axis=1)
        grown = cost[:, None] + (factor[i, i] * (values - centre[:, None])) ** 2
        grown[(values < LOW) | (values > HIGH)] = np.inf
        best = np.argsort(grown, axis=None, kind="stable")[:keep]
        best = best[np.isfinite(grown.reshape(-1)[best])]
        parent, error, cost = best // 2, values.reshape(-1)[best] - aim[i], grown.reshape(-1)[best]
        origin, off, inside = origin[parent], off[parent], inside[parent] + error[:, None] * factor[:, i]
        off[:, i] = error
    return cost, off, origin


def compare(factor: np.ndarray, aim: np.ndarray, inside: np.ndarray, cost: np.ndarray, keep: int) -> None:
    found = branch_block(factor, aim, inside, cost, keep, LOW, HIGH)
    expected_cost, expected_off, expected_origin = branched(factor, aim, inside, cost, keep)
    assert np.array_equal(found.cost, expected_cost)
    assert np.array_equal(found.off, expected_off)
    assert np.array_equal(found.origin, expected_origin)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, WIDTH), st.integers(1, 40), st.booleans())
def test_a_block_is_that_of_numpy(seed: int, size: int, keep: int, whole: bool) -> None:
    """Whole numbers make many costs equal: their order is part of the result."""
    random = np.random.default_rng(seed)
    draw = (lambda *n: random.integers(-1, 2, n) * 0.5) if whole else (lambda *n: random.normal(size=n))
    count = int(random.integers(1, keep + 1))
    factor = np.triu(draw(size, size), 1) + np.diag(random.integers(1, 3, size) * 0.5)
    cost = np.sort(np.abs(draw(count)))
    compare(factor, draw(size), draw(count, size), cost, keep)


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_costs_far_apart_are_kept_in_order(scale: float) -> None:
    """All but one of the costs fall into one bucket."""
    random = np.random.default_rng(1)
    cost = np.sort(random.uniform(0, 1, 60)) * scale
    cost[-1] = 1e12
    factor = np.triu(random.normal(size=(6, 6)), 1) + np.diag(random.uniform(0.5, 1, 6))
    compare(factor, random.normal(size=6), random.normal(size=(60, 6)), cost, 60)


def test_what_came_to_each_element_leads_back_to_the_errors() -> None:
    random = np.random.default_rng(2)
    factor = np.triu(random.normal(size=(5, 5)), 1) + np.eye(5)
    aim = random.normal(size=5)
    found = branch_block(factor, aim, np.zeros((1, 5)), np.zeros(1), 8, LOW, HIGH)
    for leaf, off in enumerate(found.off):
        at, chosen = leaf, []
        for parents, values in zip(found.parents, found.values, strict=True):
            chosen.append(values[at])
            at = int(parents[at])
        assert np.array_equal(np.array(chosen) - aim, off)
        assert found.cost[leaf] == pytest.approx(((factor @ off) ** 2).sum())

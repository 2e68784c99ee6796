"""The compiled sweep takes the reference's choices, and the search finds small covers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_sweep import sweep

from qevo_compiler.evaluator.quadratization import COMMON, FIRST, Block, Effort, Resources, Slot, choose


def random_slot(rng: np.random.Generator) -> Slot:
    return Slot(rng.random(), 1 + rng.random(), rng.random(), float(rng.integers(2, 5)))


def random_names(rng: np.random.Generator, rows: int, columns: int, resources: int) -> np.ndarray:
    """Numbers of resources, some of them 0; never 1, which is kept free."""
    found = rng.integers(FIRST - 1, resources, (rows, columns)).astype(np.int32)
    return np.where(found < FIRST, 0, found).astype(np.int32)


def random_problem(rng: np.random.Generator, monomials: int, resources: int) -> tuple[list[Block], Resources]:
    blocks = []
    for width in (0, 1, 2):
        # Without common options there are only negative monomials.
        weights = rng.integers(-9, 10 if width else 0, monomials) + 0.5
        negative, slots = int((weights < 0).sum()), int(rng.integers(1, 6))
        common, own = (
            random_names(rng, *shape, resources) for shape in ((monomials, COMMON * width), (negative, slots))
        )
        many = [random_slot(rng) for _ in range(slots)]
        blocks.append(Block(weights, width, common, random_slot(rng), 3 * rng.random(), own, many))
    named = rng.integers(1, 9, resources).astype(np.int32)
    owned = rng.random(resources) < 0.3
    named[:FIRST], owned[:FIRST] = (1, 0), False
    return blocks, Resources(named, owned)


def chosen_resources(block: Block, choice: np.ndarray) -> list[int]:
    """The resources of the chosen options, once for every monomial."""
    found, row = [], -1
    first = COMMON if block.width else 0
    for weight, option, common in zip(block.weights, choice.tolist(), block.common, strict=True):
        row += weight < 0
        if option < first:
            found += common[option * block.width : (option + 1) * block.width].tolist()
        elif weight < 0:
            found.append(int(block.negative[row, option - first]))
    return found


def triples(rows: list[np.ndarray], weight: float) -> tuple[list[Block], Resources]:
    """Positive monomials that choose one of three resources, each of which costs 1."""
    common = np.array(rows, np.int32) + FIRST
    slot, none = Slot(0.0, 1.0, 0.0, 2.0), np.zeros((0, 1), np.int32)
    block = Block(np.full(len(rows), weight), 1, common, slot, float("inf"), none, [slot])
    named = np.bincount(common.reshape(-1), minlength=8 + FIRST).astype(np.int32)
    named[0] = 1
    return [block], Resources(named, np.zeros(len(named), bool))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("monomials", [0, 1, 7, 120])
def test_the_compiled_sweep_chooses_as_the_reference(seed: int, monomials: int) -> None:
    blocks, resources = random_problem(np.random.default_rng(seed), monomials, 23)
    effort = Effort(sweeps=3 * (seed % 3), heat=0.7, limit=11.5 if seed % 2 else np.inf, slope=0.05 * (seed % 2))
    ours, plain = choose(blocks, resources, effort), choose(blocks, resources, effort, sweep)
    for left, right in zip(ours, plain, strict=True):
        np.testing.assert_array_equal(left, right)


@given(st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_every_monomial_chooses_one_of_its_options(seed: int) -> None:
    rng = np.random.default_rng(seed)
    blocks, resources = random_problem(rng, int(rng.integers(1, 20)), 9)
    found = choose(blocks, resources, Effort(sweeps=5))
    for block, choice in zip(blocks, found, strict=True):
        first = COMMON if block.width else 0
        most = np.where(block.weights > 0, first + 1, first + len(block.negative_slots))
        assert (choice >= 0).all()
        assert (choice < most).all()


def test_a_resource_that_nobody_shares_costs_the_same_as_one_of_ones_own() -> None:
    """Resource 0 stands for any number of resources that are named once."""
    rng = np.random.default_rng(8)
    slot = random_slot(rng)
    shared = rng.integers(FIRST, 6, (40, 2)).astype(np.int32)
    single = np.arange(40, dtype=np.int32)[:, None] + 6
    weights, common, found = -rng.random(40), np.zeros((40, 0), np.int32), []
    for own, count in ((np.zeros((40, 1), np.int32), 6), (single, 46)):
        block = Block(weights, 0, common, slot, 0.0, np.concatenate([shared, own], axis=1), [slot] * 3)
        named = np.bincount(block.negative.reshape(-1), minlength=count).astype(np.int32)
        named[:FIRST] = 1, 0
        found.append(choose([block], Resources(named, np.zeros(count, bool)), Effort(limit=0.7, slope=0.3))[0])
    np.testing.assert_array_equal(*found)


def test_the_smallest_cover_of_small_problems_is_found() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        rows = [rng.choice(8, 3, replace=False) for _ in range(9)]
        blocks, resources = triples(rows, 1.0)
        found = set(chosen_resources(blocks[0], choose(blocks, resources, Effort(sweeps=200))[0]))
        least = next(
            size
            for size in range(1, 9)
            if any(all(set(row) & set(kept) for row in rows) for kept in itertools.combinations(range(8), size))
        )
        assert len(found) == least


def test_load_beyond_the_limit_is_spread() -> None:
    blocks, resources = triples([np.arange(3)] * 12, 5.0)
    assert len(set(chosen_resources(blocks[0], choose(blocks, resources, Effort())[0]))) == 1
    spread = choose(blocks, resources, Effort(limit=20.0, slope=1.0))[0]
    assert np.bincount(chosen_resources(blocks[0], spread))[FIRST:].tolist() == [4, 4, 4]


def test_an_owned_resource_is_free() -> None:
    blocks, resources = triples([np.arange(3)], 1.0)
    owned = resources.owned.copy()
    owned[FIRST + 2] = True
    assert choose(blocks, Resources(resources.named, owned), Effort(sweeps=0))[0].tolist() == [2]


def test_progress_reaches_one() -> None:
    seen: list[float] = []
    rng = np.random.default_rng(0)
    blocks, resources = random_problem(rng, 30, 9)
    choose(blocks, resources, Effort(sweeps=10, progress=seen.append))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0

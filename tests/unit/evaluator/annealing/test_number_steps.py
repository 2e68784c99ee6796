"""Which bits of equations are digits of one number, and the steps that these take."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.evaluator.annealing.chains import chains_of
from qevo_compiler.evaluator.annealing.steps import Steps, steps_of


def system(columns: list[dict[int, float]], count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, int]:
    """Entries of a matrix given by its columns."""
    entries = [(row, site, weight) for site, column in enumerate(columns) for row, weight in column.items()]
    rows, sites, weights = (np.array(part) for part in zip(*entries, strict=True))
    return rows.astype(np.int32), sites.astype(np.int32), weights.astype(np.float64), len(columns), count


def digits(ends: dict[int, float], weights: list[float]) -> list[dict[int, float]]:
    return [{row: sign * weight for row, sign in ends.items()} for weight in weights]


def listed(steps: Steps) -> set[tuple[tuple[int, ...], tuple[int, ...], tuple[float, ...]]]:
    return {
        (tuple(steps.sites[low : top + 1].tolist()), tuple(ends), tuple(sizes))
        for low, top, ends, sizes in zip(steps.lows, steps.tops, steps.ends.tolist(), steps.sizes.tolist(), strict=True)
    }


def test_binary_digits_carry() -> None:
    """Two numbers of two digits from equation 0 to equation 1: steps of 1, of 1 with a carry, and of 2."""
    columns = digits({0: 1.0, 1: -1.0}, [1, 2]) + digits({0: 1.0, 1: -1.0}, [1, 2])
    steps = steps_of(*system(columns, 2))
    expected = set()
    for first in (0, 2):
        for spins, size in (((first,), 1.0), ((first, first + 1), 1.0), ((first + 1,), 2.0)):
            expected.add((spins, (0, 1), (size, -size)))
    assert listed(steps) == expected
    assert steps.single.all()


def test_numbers_of_other_weights_at_one_end_do_not_change_places() -> None:
    """In equation 1 one of them steps by 1, 2 or 4, the other by 3, 6 or 12: no size is one of both."""
    columns = digits({0: 1.0, 1: 1.0}, [1, 2, 4]) + digits({0: 1.0, 1: 3.0}, [1, 2, 4])
    assert not len(steps_of(*system(columns, 2)).lows)


def test_parallel_arcs_are_numbers_of_their_own() -> None:
    steps = steps_of(*system(digits({0: 1.0, 1: -1.0}, [1, 1, 1]), 2))
    assert listed(steps) == {((site,), (0, 1), (1.0, -1.0)) for site in range(3)}
    assert len(set(steps.blocks.tolist())) == 3


def test_a_last_digit_that_is_no_power_of_two_carries_where_it_steps_up() -> None:
    """Digits 1, 2 and 3: 2 and 3 are one apart, 1 and 2 as well; from 1 + 2 to 3 is no step."""
    columns = digits({0: 1.0, 1: -1.0}, [1, 2, 3]) + digits({0: 1.0, 1: -1.0}, [1, 2, 3])
    steps = steps_of(*system(columns, 2))
    spans = {
        (low - 3 * block, top - 3 * block) for low, top, block in zip(steps.lows, steps.tops, steps.blocks, strict=True)
    }
    assert spans == {(0, 0), (0, 1), (1, 1), (1, 2), (2, 2)}
    assert not steps.single.any()


def test_bits_in_one_equation_are_arcs_to_the_ground() -> None:
    """A path of stocks with a purchase each: the signs at the ground make every cycle through it close."""
    columns = [{0: 1.0}, {1: 1.0}, {2: -1.0}, {0: -1.0, 1: 1.0}, {1: -1.0, 2: -1.0}]
    steps = steps_of(*system(columns, 3))
    grounded = {
        int(steps.sites[low]): size[1]
        for low, end, size in zip(steps.lows, steps.ends, steps.sizes, strict=True)
        if end[1] >= 3
    }
    assert set(grounded) == {0, 1, 2}
    assert grounded[0] == grounded[1] == grounded[2]


def test_numbers_that_nobody_changes_places_with_are_not_in_edges() -> None:
    """A star: its middle has three arcs, its points one each."""
    columns = [{0: 1.0, point: -1.0} for point in (1, 2, 3)]
    chains = chains_of(3, *system(columns, 4)[:3], 4)
    assert not chains.count
    assert not chains.among(3).any()


def test_groups_of_one_equation_each_are_left_to_pairs() -> None:
    columns = [{site // 3: 0.5} for site in range(12)]
    assert not len(steps_of(*system(columns, 4)).sites)
    assert not chains_of(12, *system(columns, 4)[:3], 4).count


column_of = st.tuples(
    st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True), st.integers(1, 4), st.sampled_from([-1.0, 1.0])
)


@given(st.lists(column_of, min_size=1, max_size=7))
@settings(deadline=None)
def test_a_step_moves_its_two_equations_and_no_other(numbers: list[tuple[list[int], int, float]]) -> None:
    columns = [
        column
        for rows, length, sign in numbers
        for column in digits({row: sign**place for place, row in enumerate(rows)}, [2.0**k for k in range(length)])
    ]
    rows, sites, weights, size, count = system(columns, 5)
    steps = steps_of(rows, sites, weights, size, count)
    matrix = np.zeros((count, size))
    matrix[rows, sites] = weights
    degrees = (matrix != 0).sum(axis=0)
    assert (degrees[steps.sites] <= 2).all()
    assert len(set(steps.sites.tolist())) == len(steps.sites)
    for low, top, ends, sizes in zip(steps.lows, steps.tops, steps.ends, steps.sizes, strict=True):
        state = np.zeros(size)
        state[steps.sites[low:top]] = 1
        after = state.copy()
        after[steps.sites[low : top + 1]] = 1 - after[steps.sites[low : top + 1]]
        change, expected = matrix @ (after - state), np.zeros(count)
        for end, moved in zip(ends, sizes, strict=True):
            if end < count:
                expected[end] = moved
        assert np.allclose(change, expected)
    taken = [steps.sites[low : top + 1].tolist() for low, top in zip(steps.lows, steps.tops, strict=True)]
    assert all(set(a) != set(b) for a, b in itertools.combinations(taken, 2))


@given(st.integers(2, 5), st.integers(2, 5), st.integers(1, 3))
@settings(deadline=None, max_examples=20)
def test_a_grid_of_numbers_has_every_step_of_each(height: int, width: int, length: int) -> None:
    columns = [
        column
        for row in range(height)
        for place in range(width)
        for column in digits({row: 0.5, height + place: 0.5}, [2.0**k for k in range(length)])
    ]
    entries = system(columns, height + width)
    chains = chains_of(len(columns), *entries[:3], height + width)
    assert chains.count == len(columns)
    assert len(chains.lows) == height * width * length * (length + 1) // 2
    assert len(chains.starts) - 1 == (height + width) * length
    assert chains.most == 1
    for half, node in enumerate(chains.nodes.tolist()):
        here = slice(chains.starts[node], chains.starts[node + 1])
        members = chains.members[here]
        assert members[chains.places[half]] == half
        assert (chains.nodes[members] == node).all()
        assert np.array_equal(chains.others[here], np.sort(chains.nodes[members ^ 1]))

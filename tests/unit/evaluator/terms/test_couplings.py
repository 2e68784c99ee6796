"""Passes over couplings against loops in Python, compiled and with numpy, at all small sizes."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from qevo_compiler.evaluator.terms import couplings
from qevo_compiler.evaluator.terms.couplings import connected_parts, fix_bits, incidence
from qevo_compiler.evaluator.terms.followers import binding_neighbours, follow_chains, follow_leaders


@pytest.fixture(params=[0, 1 << 15], ids=["compiled", "numpy"], autouse=True)
def worth(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(couplings, "WORTH", request.param)


def random_couplings(rng: np.random.Generator, bits: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    ends = np.sort(rng.integers(0, bits, (count, 2)), axis=1)
    pairs = np.unique(ends[ends[:, 0] < ends[:, 1]], axis=0).astype(np.int32).reshape(-1, 2)
    return pairs, rng.integers(-5, 6, len(pairs)).astype(float)


CASES = [(seed, 2 + seed % 9, seed % 23) for seed in range(60)]


@pytest.mark.parametrize("chunk", range(3))
def test_incidence(chunk: int) -> None:
    for seed, bits, count in CASES[chunk::3]:
        pairs, values = random_couplings(np.random.default_rng(seed), bits, count)
        found = incidence(pairs, values, bits)
        for bit in range(bits):
            own = [v for pair, v in zip(pairs.tolist(), values.tolist(), strict=True) if bit in pair]
            expected = (sum(own), sum(map(abs, own)), max(map(abs, own), default=0.0), len(own))
            got = (found.total[bit], found.reach[bit], found.largest[bit], found.degree[bit])
            assert got == expected


def test_fixing_bits_keeps_the_energy_of_every_state() -> None:
    for seed, bits, count in CASES:
        rng = np.random.default_rng(seed)
        pairs, values = random_couplings(rng, bits, count)
        gone = rng.random(bits) < 0.4
        state = rng.choice([-1.0, 0.0, 1.0], bits)
        left, rest, gain, constant = fix_bits(pairs, values, gone, np.where(gone, state, 0.0))
        assert not gone[left].any()
        free = np.where(gone, state, rng.choice([-1.0, 1.0], bits))
        before = float(values @ free[pairs].prod(axis=1))
        after = constant + float(gain[~gone] @ free[~gone]) + float(rest @ free[left].prod(axis=1))
        assert after == pytest.approx(before)
        order = left[:, 0].astype(np.int64) * bits + left[:, 1]
        assert (np.diff(order) > 0).all()


@pytest.mark.parametrize("spins", [False, True])
def test_following_leaders_keeps_the_energy_of_every_state(spins: bool) -> None:
    for seed, bits, count in CASES:
        rng = np.random.default_rng(seed)
        pairs, values = random_couplings(rng, bits, count)
        leaders = np.where(rng.random(bits) < 0.5, np.arange(bits), rng.integers(0, bits, bits))
        leaders = leaders[leaders[leaders]] if seed % 2 else leaders
        signs = np.where(leaders == np.arange(bits), 1.0, rng.choice([-1.0, 1.0], bits))
        linear = rng.integers(-5, 6, bits).astype(float)
        found = follow_leaders(pairs, values, linear, leaders, signs, spins)
        free = rng.choice([-1.0, 1.0] if spins else [0.0, 1.0], bits)
        x = np.where(signs > 0, free[leaders], (0.0 if spins else 1.0) - free[leaders])
        before = float(linear @ x + values @ x[pairs].prod(axis=1))
        after = found.constant + float(found.linear @ free) + float(found.values @ free[found.pairs].prod(axis=1))
        assert after == pytest.approx(before)
        assert (found.pairs[:, 0] < found.pairs[:, 1]).all()


def test_binding_neighbours() -> None:
    for seed, bits, count in CASES:
        rng = np.random.default_rng(seed)
        pairs, values = random_couplings(rng, bits, count)
        needed = rng.choice([1.0, 4.0, 9.0, np.inf], bits)
        leaders, signs = binding_neighbours(pairs, values, needed)
        for bit in range(bits):
            near = {int(pair.sum()) - bit: value for pair, value in zip(pairs, values, strict=True) if bit in pair}
            hits = sorted(other for other, value in near.items() if 2 * abs(value) >= needed[bit])
            expected = (hits[0], 1.0 if near[hits[0]] < 0 else -1.0) if hits else (bit, 1.0)
            assert (leaders[bit], signs[bit]) == expected


def test_connected_parts() -> None:
    for seed, bits, count in CASES:
        pairs, _ = random_couplings(np.random.default_rng(seed), bits, count // 2)
        graph = nx.Graph(pairs.tolist())
        graph.add_nodes_from(range(bits))
        expected = np.empty(bits, int)
        for part in nx.connected_components(graph):
            expected[list(part)] = min(part)
        np.testing.assert_array_equal(connected_parts(pairs, bits, len(np.unique(pairs))), expected)


def test_chains_end_where_a_bit_leads_itself() -> None:
    leaders, signs = follow_chains(np.array([0, 0, 1, 2, 4, 3]), np.array([1.0, -1.0, -1.0, 1.0, 1.0, -1.0]))
    assert leaders.tolist() == [0, 0, 0, 0, 4, 0]
    assert signs.tolist() == [1, -1, 1, 1, 1, -1]


def test_circles_are_cut_once() -> None:
    for seed in range(200):
        rng = np.random.default_rng(seed)
        bits = int(rng.integers(1, 9))
        leaders, signs = rng.integers(0, bits, bits), rng.choice([-1.0, 1.0], bits)
        ends, product = follow_chains(leaders, np.where(leaders == np.arange(bits), 1.0, signs))
        np.testing.assert_array_equal(ends[ends], ends)
        roots = ends == np.arange(bits)
        assert (product[roots] == 1).all()
        parts = nx.number_weakly_connected_components(nx.DiGraph(list(enumerate(leaders.tolist()))))
        assert roots.sum() == parts  # each part has one circle, which loses one bit
        for bit in np.flatnonzero(~roots):
            leader = leaders[bit]
            assert ends[bit] == ends[leader]
            assert product[bit] == signs[bit] * product[leader]

"""Chains along edges: the distribution, what they keep, the bookkeeping, and which spins are edges."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from annealing_support import all_states, boltzmann, chi_squared, numbers_of, random_model
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.evaluator.annealing import bounded_walk, chain_kernel
from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.bounded import anneal_bounded
from qevo_compiler.evaluator.annealing.bounded_kernel import bounded_sweeps
from qevo_compiler.evaluator.annealing.bounded_model import BoundedModel
from qevo_compiler.evaluator.annealing.bounded_walk import Walk
from qevo_compiler.evaluator.annealing.mates import Mates
from qevo_compiler.evaluator.annealing.runs import first_states, flip_key

ENOUGH = 1e-3
IMPOSSIBLE = 1e-9
NONE = Mates(np.zeros(0, np.int32), np.zeros(0, np.int32))


def network(arcs: list[tuple[int, int]], balance: list[float], penalty: float, seed: int, extra: bool) -> BoundedModel:
    """Bits on arcs; what leaves a node less what enters is its balance. `extra` adds an inequality over all bits."""
    size, nodes = len(arcs), len(balance)
    rows = [node for arc in arcs for node in arc]
    sites = [site for site in range(size) for _ in range(2)]
    weights = [sign / 2 for _ in arcs for sign in (1, -1)]
    bases = -np.array(balance)
    np.add.at(bases, rows, weights)
    widths, penalties = [0.0] * nodes, [penalty] * nodes
    if extra:
        rows, sites, weights = rows + [nodes] * size, sites + list(range(size)), weights + [0.5] * size
        bases, widths, penalties = np.append(bases, size / 2 - 2), [*widths, 2.0], [*penalties, 0.3]
    pairs, hard = (random_model(size, 0.6, seed + more, integer=False) for more in (0, 50))
    tied = np.array(rows, np.int32), np.array(sites, np.int32)
    numbers = (np.array(part, np.float64) for part in (bases, widths, penalties))
    return BoundedModel(pairs, hard, *numbers, *tied, np.array(weights), NONE)


def numbers(
    arcs: list[tuple[int, int]], digits: list[int], balance: list[float], seed: int, extra: bool
) -> BoundedModel:
    """Numbers of some digits on arcs; an arc to node -1 is in its first node's balance alone."""
    bits = [(arc, 2.0**k) for arc in range(len(arcs)) for k in range(digits[arc])]
    entries = [
        (node, site, sign * weight / 2)
        for site, (arc, weight) in enumerate(bits)
        for node, sign in zip(arcs[arc], (1, -1), strict=True)
        if node >= 0
    ]
    rows, sites, weights = (np.array(column) for column in zip(*entries, strict=True))
    bases = np.bincount(rows, weights, len(balance)) - np.array(balance)
    widths, penalties, size = np.zeros(len(balance)), np.full(len(balance), 0.3), len(bits)
    if extra:
        rows, sites = np.append(rows, np.full(size, len(balance))), np.append(sites, np.arange(size))
        weights, bases = np.append(weights, np.full(size, 0.5)), np.append(bases, size / 2 - 2)
        widths, penalties = np.append(widths, 2.0), np.append(penalties, 0.4)
    pairs, hard = (random_model(size, 0.6, seed + more, integer=False) for more in (0, 50))
    return BoundedModel(
        pairs, hard, bases, widths, penalties, rows.astype(np.int32), sites.astype(np.int32), weights, NONE
    )


def grid(n: int, penalty: float, seed: int, extra: bool = False) -> BoundedModel:
    """Rows and columns that hold one each, as arcs from rows to columns."""
    arcs = [(row, n + column) for row in range(n) for column in range(n)]
    return network(arcs, [1.0] * n + [-1.0] * n, penalty, seed, extra)


ASSIGNMENT = """program a
data c: int[n, n]
var x: binary[n, n]
minimize sum(c[i, t] * x[i, t] for i in 0..n for t in 0..n)
subject to
  a[i]: sum(x[i, t] for t in 0..n) == 1 for i in 0..n
  b[t]: sum(x[i, t] for i in 0..n) == 1 for t in 0..n
"""
PLACES = """program places
data f: int[n, n]
data d: int[n, n]
var x: binary[n, n]
minimize sum(f[a, b] * d[p, q] * x[a, p] * x[b, q] for a in 0..n for b in 0..n for p in 0..n for q in 0..n if a != b)
subject to
  a[i]: sum(x[i, t] for t in 0..n) == 1 for i in 0..n
  b[t]: sum(x[i, t] for i in 0..n) == 1 for t in 0..n
"""
PARALLEL = [(0, 1), (0, 1), (1, 0), (1, 2), (2, 0), (0, 2), (2, 3), (3, 0), (1, 3)]
NUMBERS = [(0, 1), (1, 2), (2, 0), (0, -1), (1, -1)]
CASES = {
    "grid": lambda: grid(3, 0.4, 1),
    "grid and inequality": lambda: grid(3, 1.0, 2, extra=True),
    "network with parallel arcs": lambda: network(PARALLEL, [1.0, 0.0, 0.0, -1.0], 0.5, 3, extra=False),
    "numbers that carry": lambda: numbers([(0, 1), (1, 0), (0, 1)], [3, 3, 2], [1.0, -1.0], 4, extra=False),
    "numbers with arcs to the ground": lambda: numbers(NUMBERS, [2, 1, 2, 2, 2], [1.0, 1.0, -1.0], 5, extra=True),
}


def chained_p(model: BoundedModel, beta: float) -> float:
    found = anneal_bounded(model, 30, 30_000, 5, betas=np.full(30, beta), polish=False, threads=1)
    chances = boltzmann(beta * model.energies(all_states(model.size)))
    return chi_squared(np.bincount(numbers_of(found), minlength=len(chances)), chances)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many chains a sweep as there are edges."""
    monkeypatch.setattr(bounded_walk, "_EDGES", 1)


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("name", CASES)
def test_samples_with_chains_follow_boltzmann(name: str) -> None:
    model = CASES[name]()
    assert model.chains.count == model.size
    assert chained_p(model, 0.4) > ENOUGH


@pytest.mark.usefixtures("many")
def test_chains_without_the_chances_of_the_way_back_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_kernel.Chain, "_logs", lambda *_: None)
    bounded_sweeps.cache_clear()
    try:
        assert chained_p(CASES["network with parallel arcs"](), 0.4) < IMPOSSIBLE
    finally:
        bounded_sweeps.cache_clear()


def assert_marked(model: BoundedModel, masks: np.ndarray, states: np.ndarray) -> None:
    """Words of nodes, half by half."""
    chains = model.chains
    for half in range(len(chains.nodes)):
        bits = states[:, chains.sites[chains.lows[half // 2] : chains.tops[half // 2] + 1]]
        expected = bits[:, -1] * chains.signs[half] < 0, (bits[:, :-1] != bits[:, -1:]).all(axis=1)
        for found, wanted in zip(masks[:, chains.words[half]], expected, strict=True):
            assert np.array_equal(found & chains.bits[half] != 0, wanted)


arcs_of = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(lambda arc: arc[0] != arc[1]), min_size=3, max_size=14
)


@given(arcs_of, st.booleans(), st.integers(0, 1000), st.booleans())
@settings(max_examples=30, deadline=None)
def test_what_is_carried_is_what_is_recomputed(
    arcs: list[tuple[int, int]], extra: bool, seed: int, whole: bool
) -> None:
    model = network(arcs, [0.0] * 5, 0.5, seed, extra)
    if whole:
        model = numbers(arcs, np.random.default_rng(seed).integers(1, 5, len(arcs)).tolist(), [0.0] * 5, seed, extra)
    walk = Walk(model)
    group = walk.load(first_states(seed, walk.group.width, model.size))
    slopes = np.full((40, walk.group.width), 0.5, np.float32)
    stiff = np.full_like(slopes, 0.25)
    walk.sweep(Rule.METROPOLIS, slopes, stiff, 0, 0, flip_key(seed), group)
    states = walk.group.unload(group.spins)
    assert np.array_equal(group.sums[: len(model.bases)], model.sums(states).T)
    assert_marked(model, group.masks, states)
    fields = np.zeros(states.shape)
    for part, weight in ((model.pairs, 1.0), (model.hard, 0.25)):
        matrix = np.zeros((model.size, model.size))
        matrix[part.rows, part.columns] = part.couplings
        fields += weight * (part.fields + states @ (matrix + matrix.T))
    found = group.fields[: group.spins.size].reshape(walk.group.width, -1)[:, : model.size] * model.unit
    assert not walk.chains or found == pytest.approx(fields, abs=1e-4 * np.abs(fields).max())
    # All lanes carry the couplings' energies and the rows' costs.
    offsets = model.pairs.offset + model.hard.offset
    assert walk.energies(group) * model.unit + offsets == pytest.approx(model.energies(states), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("extra", [False, True])
def test_labels_swap_and_stay_an_assignment(extra: bool) -> None:
    """Single flips cannot leave a permutation at this penalty."""
    n = 7
    model = grid(n, 1e4, 3, extra)
    walk = Walk(model)
    start = 2 * np.eye(n, dtype=np.int8).reshape(1, -1) - 1
    group = walk.load(np.repeat(start, walk.group.width, axis=0))
    slopes = np.full((200, walk.group.width), 0.05, np.float32)
    walk.sweep(Rule.METROPOLIS, slopes, np.ones_like(slopes), 0, 0, flip_key(1), group)
    ones = (walk.group.unload(group.spins) > 0).reshape(-1, n, n)
    assert all((ones.sum(axis=axis) == 1).all() for axis in (1, 2))
    assert len({tuple(state.ravel().tolist()) for state in ones}) == walk.group.width


def test_cycles_of_a_flow_turn_round() -> None:
    """From one path 0-1-3 to the others of two and three arcs, which differ in two to four arcs."""
    arcs = [(0, 1), (1, 3), (0, 2), (2, 3), (1, 2), (0, 3)]
    model = network(arcs, [1.0, 0.0, 0.0, -1.0], 1e4, 5, extra=False)
    walk = Walk(model)
    start = np.where(np.arange(6) < 2, 1, -1).astype(np.int8)[None]
    seen = set()
    group = walk.load(np.repeat(start, walk.group.width, axis=0))
    one = np.full((1, walk.group.width), 0.05, np.float32)
    for sweep in range(300):
        walk.sweep(Rule.METROPOLIS, one, np.ones_like(one), sweep, 0, flip_key(1), group)
        states = walk.group.unload(group.spins)
        assert (model.sums(states) == 0).all()
        seen |= {tuple(np.flatnonzero(state > 0).tolist()) for state in states}
    assert {(0, 1), (2, 3), (5,), (0, 3, 4)} <= seen


def test_samples_do_not_depend_on_threads_or_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    model = grid(9, 3.0, 4, extra=True)
    found = []
    for bits, threads in itertools.product(("128", "256", "512"), (1, 3)):
        monkeypatch.setenv("QEVO_VECTOR_BITS", bits)
        found.append(anneal_bounded(model, 50, 21, 3, threads=threads))
    assert all(np.array_equal(found[0], other) for other in found)
    assert np.array_equal(anneal_bounded(model, 50, 5, 3), found[0][:5])


def test_nodes_of_more_than_64_edges_are_searched_round() -> None:
    """One of 150 arcs from a source to a sink is on: chains hand it over, and each arc has it as often."""
    arcs = [(0, 1)] * 150
    model = network(arcs, [1.0, -1.0], 1e4, 1, extra=False)
    empty = random_model(150, 0.0, 1)
    model = BoundedModel(
        empty, empty, model.bases, model.widths, model.penalties, model.rows, model.sites, model.weights, NONE
    )
    walk = Walk(model)
    start = np.where(np.arange(150) == 149, 1, -1).astype(np.int8)[None]
    group = walk.load(np.repeat(start, walk.group.width, axis=0))
    one = np.full((1, walk.group.width), 1e-2, np.float32)
    visits = np.zeros(150)
    for sweep in range(2000):
        walk.sweep(Rule.METROPOLIS, one, np.ones_like(one), sweep, 0, flip_key(2), group)
        visits += (group.spins[:150] > 0).sum(axis=1)
    assert visits.sum() == 2000 * walk.group.width
    assert visits.min() > visits.mean() / 3
    assert visits.max() < visits.mean() * 3


@pytest.mark.parametrize("seed", range(3))
def test_assignments_reach_the_optimum_of_the_hungarian_method(seed: int) -> None:
    from scipy.optimize import linear_sum_assignment

    from qevo_compiler.driver import compile

    costs = np.random.default_rng(seed).integers(1, 40, (9, 9))
    found = compile(ASSIGNMENT, data={"c": costs}).run(reads=30, seed=seed, sweeps=300).best
    rows, columns = linear_sum_assignment(costs)
    assert found.feasible
    assert found.objective == costs[rows, columns].sum()


@pytest.mark.parametrize("seed", range(3))
def test_quadratic_assignments_reach_the_best_permutation(seed: int) -> None:
    from qevo_compiler.driver import compile

    rng = np.random.default_rng(seed)
    flow, distance = (np.triu(rng.integers(0, 10, (7, 7)), 1) for _ in range(2))
    flow, distance = flow + flow.T, distance + distance.T
    orders = np.array(list(itertools.permutations(range(7))))
    costs = (flow[None] * distance[orders[:, :, None], orders[:, None, :]]).sum(axis=(1, 2))
    found = compile(PLACES, data={"f": flow, "d": distance}).run(reads=20, seed=seed, sweeps=200).best
    assert found.feasible
    assert found.objective == costs.min()

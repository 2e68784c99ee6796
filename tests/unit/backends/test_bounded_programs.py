"""Slack at its best value: the same energies as the emitted model, whose slack bits are filled in."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.backends.base import energies_of
from qevo_compiler.backends.bounded import bounded_program
from qevo_compiler.backends.enumeration import lowest
from qevo_compiler.backends.local import LocalBackend
from qevo_compiler.backends.products import product_program
from qevo_compiler.dialects.ising import ModelOp, ReductionOp, RegisterOp, Role
from qevo_compiler.dialects.poly import Vartype
from qevo_compiler.driver import compile
from qevo_compiler.evaluator.annealing import Method, Plan, polynomial_energies
from qevo_compiler.evaluator.annealing.bounded import anneal_bounded
from qevo_compiler.evaluator.annealing.bounded_model import BoundedModel

KNAPSACK = """program knapsack
var x: binary[{n}]
maximize {gain} + 3 * x[0] * x[1]
subject to
  fits: {load} <= {capacity}
  some: sum(x[i] for i in 0..{last}) >= 2
"""
THREE = (
    "program p\nvar x: binary[5]\nminimize x[0] * x[1] * x[2]\nsubject to\n  c: 2 * x[0] + 3 * x[1] + 4 * x[3] <= 7\n"
)


def program(weights: list[int], values: list[int], capacity: int, level: int = 1):
    load, gain = (" + ".join(f"{c} * x[{i}]" for i, c in enumerate(part)) for part in (weights, values))
    n = len(weights)
    text = KNAPSACK.format(n=n, last=n - 1, load=load, gain=gain, capacity=capacity)
    return compile(text, level=level)


def energy(model: BoundedModel, states: np.ndarray) -> np.ndarray:
    """By the definition, one row at a time."""
    total = energies_of_pairs(model, states)
    for row in range(len(model.bases)):
        here = model.rows == row
        sums = model.bases[row] + states[:, model.sites[here]] @ model.weights[here]
        distance = np.maximum(np.maximum(sums, -model.widths[row] - sums), 0)
        total = total + model.penalties[row] * distance**2
    return total


def energies_of_pairs(model: BoundedModel, states: np.ndarray) -> np.ndarray:
    s, total = states.astype(float), np.zeros(len(states))
    for part in (model.pairs, model.hard):
        total += part.offset + s @ part.fields + (s[:, part.rows] * s[:, part.columns]) @ part.couplings
    return total


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=3, max_size=6),
    st.integers(2, 20),
    st.sampled_from([0, 1, 2]),
)
@settings(max_examples=30, deadline=None)
def test_energies_are_those_of_the_emitted_model_at_the_best_slack(
    items: list[tuple[int, int]], capacity: int, level: int
) -> None:
    compiled = program([w for w, _ in items], [v for _, v in items], capacity, level)
    bounded = bounded_program(compiled.module)
    if bounded is None:
        return
    count = len(bounded.moved.free)
    states = np.array(list(itertools.product((-1, 1), repeat=count)), np.int8)
    samples = bounded.samples(states)
    emitted = compiled.module.main.only(ModelOp)
    expected = energy(bounded.model, states)
    if level == 0:
        assert energies_of(emitted, samples) / emitted.scale == pytest.approx(expected)
    # No slack is better than the one that was filled in.
    registers = [r for r in compiled.module.main.ops_of(RegisterOp) if r.role is Role.SLACK]
    slack = [bit for r in registers for bit in range(r.first, r.first + r.count)]
    spins = bounded.moved.numbering.place[slack]
    for spin in spins[spins >= 0].tolist():
        turned = samples.copy()
        turned[:, spin] *= -1
        assert (energies_of(emitted, turned) >= energies_of(emitted, samples) - 1e-9).all()
    assert energies_of(emitted, samples).min() == pytest.approx(lowest(emitted, 1).energies[0])


def test_knapsacks_are_solved_where_slack_bits_would_freeze() -> None:
    rng = np.random.default_rng(1)
    weights, values = rng.integers(20, 60, 24).tolist(), rng.integers(10, 90, 24).tolist()
    compiled = program(weights, values, 500)
    assert bounded_program(compiled.module) is not None
    # Dynamic programming by weight and whether items 0 and 1 are both in.
    reach: dict[tuple[int, int], int] = {(0, 0): 0}
    for i, (w, v) in enumerate(zip(weights, values, strict=True)):
        more = {}
        for (load, pair), value in reach.items():
            new = (load + w, pair + (i < 2))
            if new[0] <= 500:
                more[new] = max(more.get(new, -1), value + v)
        for key, value in more.items():
            reach[key] = max(reach.get(key, -1), value)
    optimum = max(value + 3 * (pair == 2) for (_, pair), value in reach.items())
    found = compiled.run(reads=50, seed=1, sweeps=2000)
    assert found.best.feasible
    assert found.best.objective == optimum


def test_samples_do_not_depend_on_threads_or_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = program([3, 5, 7, 9, 11, 4, 6], [4, 2, 8, 7, 9, 1, 5], 20)
    bounded = bounded_program(compiled.module)
    assert bounded is not None
    found = []
    for bits, threads in itertools.product(("128", "256", "512"), (1, 2, 4)):
        monkeypatch.setenv("QEVO_VECTOR_BITS", bits)
        found.append(anneal_bounded(bounded.model, 50, 37, 3, threads=threads))
    assert all(np.array_equal(found[0], other) for other in found)
    assert np.array_equal(anneal_bounded(bounded.model, 50, 5, 3), found[0][:5])


def test_a_chosen_method_samples_the_emitted_model_itself() -> None:
    compiled = program([3, 5, 7, 9, 11, 4, 6, 8, 2], [4, 2, 8, 7, 9, 1, 5, 3, 6], 20)
    auto = LocalBackend().sample(compiled.module, 20, 1, 50)
    plain = LocalBackend(method=Method.ANNEALING).sample(compiled.module, 20, 1, 50)
    model = compiled.module.main.only(ModelOp)
    for found in (auto, plain):
        assert found.energies == pytest.approx(energies_of(model, found.spins))
    assert auto.energies.mean() < plain.energies.mean()


@pytest.mark.parametrize(
    "text",
    [
        "program p\nvar x: binary[4]\nminimize sum(x[i] for i in 0..3)\n",
        "program p\nvar s: spin[4]\nminimize s[0] * s[1]\nsubject to\n  c: s[0] + 2 * s[1] + 3 * s[2] <= 2\n",
        THREE,
    ],
)
def test_what_does_not_fit_is_sampled_as_it_is(text: str) -> None:
    assert bounded_program(compile(text, level=0).module) is None


EQUATIONS = """program p
var x: binary[4, 3]
minimize sum((i + 2 * k) % 5 * x[i, k] * x[(i + 1) % 4, k] for i in 0..4 for k in 0..3)
subject to
  one[i]: sum(x[i, k] for k in 0..3) == 1 for i in 0..4
  load: sum((2 * i + 3) * x[i, 0] for i in 0..4) <= 16
  clause: x[0, 1] - x[1, 1] - x[2, 1] <= 0
"""


@pytest.mark.parametrize("level", [0, 1])
def test_equations_and_clauses_are_bounds(level: int) -> None:
    compiled = compile(EQUATIONS, level=level)
    bounded = bounded_program(compiled.module)
    assert bounded is not None
    assert len(bounded.model.bases) == 6
    states = np.array(list(itertools.product((-1, 1), repeat=len(bounded.moved.free))), np.int8)
    emitted = compiled.module.main.only(ModelOp)
    samples = bounded.samples(states)
    assert (compiled.decoder.decode(samples).broken_auxiliaries == 0).all()
    expected = energy(bounded.model, states)
    if level == 0:
        assert energies_of(emitted, samples) / emitted.scale == pytest.approx(expected)
    else:
        assert (energies_of(emitted, samples) / emitted.scale <= expected + 1e-9).all()
    assert energies_of(emitted, samples).min() / emitted.scale == pytest.approx(expected.min())


def test_bits_that_presolve_fixed_are_not_annealed() -> None:
    text = EQUATIONS.replace("minimize ", "var y: binary[3]\nminimize sum(y) - 2 * y[0] + ")
    compiled = compile(text)
    bounded = bounded_program(compiled.module)
    assert bounded is not None
    assert compiled.module.main.only(ReductionOp).eliminated.size >= 3
    assert len(bounded.moved.free) <= 12
    best = compiled.run(reads=40, seed=1).best
    assert best.feasible
    assert best.values["y"].tolist() == [1, 0, 0]


@pytest.mark.parametrize("largest", [1.0, 1e8])
def test_coarse_slack_is_filled_in_to_the_nearest_step(largest: float) -> None:
    rng = np.random.default_rng(3)
    weights, values = rng.uniform(0.1, 1.0, 30) * largest, rng.integers(10, 100, 30)
    weights = weights if largest == 1.0 else np.rint(weights)
    load, gain = (" + ".join(f"{c!r} * x[{i}]" for i, c in enumerate(part.tolist())) for part in (weights, values))
    capacity = float(weights.sum() / 2) if largest == 1.0 else int(weights.sum() // 2)
    text = f"program p\nvar x: binary[30]\nmaximize {gain}\nsubject to\n  fits: {load} <= {capacity!r}\n"
    compiled = compile(text)
    bounded = bounded_program(compiled.module)
    assert bounded is not None
    step = bounded.families[0].steps[0]
    states = rng.choice([-1, 1], (200, 30)).astype(np.int8)
    emitted = compiled.module.main.only(ModelOp)
    found = energies_of(emitted, bounded.samples(states)) / emitted.scale
    most = bounded.model.penalties[0] * step**2 / 4
    excess = found - energy(bounded.model, states)
    assert excess.min() >= -1e-6 * np.abs(found).max()
    assert excess.max() <= most + 1e-6 * np.abs(found).max()
    best = compiled.run(reads=40, seed=1).best
    bound = LocalBackend(method=Method.ANNEALING).sample(compiled.module, 40, 1, 4000)
    plain = compiled.decoder.decode(bound.spins)
    assert best.feasible
    assert best.objective >= max(plain.objective[plain.feasible], default=0)


PRODUCTS = """program labs
var s: spin[13]
minimize sum(sum(s[i] * s[i + k] for i in 0..13 - k)^2 for k in 1..13)
"""
SOFT_CUBE = """program p
var x: binary[14]
minimize sum((2 * (i % 3) - 1) * x[i] * x[(i + 3) % 14] * x[(i + 5) % 14] for i in 0..14) - 0.25 * sum(x)
subject to
  few: sum((1 + i % 2) * x[i] for i in 0..14) <= 9
"""


@pytest.mark.parametrize(("text", "least"), [(PRODUCTS, 6.0), (SOFT_CUBE, None)])
def test_products_are_annealed_without_auxiliaries(text: str, least: float | None) -> None:
    compiled = compile(text)
    products = product_program(compiled.module)
    assert products is not None
    rng = np.random.default_rng(1)
    spins = products.model.vartype is Vartype.SPIN
    states = rng.choice([-1, 1] if spins else [0, 1], (50, len(products.moved.free))).astype(np.int8)
    emitted = compiled.module.main.only(ModelOp)
    samples = products.samples(states)
    assert energies_of(emitted, samples) / emitted.scale == pytest.approx(polynomial_energies(products.model, states))
    best = compiled.run(reads=20, seed=1).best
    assert best.feasible
    if least is not None:
        assert best.objective == least  # the sequence of Barker
    else:
        plain = LocalBackend(method=Method.ANNEALING).sample(compiled.module, 20, 1, 1000)
        assert LocalBackend().sample(compiled.module, 20, 1).energies.mean() < plain.energies.mean()


JOBS = """program jobs
data length: int[4, 2] = [[3, 4], [2, 5], [4, 2], [3, 3]]
var start: int[4, 2] in [0, 20]
var first: binary[4, 4, 2]
var end: int in [0, 20]
minimize end
subject to
  chain[j]: start[j, 0] + length[j, 0] <= start[j, 1] for j in 0..4
  last[j]: start[j, 1] + length[j, 1] <= end for j in 0..4
  before[j, k, o]: start[j, o] + length[j, o] <= start[k, o] + 26 * (1 - first[j, k, o])
    for j in 0..4 for k in 0..4 for o in 0..2 if j < k
  after[j, k, o]: start[k, o] + length[k, o] <= start[j, o] + 26 * first[j, k, o]
    for j in 0..4 for k in 0..4 for o in 0..2 if j < k
"""


def test_a_flow_shop_with_start_times_is_solved() -> None:
    """Every weight is proved and far above the objective, which froze all reads in infeasible states."""
    length = [(3, 4), (2, 5), (4, 2), (3, 3)]
    optimum = 20
    for order in itertools.permutations(range(4)):
        first = second = 0
        for job in order:
            first += length[job][0]
            second = max(first, second) + length[job][1]
        optimum = min(optimum, second)
    text = JOBS.replace("\n    for", " for")
    best = compile(text).run(reads=50, seed=1).best
    assert best.feasible
    assert best.objective <= optimum + 1


@pytest.mark.parametrize("text", [EQUATIONS, PRODUCTS])
def test_rounded_models_are_sampled_as_they_were_emitted(text: str) -> None:
    text = text.replace("minimize ", "minimize 0.37 * ")
    rounded = compile(text, level=0, passes={"round-coefficients": {"bits": 2}})
    model = rounded.module.main.only(ModelOp)
    auto = LocalBackend().sample(rounded.module, 20, 1, 500)
    plain = LocalBackend()._anneal(model, Plan(20, 500, 1), None)
    assert np.array_equal(auto.spins, plain.spins)


@pytest.mark.parametrize("text", [JOBS.replace("\n    for", " for"), PRODUCTS])
def test_a_schedule_of_the_program_is_followed(text: str) -> None:
    hot = compile(text + "anneal points([(0, 0), (39, 0.02), (40, 1)])\n", level=0)
    model = hot.module.main.only(ModelOp)
    found = LocalBackend().sample(hot.module, 50, 1, 300)
    cold = LocalBackend().sample(compile(text, level=0).module, 50, 1, 300)
    # Soft reads may end infeasible at any temperature: what is compared is the better half of the reads.
    warm, cool = (np.sort(energies_of(model, part.spins))[:25].mean() for part in (found, cold))
    assert warm > cool


OPENED = """program opened
data arc: int[na, 2]
data w: int[ne]
data b: int[k, n]
var y: binary[ne]
var f: binary[k, na]
minimize sum(w[e] * y[e] for e in 0..ne)
subject to
  flow[q, v]: sum(f[q, a] for a in 0..na if arc[a, 0] == v) - sum(f[q, a] for a in 0..na if arc[a, 1] == v) == b[q, v] for q in 0..k for v in 0..n
  open[q, a]: f[q, a] <= y[a % ne] for q in 0..k for a in 0..na
"""  # noqa: E501


def test_links_that_flows_share_are_opened_as_integer_programming_does() -> None:
    """Penalties of `f <= y` are couplings: as long as those stay hard, the anneal keeps the links it opened first."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    links = np.array([[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [5, 6], [6, 7], [7, 0], [0, 4], [1, 5], [2, 6], [3, 7]])
    arcs, cost = np.concatenate([links, links[:, ::-1]]), np.array([3, 5, 2, 6, 4, 3, 7, 2, 8, 4, 5, 6])
    balance = np.zeros((3, 8), int)
    balance[:, 0], balance[[0, 1, 2], [3, 5, 6]] = 1, -1
    leaves = (arcs[:, 0] == np.arange(8)[:, None]).astype(int) - (arcs[:, 1] == np.arange(8)[:, None])
    flows = np.hstack([np.zeros((24, 12)), np.kron(np.eye(3), leaves)])
    opens = np.hstack([np.tile(-np.eye(12), (6, 1)), np.eye(72)])
    limits = [LinearConstraint(flows, balance.ravel(), balance.ravel()), LinearConstraint(opens, -np.inf, 0)]
    best = milp(np.append(cost, np.zeros(72)), constraints=limits, integrality=1, bounds=Bounds(0, 1))
    found = compile(OPENED, data={"arc": arcs, "w": cost, "b": balance}).run(reads=100, seed=1, sweeps=1500).best
    assert found.feasible
    assert found.objective == pytest.approx(best.fun)

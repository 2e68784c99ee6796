"""Optimizers as step maps: parity with torch.optim.SGD, minibatches, noise, pivots."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from carleman_examples import family, golden, random_map, repeated, saddle, scalar, tanh_unit

from qevo_compiler.analyses.carleman.aposteriori import iterate
from qevo_compiler.analyses.carleman.lift import lift, propagate
from qevo_compiler.analyses.carleman.optimizer import (
    Sampling,
    Sgd,
    batch_objectives,
    batches,
    fold,
    gradient,
    shift,
    step_decay,
    without_rest,
)
from qevo_compiler.analyses.carleman.pivots import jacobian, minimiser
from qevo_compiler.dialects.poly import arithmetic

X = np.array([[0.5, 0.3], [-0.4, -0.2], [0.8, 0.45]])
START = np.array([0.1, 0.05, 0.3])


def samples():
    """Losses of a small polynomial net, (v z^2 + z - y)^2 with z = w x + b, one row a sample."""
    rows = []
    for x, y in X:
        z = family({(1, 0, 0): x, (0, 1, 0): 1.0})
        v = family({(0, 0, 1): 1.0})
        out = arithmetic.add(arithmetic.multiply(v, arithmetic.power(z, 2)), z, arithmetic.constants([-y]))
        rows.append(arithmetic.scale(arithmetic.power(out, 2), 1 / 3))
    return arithmetic.stack(rows)


def by_torch(steps: int, scheduler=None, chosen=None, rate: float = 0.2, **options) -> np.ndarray:
    theta = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    x, y = torch.tensor(X[:, 0]), torch.tensor(X[:, 1])
    optimizer = torch.optim.SGD([theta], lr=rate, **options)
    schedule = scheduler(optimizer) if scheduler else None
    states = [START]
    for t in range(steps):
        rows = slice(None) if chosen is None else torch.tensor(chosen[t])
        optimizer.zero_grad()
        z = theta[0] * x[rows] + theta[1]
        ((theta[2] * z**2 + z - y[rows]) ** 2).mean().backward()
        optimizer.step()
        if schedule:
            schedule.step()
        states.append(theta.detach().numpy().copy())
    return np.array(states)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": 0.05},
        {"momentum": 0.9},
        {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01},
        {"momentum": 0.7, "nesterov": True, "weight_decay": 0.02},
    ],
    ids=str,
)
def test_the_folded_step_is_torchs(options) -> None:
    slope = gradient(arithmetic.total(samples()), 3)
    rates = step_decay(0.2, 20, 6, 0.5)
    steps = fold([slope], np.zeros(20, np.int64), Sgd(rates, **options))
    start = np.concatenate([START, np.zeros(steps.size - 3)])
    expected = by_torch(20, lambda o: torch.optim.lr_scheduler.StepLR(o, 6, 0.5), **options)
    assert iterate(steps, start)[:, :3] == pytest.approx(expected, abs=1e-12)
    damped = "dampening" in options
    assert len(steps.variants) == 4 + damped


@pytest.mark.parametrize("sampling", Sampling)
def test_minibatches_are_torchs_on_the_same_samples(sampling: Sampling) -> None:
    chosen, which = batches(3, 2, 9, sampling, seed=5)
    objectives = batch_objectives(samples(), arithmetic.constants([0.0]), chosen)
    steps = fold([gradient(o, 3) for o in objectives], which, Sgd(step_decay(0.2, 9), momentum=0.5))
    found = iterate(steps, np.concatenate([START, np.zeros(3)]))[:, :3]
    assert found == pytest.approx(by_torch(9, chosen=[chosen[i] for i in which], momentum=0.5), abs=1e-12)


def test_how_batches_are_drawn() -> None:
    parts, which = batches(5, 2, 6, Sampling.CYCLIC, 0)
    assert [part.tolist() for part in parts] == [[0, 1], [2, 3], [4]]
    assert which.tolist() == [0, 1, 2, 0, 1, 2]
    epochs, order = batches(5, 2, 6, Sampling.SHUFFLED, 3)
    assert sorted(np.concatenate(epochs[:3]).tolist()) == sorted(np.concatenate(epochs[3:]).tolist()) == list(range(5))
    assert order.tolist() == list(range(6))
    first, second = (batches(5, 2, 50, Sampling.INDEPENDENT, seed)[1] for seed in (1, 1))
    assert np.array_equal(first, second)
    assert set(first.tolist()) == {0, 1, 2}
    assert [len(p) for p in batches(5, 0, 4, Sampling.CYCLIC, 0)[0]] == [5]


def test_noise_is_added_to_the_parameters_alone_and_follows_its_seed() -> None:
    slope = gradient(arithmetic.total(samples()), 3)
    runs = {}
    for seed in (1, 1, 2):
        rule = Sgd(step_decay(0.2, 4), momentum=0.5, noise=0.01, seed=seed)
        steps = fold([slope], np.zeros(4, np.int64), rule)
        assert len(steps.variants) == 4
        runs.setdefault(seed, []).append(iterate(steps, np.concatenate([START, np.zeros(3)])))
    assert np.array_equal(*runs[1])
    noise = np.random.default_rng(1).normal(0, 0.01, (4, 3))
    clean = fold([slope], np.zeros(4, np.int64), Sgd(step_decay(0.2, 4), momentum=0.5))
    state = np.concatenate([START, np.zeros(3)])
    for t in range(4):
        state = arithmetic.evaluate(clean.variants[0], state) + np.concatenate([noise[t], np.zeros(3)])
    assert runs[1][0][-1] == pytest.approx(state, abs=1e-14)


def test_the_regression_examples_are_exact_at_order_one() -> None:
    """b, b2 and b3 of the specification."""
    x, y = np.array([[1, 0.5], [1, -1], [1, 2], [1, 0]]), np.array([1, -0.5, 2.5, 0.25])
    rows = []
    for (a, b), target in zip(x, y, strict=True):
        residual = family({(1, 0): a, (0, 1): b, (0, 0): -target})
        rows.append(arithmetic.scale(arithmetic.power(residual, 2), 1 / 8))
    losses = arithmetic.stack(rows)
    whole = [gradient(arithmetic.total(losses), 2)]
    parts, which = batches(4, 2, 20, Sampling.CYCLIC, 0)
    halves = [gradient(o, 2) for o in batch_objectives(losses, arithmetic.constants([0.0]), parts)]
    cases = {
        (0.432924998570300, 1.01793831916087): fold(whole, np.zeros(25, np.int64), Sgd(step_decay(0.2, 25))),
        (0.575597236665585, 1.15419287816914, 0.537647148517795, 0.622487483475469): fold(
            whole, np.zeros(25, np.int64), Sgd(step_decay(0.1, 25), momentum=0.9, weight_decay=0.01)
        ),
        (0.431424596664138, 1.01573998425000): fold(halves, which, Sgd(step_decay(0.2, 20))),
    }
    for expected, steps in cases.items():
        lifted = lift(steps, np.zeros(steps.size), 1)
        assert propagate(lifted, lifted.initial, steps.steps)[-1, 1:] == pytest.approx(expected, rel=1e-12)
    plain = lift(next(iter(cases.values())), np.zeros(2), 1).matrices[0].toarray()
    assert plain == pytest.approx(np.array([[1, 0, 0], [0.1625, 0.8, -0.075], [0.3, -0.075, 0.7375]]), abs=1e-15)


def test_shifting_evaluates_about_the_pivot() -> None:
    step, start = random_map(4, constant=True)
    moved = shift(repeated(step, 2), start)
    point = np.linspace(-0.3, 0.4, step.rows)
    expected = arithmetic.evaluate(step, point + start) - start
    assert arithmetic.evaluate(moved.variants[0], point) == pytest.approx(expected, abs=1e-14)
    assert shift(moved, np.zeros(step.rows)) is moved


def test_the_minimiser_is_where_descent_leads_and_no_saddle() -> None:
    steps = repeated(saddle(), 10)
    found = minimiser(steps, [0.3, 0.1])
    assert found.prod() == pytest.approx(0.8, rel=1e-12)
    assert minimiser(repeated(scalar(0, 1.2, 0, 0.1), 5), [1.0]) is None
    expected = golden("d2_tanh3_recentred")["pivot"]
    assert minimiser(repeated(tanh_unit(), 5), [0.1, 0.05]) == pytest.approx(expected, rel=1e-12)


def test_the_jacobian_by_differences() -> None:
    step, start = random_map(9, constant=True)
    h = 1e-6
    columns = [
        (arithmetic.evaluate(step, start + h * e) - arithmetic.evaluate(step, start - h * e)) / (2 * h)
        for e in np.eye(step.rows)
    ]
    assert jacobian(step, start) == pytest.approx(np.array(columns).T, abs=1e-8)


def test_constants_of_rounding_size_are_dropped() -> None:
    steps = repeated(family({(0,): 3e-16, (1,): 0.9}), 3)
    clean, largest = without_rest(steps, 1e-14)
    assert (clean.variants[0].constants().tolist(), largest) == ([0.0], 3e-16)
    assert without_rest(clean, 1e-14) == (clean, 0.0)
    assert without_rest(steps, 1e-17)[0] is steps

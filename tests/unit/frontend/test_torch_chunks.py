"""Training by lifted chunks: errors kept apart, shorter chunks and higher orders are nearer to the truth."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from qevo_compiler.dialects.problem import TrainOp  # noqa: E402
from qevo_compiler.frontend.torch.chunks import train_in_chunks  # noqa: E402
from qevo_compiler.frontend.torch.jet import LiveLoss, descend  # noqa: E402
from qevo_compiler.frontend.torch.load import TracedModel  # noqa: E402


@pytest.fixture(scope="module")
def live() -> LiveLoss:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()
    inputs, targets = torch.randn(30, 3, dtype=torch.float64), torch.randint(0, 2, (30,))
    return LiveLoss.of(TracedModel.from_objects(model, inputs, targets, torch.nn.CrossEntropyLoss()), 0.4)


def test_chunks_cover_all_steps_and_end_at_the_truth(live: LiveLoss) -> None:
    run = train_in_chunks(live, TrainOp(0.3, 10), order=2, every=4)
    assert [(chunk.first, chunk.steps) for chunk in run.chunks] == [(0, 4), (4, 4), (8, 2)]
    assert run.states.shape == run.truth.shape == (11, 10)
    assert np.array_equal(run.truth, descend(live, live.start, TrainOp(0.3, 10)))
    assert run.errors[-1] < 1e-3 * np.linalg.norm(run.truth[-1] - run.truth[0])


def test_the_errors_of_a_chunk_add_up(live: LiveLoss) -> None:
    run = train_in_chunks(live, TrainOp(0.3, 6), order=2, every=6)
    (chunk,) = run.chunks
    gap = run.errors
    assert (gap <= chunk.truncation + chunk.remainder + 1e-14).all()
    assert chunk.truncation[:3] == pytest.approx(0, abs=1e-13)
    assert chunk.truncation[-1] > 1e-9
    assert chunk.remainder[-1] > 1e-9


def test_shorter_chunks_are_nearer(live: LiveLoss) -> None:
    ends = [train_in_chunks(live, TrainOp(0.3, 12), order=2, every=every).errors[-1] for every in (12, 6, 3)]
    assert ends[0] > ends[1] > ends[2]


def test_a_higher_order_truncates_less_and_leaves_the_remainder(live: LiveLoss) -> None:
    low, high = (train_in_chunks(live, TrainOp(0.3, 6), order=order, every=6).chunks[0] for order in (2, 3))
    assert high.truncation[-1] < low.truncation[-1] / 3
    assert np.array_equal(high.remainder, low.remainder)


def test_schedules_and_minibatches_go_on_across_chunks(live: LiveLoss) -> None:
    train = TrainOp(0.3, 7, batch=8, decay_every=3, decay=0.5)
    run = train_in_chunks(live, train, order=3, every=2)
    assert run.errors[-1] < 2e-3 * np.linalg.norm(run.truth[-1] - run.truth[0])


def test_the_period_is_that_of_the_growth_proxy(live: LiveLoss) -> None:
    run = train_in_chunks(live, TrainOp(0.5, 9), order=2, most=5)
    for chunk in run.chunks:
        assert chunk.steps == min(chunk.spectrum.period(0.5, 5), 9 - chunk.first)


def test_momentum_is_refused(live: LiveLoss) -> None:
    with pytest.raises(ValueError, match="momentum"):
        train_in_chunks(live, TrainOp(0.1, 4, momentum=0.9), order=2)

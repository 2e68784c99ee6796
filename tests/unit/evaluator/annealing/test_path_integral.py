"""Path-integral annealing as a whole: ground states, reverse annealing, schedules on a device's curves, watches."""

from __future__ import annotations

import numpy as np
import pytest
from annealing_support import all_states, random_model

from qevo_compiler.evaluator.annealing.energies import energies
from qevo_compiler.evaluator.annealing.model import SpinModel
from qevo_compiler.evaluator.annealing.path_integral import (
    actions,
    along_drive,
    default_drive,
    path_integral,
    worldlines,
)
from qevo_compiler.evaluator.annealing.runs import Watch
from qevo_compiler.evaluator.statevector.drive import Drive


@pytest.mark.parametrize("integer", [True, False])
@pytest.mark.parametrize("slices", [4, 12])
def test_the_default_drive_finds_ground_states(slices: int, integer: bool) -> None:
    for seed in range(4):
        model = random_model(12, 0.6, seed, integer)
        a, b, beta = default_drive(model, 200, slices)
        found = energies(model, path_integral(model, a, b, 16, seed, slices=slices, beta=beta, threads=1))
        lowest = energies(model, all_states(12)).min()
        assert np.isclose(found.min(), lowest, rtol=0, atol=1e-9)
        assert np.isclose(found, lowest, rtol=0, atol=1e-9).mean() >= 0.5


def test_what_is_returned_is_a_local_minimum_no_higher_than_any_slice() -> None:
    model = random_model(40, 0.2, 1)
    a, b = np.full(5, 2.0), np.full(5, 0.5)
    lines = worldlines(model, a, b, 20, 3, slices=8, threads=1)
    found = path_integral(model, a, b, 20, 3, slices=8, threads=1)
    slices = energies(model, lines.reshape(-1, 40)).reshape(20, 8)
    assert (energies(model, found) <= slices.min(axis=1)).all()
    fields = model.fields + found @ (model.dense.matrix.astype(np.float64) * model.unit)
    assert (found * fields <= 0).all()
    assert len(np.unique(lines.reshape(-1, 40), axis=0)) > 100


def test_a_reverse_anneal_stays_near_its_state_when_it_barely_turns() -> None:
    model = random_model(60, 0.1, 2, integer=False)
    a, b, beta = default_drive(model, 300)
    start = path_integral(model, a, b, 1, 1, beta=beta, threads=1)
    back = np.concatenate([a[:150:-1], a[150:]])
    forth = np.concatenate([b[:150:-1], b[150:]])
    overlaps = []
    for s in (0.02, 1.0):
        lines = worldlines(
            model, a[-1] + s * (back - a[-1]), 1 - s * (1 - forth), 32, 5, beta=beta, initial=start, threads=1
        )
        overlaps.append(float((lines.astype(np.int64) @ start[0]).mean() / 60))
    assert overlaps[0] > 0.9
    assert overlaps[1] < overlaps[0]


def test_without_a_transverse_field_slices_stay_together_and_worldlines_anneal() -> None:
    model = random_model(30, 0.3, 4)
    lines = worldlines(model, np.zeros(100), np.linspace(0.1, 1, 100), 32, 2, beta=4.0, threads=1)
    assert (lines == lines[:, :1]).all()
    ends = energies(model, lines[:, 0])
    starts = energies(model, worldlines(model, [0.0], [0.0], 32, 2, threads=1)[:, 0])
    assert ends.mean() < starts.mean() - 30


def test_a_device_s_curves_at_even_times() -> None:
    drive = Drive(np.array([0.0, 0.5, 1.0]), np.array([8.0, 2.0, 0.0]), np.array([0.0, 4.0, 10.0]))
    a, b = along_drive([0.0, 10.0], [0.0, 1.0], drive, 5)
    assert a.tolist() == [4.0, 2.5, 1.0, 0.5, 0.0]
    assert b.tolist() == [0.0, 1.0, 2.0, 3.5, 5.0]
    # Reverse: from s = 1 to 1/2 and back; a single sweep is the end.
    a, b = along_drive([0.0, 1.0, 2.0], [1.0, 0.5, 1.0], drive, 3)
    assert a.tolist() == [0.0, 1.0, 0.0]
    assert b.tolist() == [5.0, 2.0, 5.0]
    assert [x.tolist() for x in along_drive([0.0, 1.0], [0.0, 1.0], drive, 1)] == [[0.0], [5.0]]


def test_the_action_s_numbers() -> None:
    model = random_model(5, 1.0, 3)
    slopes, bonds = actions(model, [0.7, 0.0], [0.4, 1.0], 8, 2.5)
    assert np.allclose(slopes * np.log(2) / 2 / model.unit, [2.5 * 0.4 / 8, 2.5 / 8], rtol=1e-6)
    assert np.isclose(bonds[0] * np.log(2) / 2, -0.5 * np.log(np.tanh(2.5 * 0.7 / 8)), rtol=1e-6)
    assert bonds[1] > 50
    assert np.isfinite(bonds[1])


@pytest.mark.parametrize(
    ("transverse", "problem", "slices", "beta", "word"),
    [
        ([1.0], [1.0, 2.0], 4, 1.0, "sweep"),
        ([1.0], [1.0], 6, 1.0, "multiple of 4"),
        ([1.0], [1.0], 0, 1.0, "multiple of 4"),
        ([-1.0], [1.0], 4, 1.0, "negative"),
        ([1.0], [1.0], 4, -1.0, "negative"),
    ],
)
def test_wrong_schedules(transverse: list[float], problem: list[float], slices: int, beta: float, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        path_integral(random_model(3, 1.0, 1), transverse, problem, 2, slices=slices, beta=beta)


def test_nothing_to_anneal() -> None:
    none = np.zeros(0, np.int32)
    empty = SpinModel.from_pairs(np.zeros(0), none, none, np.zeros(0))
    assert path_integral(empty, [1.0], [1.0], 3).shape == (3, 0)
    assert path_integral(random_model(4, 1.0, 1), [1.0], [1.0], 0).shape == (0, 4)
    assert path_integral(random_model(4, 1.0, 1), [], [], 2).shape == (2, 4)
    a, b, beta = default_drive(SpinModel.from_pairs(np.zeros(3), none, none, np.zeros(0)), 1)
    assert np.isclose(a[0], 0.007)
    assert b[0] == 1.0
    assert beta > 0


def test_a_watch_sees_the_run_and_ends_it() -> None:
    model, seen = random_model(200, 0.05, 1), []
    sweeps = np.ones(40_000)
    path_integral(model, sweeps[:20_000], sweeps[:20_000], 16, watch=Watch(progress=seen.append), threads=1)
    assert len(seen) > 2
    assert np.isclose(seen[-1], 1.0)
    calls: list[float] = []
    watch = Watch(progress=calls.append, interrupted=lambda: True)
    found = path_integral(model, sweeps, sweeps, 16, watch=watch, threads=1)
    assert len(calls) == 1
    assert found.shape == (16, 200)

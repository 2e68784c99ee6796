"""Shares and means of shots: SciPy's intervals, weights by counts, and what `run` and `decode_counts` give."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binomtest

import qevo_compiler
from qevo_compiler.backends.statevector import probabilities
from qevo_compiler.decode.shots import Share
from qevo_compiler.dialects.gate import CircuitOp

TEXT = """program held
var x: binary[3]
maximize 2 * x[0] + x[1] + x[2]
subject to
  few: x[0] + x[1] <= 1
"""


def compiled(target="openqasm3"):
    return qevo_compiler.compile(TEXT, target=target, level=0)


@pytest.mark.parametrize(("count", "of"), [(0, 10), (3, 10), (10, 10), (1, 1), (450, 1000)])
def test_intervals_are_wilsons(count, of):
    expected = binomtest(count, of).proportion_ci(0.95, method="wilson")
    assert Share(count, of).interval == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_counts_weigh():
    program = compiled()
    width = program.decoder.size
    up, down = "0" * width, "1" * width
    shots = program.decode_counts({up: 3, down: 1}).shots
    # All qubits at 0 are all spins up: every x is 1, which breaks the constraint.
    assert shots.count == 4
    assert shots.objective == pytest.approx((3 * 4 + 0) / 4)
    assert shots.error == pytest.approx(np.std([4, 4, 4, 0], ddof=1) / 2)
    assert (shots.feasible.count, shots.best.count) == (1, 1)


def test_a_run_agrees_with_the_exact_expectation_and_prints_it(capsys, tmp_path):
    program = compiled()
    result = program.run(reads=4000, seed=2)
    every = 1 - 2 * ((np.arange(2**program.decoder.size)[:, None] >> np.arange(program.decoder.size)[::-1]) & 1)
    decoded = program.decoder.decode(every)
    chances = probabilities(program.module.main.only(CircuitOp))
    assert abs(result.shots.objective - chances @ decoded.objective) < 4 * result.shots.error
    low, high = result.shots.feasible.interval
    assert low - 0.01 < chances[decoded.feasible].sum() < high + 0.01
    assert json.loads(json.dumps(result.to_json()))["shots"]["error"] == result.shots.error

    from qevo_compiler.cli.main import main

    (tmp_path / "held.qevo").write_text(TEXT)
    assert main(["run", str(tmp_path / "held.qevo"), "--target=openqasm3", "--seed=2"]) == 0
    assert "mean objective" in capsys.readouterr().out


def test_reads_of_an_annealer_are_no_shots():
    result = compiled("dwave").run(reads=10)
    assert result.shots is None
    assert "shots" not in result.to_json()


def test_one_shot_has_no_spread():
    program = compiled()
    shots = program.decode_counts({"0" * program.decoder.size: 1}).shots
    assert (shots.error, shots.best.value) == (0.0, 1.0)


def test_without_constraints_nothing_is_said_of_feasible_shots():
    program = qevo_compiler.compile("program free\nvar s: spin[2]\nminimize s[0] * s[1]\n", target="openqasm3", level=0)
    shots = program.run(reads=10).shots
    assert shots.feasible is None
    assert "feasible" not in shots.to_json()
    assert "feasible" not in str(shots)

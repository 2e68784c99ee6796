"""`qevoc eval` at every stage: each answer against another way to compute it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from quantum_support import circuit, outcome_probabilities, program

from qevo_compiler.cli.main import main
from qevo_compiler.dialects.gate import Gate
from qevo_compiler.driver import compile, lower_linear
from qevo_compiler.evaluation import evaluate_module

TEXT = """program small
var x: binary[3]
var k: int in [0, 3]
minimize 2 * x[0] * x[1] * x[2] - 3 * x[0] * k + x[1]
subject to
  fits: x[0] + x[1] + k <= 3
"""


def at_stage(folder: Path, text: str, stage: str, capsys: pytest.CaptureFixture[str]) -> Path:
    source = folder / "p.qevo"
    source.write_text(text)
    assert main(["compile", str(source), "-O0", "--stop-after", stage]) == 0
    lowered = folder / f"{stage}.qir"
    lowered.write_text(capsys.readouterr().out)
    return lowered


def evaluated(path: Path, capsys: pytest.CaptureFixture[str], **inputs: object) -> dict[str, object]:
    given = path.with_suffix(".json")
    given.write_text(json.dumps(inputs))
    assert main(["eval", str(path), "--inputs", str(given)]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_stage_of_a_problem_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = compile(TEXT, level=0)
    size = model.decoder.size
    spins = np.array(list(itertools.product((-1, 1), repeat=size)))[:: max(1, 2**size // 200)]
    expected = model.bqm.energies((spins, range(size)))
    bits = (spins + 1) // 2
    filled = model.decoder.recompute_auxiliaries(spins.astype(np.int8))
    right = (filled == spins).all(axis=1)
    for stage in ("penalize-constraints", "quadratize", "binary-to-spin"):
        lowered = at_stage(tmp_path, TEXT, stage, capsys)
        for kind, states in (("bits", bits), ("spins", spins)):
            kept = size if stage != "penalize-constraints" else size - (filled.shape[1] - _unreduced(model))
            found = np.array(evaluated(lowered, capsys, **{kind: states[:, :kept].tolist()})["energies"])
            # Before quadratization there are no auxiliaries; after it their states count.
            same = right if stage == "penalize-constraints" else np.ones(len(found), bool)
            assert found[same] == pytest.approx(expected[same])


def _unreduced(model: object) -> int:
    from qevo_compiler.dialects.ising import RegisterOp, Role

    registers = model.module.main.ops_of(RegisterOp)  # type: ignore[attr-defined]
    return sum(r.count for r in registers if r.role is not Role.AUXILIARY)


def test_one_state_and_bad_states(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lowered = at_stage(tmp_path, "program p\nvar s: spin[2]\nminimize s[0] * s[1]\n", "binary-to-spin", capsys)
    assert evaluated(lowered, capsys, spins=[1, -1]) == {"energies": [-1.0]}
    for bad in ({}, {"spins": [1, 0]}, {"spins": [[1, 1, 1]]}, {"s": [1, 1]}):
        given = tmp_path / "bad.json"
        given.write_text(json.dumps(bad))
        assert main(["eval", str(lowered), "--inputs", str(given)]) == 1
        assert '"spins"' in capsys.readouterr().err


def test_a_circuit_gives_its_probabilities() -> None:
    op = circuit(3, (Gate.RX, 0, 1.0), (Gate.CX, 0, 1), (Gate.RY, 2, 0.4))
    found = evaluate_module(program(op), {})["probabilities"]
    expected = outcome_probabilities(op)
    for outcome, chance in found.items():
        assert chance == pytest.approx(expected[int(outcome, 2)], abs=1e-6)
    assert sum(found.values()) == pytest.approx(1)
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_a_lift_gives_its_trajectory_beside_the_optimizers() -> None:
    source = Path(__file__).parents[2] / "examples" / "carleman" / "a1_quartic.qevo"
    found = evaluate_module(lower_linear(source), {})
    x, expected = 0.5, [0.5]
    for _ in range(50):
        x -= 0.1 * (x + x**3)
        expected.append(x)
    assert found["symbols"] == ["x"]
    assert np.ravel(found["optimizer"]) == pytest.approx(expected)
    # The specification's value of order 5 after 50 steps.
    assert found["lifted"][-1] == pytest.approx([0.00227410063524761], rel=1e-12)


def test_tensors_and_polynomials_at_a_point(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lowered = at_stage(tmp_path, TEXT, "expand-polynomials", capsys)
    found = evaluated(lowered, capsys, x=[1, 1, 1], k=2)
    assert found["objective"] == 2 - 6 + 1

"""Running linear programs: golden errors an order, circuits and boxes beside them, read-out within its deviation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qevo_compiler import CompileError
from qevo_compiler.cli.main import main
from qevo_compiler.driver import Options, lower, lower_linear
from qevo_compiler.frontend.load import import_source
from qevo_compiler.runtime.linear_run import LinearOptions, run_linear

EXAMPLES = Path(__file__).parents[3] / "examples"
CARLEMAN = EXAMPLES / "carleman"
# Specification, section 7: errors by order, bounds A and B.
A1 = {
    1: (3.157825e-04, 4.712e-04, 2.487e-01),
    3: (6.094544e-05, 9.444e-05, 6.218e-02),
    5: (1.299554e-05, 2.05e-05, 1.554e-02),
}
D1_RECENTRED = {2: 3.55e-05, 3: 5.09e-07}


def run(path: Path, passes=None, **options):
    return run_linear(lower_linear(path, passes=passes), LinearOptions(**options))


def test_the_errors_and_bounds_of_a1_by_order() -> None:
    found = run(CARLEMAN / "a1_quartic.qevo").to_json()
    assert found["status"] == "certified"
    assert found["flags"]["class"] == "full"
    assert found["flags"]["r_d"] == pytest.approx(0.5)
    rows = {row["order"]: row for row in found["orders"]}
    assert sorted(rows) == [1, 2, 3, 4, 5]
    for order, (error, a, b) in A1.items():
        assert rows[order]["error"] == pytest.approx(error, rel=5e-7)
        assert rows[order]["bound_a"] == pytest.approx(a, rel=5e-4)
        assert rows[order]["bound_b"] == pytest.approx(b, rel=5e-4)
    assert found["optimizer"]["x"] == pytest.approx(0.00226110509385761, rel=1e-12)
    assert found["lifted"]["x"] == pytest.approx(0.00227410063524761, rel=1e-12)


def test_reuploads_run_the_whole_loop() -> None:
    found = run(CARLEMAN / "d1_reupload.qevo").to_json()
    rows = {row["order"]: row for row in found["orders"]}
    for order, error in D1_RECENTRED.items():
        assert rows[order]["error"] == pytest.approx(error, rel=5e-3)
        assert rows[order]["error"] <= rows[order]["loop_bound"]
    assert found["steps"] == 30


def test_a_divergent_lift_needs_force_and_is_flagged() -> None:
    with pytest.raises(CompileError, match="Q0615"):
        run(CARLEMAN / "a5_double_well.qevo")
    found = run(CARLEMAN / "a5_double_well.qevo", {"carleman-truncation": {"force": True}}).to_json()
    assert found["status"] == "divergent"
    assert found["flags"]["divergent_modes"] == 1
    assert found["error"] == pytest.approx(50.541, rel=1e-3)
    assert any("forced" in entry["note"] for entry in found["ledger"])


def test_moments_say_what_they_are() -> None:
    report = run(CARLEMAN / "b4_moments.qevo", {"carleman-truncation": {"moments": True}})
    mean = report.to_json()["lifted"]
    assert list(mean.values()) == pytest.approx([0.447062664772804, 0.943410050269557], rel=1e-12)
    assert any("Expected values" in sentence for sentence in report.verdict())


def compiled(name: str, target: str, **passes):
    imported = import_source(EXAMPLES / "linear" / f"{name}.qevo")
    return lower(imported, Options(target, passes={key.replace("_", "-"): value for key, value in passes.items()}))


def test_a_circuit_is_simulated_against_the_solution() -> None:
    program = compiled("line_step", "openqasm3")
    report = run_linear(program.module, LinearOptions())
    found = report.to_json()["circuit"]
    assert found["overlap"] >= 1 - 1e-4
    assert found["relative_error"] <= 0.01
    assert found["final"]["x"] == pytest.approx(0.5 + 0.4 * 0.5, abs=0.02)
    entry = next(e for e in program.ledger if e.stage == "history-to-circuit" and e.quantity == "success probability")
    assert found["success_probability"] == pytest.approx(entry.value, rel=0.03)


@pytest.mark.parametrize("target", ["dwave", "qubo"])
def test_annealing_reaches_the_lifted_solution(target: str) -> None:
    program = compiled("quartic_short", target, history_least_squares={"bits": 2})
    found = run_linear(program.module, LinearOptions(rounds=45)).to_json()
    annealed = found["annealing"]
    assert annealed["unknowns"] == 6
    assert annealed["distance_from_lifted"] < 1e-8
    assert annealed["final"]["x"] == pytest.approx(found["lifted"]["x"], abs=1e-8)


def test_shots_read_values_signs_and_scale_within_their_deviation() -> None:
    """Half of the coordinates negative at the end; three deviations for each of ten seeds."""
    text = (
        "program p\nparam w: real[4] = [0.5, -0.4, 0.3, -0.5]\nminimize sum(w^2) / 2 + 0.3 * w[0] * w[2]\n"
        "train sgd(rate = 0.1, steps = 2)\nlinearize carleman(order = 1)\n"
    )
    module = lower_linear(text, passes={"history-system": {"padding": 3}})
    for seed in range(0, 20, 2):
        report = run_linear(module, LinearOptions(shots=200_000, seed=seed))
        read = report.read_out
        assert read is not None
        exact = report.found.run.states[-1]
        assert read.by_constant
        assert read.decided.all()
        assert (np.sign(read.values) == np.sign(exact)).all()
        assert (np.abs(read.values - exact) <= 4 * read.deviation).all()
        assert read.error <= 3 * float(np.linalg.norm(read.deviation))


def test_without_the_constant_the_scale_is_the_computed_norm() -> None:
    module = lower_linear(CARLEMAN / "a1_quartic.qevo", passes={"carleman-truncation": {"constant": False}})
    read = run_linear(module, LinearOptions(shots=1_000_000)).read_out
    assert read is not None
    assert not read.by_constant


@pytest.mark.parametrize("options", [{"shots": 0}, {"rounds": 0}, {"reads": 0}])
def test_wrong_counts_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(CompileError, match="Q085"):
        run(EXAMPLES / "linear" / "line_step.qevo", **options)


def test_the_command_prints_json_and_writes_plot_and_report(tmp_path, capsys) -> None:
    source = str(EXAMPLES / "linear" / "quartic_short.qevo")
    assert main(["run", source, "--json", "--shots", "1000", "-o", str(tmp_path)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "quartic_short.report.json").read_text())
    assert printed["task"] == "linearize"
    assert printed["read_out"]["shots"] == 1000
    assert (tmp_path / "quartic_short.trajectory.svg").read_text().startswith("<svg")


def test_the_command_runs_circuits_from_source_and_from_a_folder(tmp_path, capsys) -> None:
    source = str(EXAMPLES / "linear" / "line_step.qevo")
    assert main(["compile", source, "--target=cirq", "-o", str(tmp_path), "--verify"]) == 0
    capsys.readouterr()
    assert main(["run", str(tmp_path)]) == 0
    from_folder = capsys.readouterr().out
    assert main(["run", source, "--target=cirq", "--verify"]) == 0
    assert "has overlap 0.9999" in from_folder
    assert "has overlap 0.9999" in capsys.readouterr().out


def test_force_on_the_command_line(capsys) -> None:
    source = str(CARLEMAN / "a5_double_well.qevo")
    assert main(["run", source]) == 1
    assert main(["run", source, "--force"]) == 0
    assert "1 divergent" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--target=cirq"], ["--target=dwave"]])
@pytest.mark.filterwarnings("error")
def test_an_optimizer_that_overflows_is_said_in_diagnostics(arguments, tmp_path, capsys) -> None:
    source = tmp_path / "far.qevo"
    training = "train sgd(rate = 3, steps = 50)\nlinearize carleman(order = 5)\n"
    source.write_text(f"program far\nparam x: real = 0.5\nminimize x^2 / 2 + x^4 / 4\n{training}")
    code = main(["run", str(source), "--force", *arguments])
    captured = capsys.readouterr()
    assert (code, "divergent" in captured.out) == (0, True) if not arguments else code == 1
    assert not arguments or "error[Q06" in captured.err

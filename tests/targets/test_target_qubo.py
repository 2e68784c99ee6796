"""The target `qubo`: every format holds the compiled model, runs and decodes again, and refuses what it cannot hold."""

from __future__ import annotations

import json
from pathlib import Path

import dimod
import numpy as np
import pytest

from qevo_compiler import compile, load
from qevo_compiler.cli.main import main
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import ising
from qevo_compiler.interchange import read_model
from qevo_compiler.targets.qubo import QuboFormat

EXAMPLES = Path(__file__).parents[2] / "examples"
FORMATS = [form.value for form in QuboFormat if form is not QuboFormat.OMMX]
# Spins, a product of three, an inequality with slack: every kind of register becomes bits.
MIXED = """program mixed
var s: spin[3]
var k: int in [0, 5]
minimize s[0] * s[1] * s[2] + 0.3 * k - s[0] * k + 2.25
subject to
  room: k + s[1] <= 3
"""


@pytest.mark.parametrize("form", FORMATS)
def test_a_written_program_loads_runs_and_decodes(form: str, tmp_path: Path) -> None:
    program = compile(MIXED, target="qubo", format=form)
    program.write(tmp_path)
    again = load(tmp_path)
    assert again.module.main.only(ising.QuboOp) == program.module.main.only(ising.QuboOp)
    best, reference = again.run(reads=20, seed=1).best, compile(MIXED).run(reads=20, seed=1).best
    assert best.feasible
    assert best.objective == pytest.approx(reference.objective)
    assert best.energy == pytest.approx(reference.energy)
    assert {name: content for name, content in program.files.items() if name.endswith(form)} == {
        path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name.endswith(form)
    }


def test_the_bits_have_the_energies_of_the_spins() -> None:
    bits = compile(MIXED, target="qubo", format="bqm")
    written = dimod.BinaryQuadraticModel.from_file(bits.files["mixed.bqm"])
    spins = compile(MIXED, target="dwave")
    scale = spins.module.main.only(ising.ModelOp).scale
    points = np.random.default_rng(0).integers(0, 2, (50, written.num_variables))
    found = written.energies((points, range(written.num_variables)))
    np.testing.assert_allclose(found, spins.bqm.energies((2 * points - 1, range(points.shape[1]))) / scale, atol=1e-9)
    np.testing.assert_allclose(found, bits.bqm.energies((2 * points - 1, range(points.shape[1]))), atol=1e-9)


def test_the_manifest_states_the_bits(tmp_path: Path) -> None:
    program = compile(MIXED, target="qubo", format="coo")
    record = json.loads(program.files["mixed.manifest.json"])
    model = program.module.main.only(ising.QuboOp)
    assert record["model"] == {
        "bits": model.size,
        "products": model.quadratic.size,
        "offset": model.offset,
        "scale": 1.0,
    }
    assert record["options"]["target"] == {"format": "coo"}


@pytest.mark.parametrize("stop", ["expand-polynomials", "penalize-constraints", "quadratize", "binary-to-spin"])
def test_ir_at_any_stage_becomes_the_same_file(stop: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = str(EXAMPLES / "knapsack.qevo")
    assert main(["compile", source, "--stop-after", stop]) == 0
    (tmp_path / "knapsack.qir").write_text(capsys.readouterr().out)
    assert main(["compile", str(tmp_path / "knapsack.qir"), "--target=qubo", "-o", str(tmp_path / "a")]) == 0
    assert main(["compile", source, "--target=qubo", "-o", str(tmp_path / "b")]) == 0
    first, second = ((tmp_path / folder / "knapsack.coo").read_bytes() for folder in "ab")
    assert read_model(first, "coo") == read_model(second, "coo")


def test_a_changed_format_option_and_a_damaged_file_are_diagnosed(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="Q0504"):
        compile(MIXED, target="qubo", format="mps")
    program = compile(MIXED, target="qubo", format="lp")
    content = program.files["mixed.lp"]
    with pytest.raises(CompileError, match="Q0815"):
        program.target.read({})
    with pytest.raises(CompileError, match="Q0815"):
        program.target.read({"lp": content.replace(b"Minimize", b"Maximize")})
    with pytest.raises(CompileError, match="Q0908"):
        program.target.read({"lp": content[:-5]})


def test_explanations_and_report_work(tmp_path: Path) -> None:
    folder = str(tmp_path / "out")
    source = str(EXAMPLES / "knapsack.qevo")
    page = tmp_path / "page.html"
    assert main(["compile", source, "--target=qubo", "-o", folder, "--verify", "--report", str(page)]) == 0
    assert page.stat().st_size > 1000
    assert load(folder).explain("s0,s1")[0].startswith("coupling of s0 and s1")


@pytest.mark.parametrize("form", FORMATS)
def test_a_program_without_bits_has_no_file(form: str) -> None:
    with pytest.raises(CompileError, match="Q0922"):
        compile("program fixed\nvar k: int in [3, 3]\nminimize 2 * k\n", target="qubo", format=form)

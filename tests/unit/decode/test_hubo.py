"""The polynomial before quadratization: read back by dimod, from the command and from the program."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import dimod
import numpy as np
import pytest

from qevo_compiler.cli.main import main
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects.ising import ModelOp
from qevo_compiler.driver import compile
from qevo_compiler.loading import load

TEXT = """program routes
var x: binary[2, 2]
var k: int in [1, 4]
minimize 3 * x[0, 0] * x[0, 1] * x[1, 0] * x[1, 1] - 2 * x[0, 1] * k^2 + k
subject to
  fits: 2 * x[0, 0] + 3 * x[0, 1] + k <= 5
"""


def read_back(text: str) -> tuple[dimod.BinaryPolynomial, dict[str, Any]]:
    found = json.loads(text)
    terms: dict[tuple[str, ...], float] = {(): found["offset"]}
    for block in found["terms"]:
        members = np.array(block["variables"]).reshape(-1, block["degree"])
        assert len(members) == len(block["coefficients"])
        for row, value in zip(members.tolist(), block["coefficients"], strict=True):
            terms[tuple(found["variables"][i] for i in row)] = value
    return dimod.BinaryPolynomial(terms, found["vartype"]), found


def compiled_text(folder: Path, text: str, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    source = folder / "p.qevo"
    source.write_text(text)
    assert main(["compile", str(source), "--emit", "hubo", *options]) == 0
    return capsys.readouterr().out


def test_dimod_reads_back_what_the_command_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    polynomial, found = read_back(compiled_text(tmp_path, TEXT, capsys))
    names = found["variables"]
    assert names[:4] == ["x[0, 0]", "x[0, 1]", "x[1, 0]", "x[1, 1]"]
    assert [name.rpartition(".")[0] for name in names[4:]] == ["k", "k", "fits.slack", "fits.slack", "fits.slack"]
    program = compile(TEXT, level=0)
    values = np.array(list(itertools.product((0, 1), repeat=len(names))))
    energies = polynomial.energies((values, names))
    spins = np.zeros((len(values), program.decoder.size), np.int8)
    spins[:, : len(names)] = values
    decoded = program.decoder.decode(program.decoder.recompute_auxiliaries(2 * spins - 1))
    assert decoded.energy is not None
    np.testing.assert_allclose(energies, decoded.energy / program.module.main.only(ModelOp).scale, atol=1e-9)
    assert polynomial.degree == 4


def test_the_program_knows_its_polynomial_also_when_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = compiled_text(tmp_path, TEXT, capsys)
    program = compile(TEXT)
    program.write(tmp_path / "out")
    for found in (program.hubo(), load(tmp_path / "out").hubo()):
        assert b"".join(found.chunks()).decode() == written
        assert found.to_dimod() == read_back(written)[0]


def test_spins_stay_spins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "program s\nvar s: spin[3]\nminimize 2 * s[0] * s[1] - s[2] + 1\n"
    polynomial, found = read_back(compiled_text(tmp_path, text, capsys))
    assert found["vartype"] == "SPIN"
    wanted = dimod.BinaryPolynomial({("s[0]", "s[1]"): 2.0, ("s[2]",): -1.0, (): 1.0}, "SPIN")
    assert polynomial == wanted
    assert compile(text).hubo().to_dimod() == wanted


def test_a_program_without_an_objective_has_no_terms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = read_back(compiled_text(tmp_path, "program e\nvar x: binary\nminimize x - x\n", capsys))
    assert (found["variables"], found["terms"], found["offset"]) == (["x"], [], 0.0)


def test_it_needs_a_pipeline_that_quadratizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "p.qevo"
    source.write_text(TEXT)
    assert main(["compile", str(source), "--stop-after", "binary-to-spin"]) == 0
    lowered = tmp_path / "p.qir"
    lowered.write_text(capsys.readouterr().out)
    for arguments in ([str(source), "--stop-after", "penalize-constraints"], [str(lowered)]):
        assert main(["compile", *arguments, "--emit", "hubo"]) == 1
        assert "Q0011" in capsys.readouterr().err


def test_circuits_read_from_files_have_no_polynomial(tmp_path: Path) -> None:
    compile("program c\nvar x: binary[2]\nminimize x[0] * x[1]\n", target="openqasm3").write(tmp_path)
    with pytest.raises(CompileError, match="Q0015"):
        load(tmp_path).hubo()

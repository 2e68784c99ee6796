"""The decoded ground state of the emitted BQM is the program's brute-force optimum."""

from __future__ import annotations

import json

import dimod
import numpy as np
import pytest
from random_programs import RandomProgram, random_program

from qevo_compiler import CompiledProgram, CompileError, compile

CHUNKS, CHUNK = 20, 25
ENUMERABLE = 18


def ground_state(bqm: dimod.BinaryQuadraticModel) -> np.ndarray:
    """A spin vector of least energy, by enumeration; built without anything of the compiler."""
    h, (rows, columns, couplings), _ = bqm.to_numpy_vectors(sort_indices=True)
    n = len(h)
    spins = 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(np.int8) - 1
    energies = spins @ h
    for i, j, coupling in zip(rows, columns, couplings, strict=True):
        energies += coupling * (spins[:, i] * spins[:, j])
    return spins[int(np.argmin(energies))]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_ground_state_is_the_brute_force_optimum(chunk: int) -> None:
    solved, seed = 0, 100_000 * chunk
    while solved < CHUNK:
        seed += 1
        source = random_program(seed)
        optimum = source.optimum()
        if optimum is None:
            _check_infeasible(source)
            continue
        program = compile(source.text(), target="dwave")
        bqm = dimod.BinaryQuadraticModel.from_serializable(json.loads(program.files["random.bqm.json"]))
        if len(bqm) > ENUMERABLE:
            continue
        answer = program.decode(ground_state(bqm))
        assert answer.feasible, source.text()
        assert answer.objective == pytest.approx(optimum, abs=1e-9), source.text()
        built = compile(source.problem(), target="dwave")
        assert program_files(built) == program_files(program), source.text()
        solved += 1


def _check_infeasible(source: RandomProgram) -> None:
    """Nothing is feasible: either a diagnostic says so or the answer does."""
    try:
        bqm = (program := compile(source.text(), target="dwave")).bqm
    except CompileError:
        return
    if len(bqm) <= ENUMERABLE:
        assert not program.decode(ground_state(bqm)).feasible, source.text()


def program_files(program: CompiledProgram) -> dict[str, bytes]:
    """All files, the manifest without source locations."""
    files = dict(program.files)
    manifest = json.loads(files.pop("random.manifest.json"))
    manifest.pop("source")
    return {**files, "manifest": json.dumps(manifest, sort_keys=True).encode()}

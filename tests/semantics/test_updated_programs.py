"""A program updated with new numbers emits the bytes that compiling them would, or says what changed."""

from __future__ import annotations

import random
import re

import pytest
from random_programs import random_program

from qevo_compiler import CompiledProgram, CompileError, compile

CHUNKS, CHUNK = 4, 20
_NUMBER = re.compile(r"(?<![\w.\[])\d+(?= \*)|(?<=[<>=]= )\d+")


def files(program: CompiledProgram) -> dict[str, bytes]:
    """All but the manifest, which has the text's digest."""
    return {name: content for name, content in program.files.items() if not name.endswith("manifest.json")}


def changed(text: str, rng: random.Random) -> str:
    """Other coefficients and bounds here and there; declarations stay."""

    def other(found: re.Match[str]) -> str:
        return str(max(1, int(found[0]) + rng.choice([-1, 0, 1])))

    lines = text.split("\n")
    stated = lines.index("subject to") if "subject to" in lines else len(lines)
    first = next((k for k, line in enumerate(lines) if line.startswith(("minimize", "maximize"))), stated)
    return "\n".join(line if k < first else _NUMBER.sub(other, line) for k, line in enumerate(lines))


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_updated_equals_compiled(chunk: int) -> None:
    rng, seed, same, moved = random.Random(chunk), 50_000 * chunk, 0, 0
    while same < CHUNK:
        seed += 1
        old = random_program(seed).text()
        new = changed(old, rng)
        options = {"level": rng.choice([0, 1, 2]), "target": rng.choice(["dwave", "qubo"])}
        try:
            program, wanted = compile(old, **options), compile(new, **options)
        except CompileError:
            continue
        try:
            found = program.update(new)
        except CompileError as error:
            if [diagnostic.code for diagnostic in error.diagnostics] != ["Q0668"]:
                raise
            moved += 1
            continue
        assert files(found) == files(wanted), (old, new)
        same += old != new
    assert moved < same

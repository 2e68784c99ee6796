"""What is said of a program's size before its couplings are made."""

from __future__ import annotations

import pytest

from qevo_compiler import CompileError, compile
from qevo_compiler.dialects.ising import ModelOp
from qevo_compiler.evaluator.terms import memory
from qevo_compiler.passes.penalty import size_estimate

DENSE = "program d\nvar x: binary[N]\nminimize sum(i % 3 * x[i] for i in 0..N)\nsubject to\n  c: sum(x) == 3\n"
TWO = DENSE + "  d: sum((1 + i % 2) * x[i] for i in 0..N) <= 5\n"
SQUARE = "program s\nvar x: binary[N]\nminimize (sum(x) - 3)^2\n"
SPARSE = "program p\nvar x: binary[N]\nminimize sum(x[i] * x[i + 1] for i in 0..(N - 1))\n"


@pytest.mark.parametrize("text", [DENSE, TWO, SQUARE, SPARSE])
def test_the_estimate_is_reached_and_not_exceeded(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    monkeypatch.setattr(
        "qevo_compiler.passes.penalize_constraints.check_size", lambda estimate, *_: found.append(estimate)
    )
    program = compile(text.replace("N", "60"), level=0)
    couplings = program.module.main.only(ModelOp).couplings.size
    (estimate,) = found
    assert couplings <= estimate.couplings <= estimate.listed
    assert couplings == estimate.couplings or text is TWO


@pytest.mark.parametrize(
    ("memory_left", "codes"),
    [(24 * 1770 - 1, None), (24 * 1770, ["Q0657"]), (128 * 1770 - 1, ["Q0657"]), (128 * 1770, [])],
)
def test_the_bounds_are_parts_of_the_limit(memory_left: float, codes: list[str] | None) -> None:
    """60 bits have 1770 pairs."""
    passes = {"penalize-constraints": {"memory": float(memory_left)}}
    if codes is None:
        with pytest.raises(CompileError, match="Q0656"):
            compile(DENSE.replace("N", "60"), passes=passes)
        return
    assert [warning.code for warning in compile(DENSE.replace("N", "60"), passes=passes).warnings] == codes


def test_small_programs_are_not_judged_by_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "left", lambda: 1000.0)
    assert not compile(DENSE.replace("N", "60")).warnings
    monkeypatch.setattr(size_estimate, "SMALL", 100)
    with pytest.raises(CompileError, match="Q0656"):
        compile(DENSE.replace("N", "60"))
    monkeypatch.setattr(memory, "left", lambda: None)
    assert not compile(DENSE.replace("N", "60")).warnings


def test_memory_left_is_that_of_the_machine_or_its_container(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"/proc/meminfo": "MemTotal: 9 kB\nMemAvailable: 2048 kB\n"}
    monkeypatch.setattr(memory, "_read", lambda path: files.get(path, ""))
    assert memory.left() == 2048 * 1024
    files["/sys/fs/cgroup/memory.max"] = "max\n"
    files["/sys/fs/cgroup/memory.current"] = "5\n"
    assert memory.left() == 2048 * 1024
    files["/sys/fs/cgroup/memory.max"] = "1005\n"
    assert memory.left() == 1000

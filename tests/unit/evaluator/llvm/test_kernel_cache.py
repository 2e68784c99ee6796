"""Compiled kernels on disk: shared by processes, bounded, and never trusted blindly."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from qevo_compiler.evaluator.llvm import Kernel, cache, i64, jit

SCRIPT = """
import sys, warnings
warnings.simplefilter("always")
from qevo_compiler.evaluator.llvm import Kernel, compiled, i64, jit
calls = []
original = jit._compile
jit._compile = lambda *given: calls.append(1) or original(*given)
for name in ("one", "two"):
    k = Kernel(name, i64, n=i64)
    k.give(k.n * 3 + len(name))
    assert compiled(k)(5) == 18
print(len(calls))
"""


def in_new_process(folder: Path, **more: str) -> tuple[int, str]:
    """How many kernels a new process had to compile, and what it said."""
    env = {**os.environ, "QEVO_CACHE_DIR": str(folder), **more}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=True)
    return int(done.stdout), done.stderr


def test_a_second_process_compiles_nothing(tmp_path: Path) -> None:
    assert in_new_process(tmp_path) == (2, "")
    assert in_new_process(tmp_path) == (0, "")
    assert len(list(tmp_path.glob("*.qko"))) == 2
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign", "swapped"])
def test_a_file_that_does_not_check_out_is_made_anew(tmp_path: Path, damage: str) -> None:
    in_new_process(tmp_path)
    first, second = sorted(tmp_path.glob("*.qko"))
    content = first.read_bytes()
    changed = {
        "cut": content[:-5],
        "flipped": content[:-5] + bytes([content[-5] ^ 1]) + content[-4:],
        "empty": b"",
        "foreign": b"\x7fELF" + bytes(1000),
        "swapped": second.read_bytes(),
    }[damage]
    first.write_bytes(changed)
    assert in_new_process(tmp_path) == (1, "")
    assert first.read_bytes() == content
    assert in_new_process(tmp_path) == (0, "")


def test_a_folder_that_cannot_be_written_costs_one_warning(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    count, said = in_new_process(blocked)
    assert count == 2
    assert said.count("RuntimeWarning") == 1
    assert "set QEVO_CACHE_DIR" in said


def test_a_full_disk_costs_one_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QEVO_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cache, "_warned", False)

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(RuntimeWarning, match="No space left"):
        cache.store("key", b"object")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.store("key", b"object")
    assert cache.fetch("key") is None
    assert not list(tmp_path.iterdir())


def test_the_oldest_use_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QEVO_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("QEVO_CACHE_LIMIT", "3500")
    for age, key in enumerate(("a", "b", "c")):
        cache.store(key, bytes(1000))
        os.utime(tmp_path / f"{key}.qko", (age, age))
    assert cache.fetch("a") == bytes(1000)  # this use makes `b` the oldest
    cache.store("d", bytes(1000))
    assert sorted(path.stem for path in tmp_path.glob("*.qko")) == ["a", "c", "d"]


def test_the_machine_is_part_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QEVO_CACHE_DIR", str(tmp_path))
    k = Kernel("machine", i64, n=i64)
    k.give(k.n)
    jit._object(k.text)
    _, features = jit.host.cpu()
    monkeypatch.setattr(jit.host, "cpu", lambda: ("x86-64", features))
    monkeypatch.setattr(jit, "_compile", lambda *given: b"made for another machine")
    assert jit._object(k.text) == b"made for another machine"
    assert len(list(tmp_path.glob("*.qko"))) == 2

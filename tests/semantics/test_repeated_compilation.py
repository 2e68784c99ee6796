"""Compiling again and again neither grows nor, interrupted, leaves half of anything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

TEXT = """program again
var x: binary[4]
minimize x[0] * x[1] * x[2] - x[3] - x[1]
subject to
  few: sum(x) <= 2
"""
CUT = """program cut
data edge: int[m, 2] from "edge.npy"
var s: spin[n] where n = max(edge) + 1
maximize sum((1 - s[edge[e, 0]] * s[edge[e, 1]]) / 2 for e in 0..m)
"""

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


MANY = """
from pathlib import Path
from qevo_compiler import compile
def resident_kb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))
def compile_many(count):
    for _ in range(count):
        compile(TEXT, level=0)
compile_many(1000)
before = resident_kb()
compile_many(9000)
print(resident_kb() - before)
"""


@linux
def test_ten_thousand_compilations_do_not_grow() -> None:
    # A process of its own: what other tests leave to the allocator is not counted.
    code = f"TEXT = {TEXT!r}\n{MANY}"
    grown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    # A leak of one small object a compilation would be megabytes.
    assert int(grown) < 2048


@linux
def test_an_interrupt_at_any_moment_leaves_all_files_or_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "edge.npy", np.sort(rng.permuted(np.tile(np.arange(400), (30_000, 1)), axis=1)[:, :2], axis=1))
    (tmp_path / "cut.qevo").write_text(CUT)
    command = [sys.executable, "-m", "qevo_compiler", "compile", "cut.qevo", "-o"]
    start = time.perf_counter()
    subprocess.run([*command, "whole"], cwd=tmp_path, check=True, capture_output=True)
    whole = time.perf_counter() - start
    expected = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    assert len(expected) >= 2
    for turn, share in enumerate(np.linspace(0.1, 1.0, 10)):
        out = tmp_path / f"out{turn}"
        process = subprocess.Popen([*command, out.name], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(share * whole)
        process.send_signal(signal.SIGINT)
        process.communicate()
        found = {path.name: path.read_bytes() for path in out.iterdir()} if out.exists() else {}
        assert found in ({}, expected), f"interrupted after {share:.0%}: {sorted(found)}"
        if process.returncode == 0:
            assert found == expected
    assert os.listdir(tmp_path / "whole")

"""A dense model is annealed where its couplings lie: the peak of memory stays near the matrix."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import numpy as np
from qevo_compiler.evaluator.annealing import DenseSpins, anneal, beta_range
def peak():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
def run(matrix):
    model = DenseSpins.of_matrix(matrix)
    anneal(model, np.geomspace(*beta_range(model), 5), 4, 1, threads=2)
run(np.float32([[0, 1], [1, 0]]))  # the compiler's own memory
size = 6000
row = np.random.default_rng(0).standard_normal(2 * size).astype(np.float32)
matrix = np.empty((size, size), np.float32)
for i in range(size):
    matrix[i] = row[np.abs(np.arange(size) - i)]
np.fill_diagonal(matrix, 0)
before = peak()
run(matrix)
print((peak() - before) / matrix.nbytes)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_no_second_copy_of_the_couplings() -> None:
    found = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert float(found.stdout) < 0.2

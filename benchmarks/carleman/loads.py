"""Quadratic maps u -> u + h (F1 u + F2 u⊗u) with sparse random F1 and F2, as packed polynomials and as matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.ir import Array

RATE = 0.05


@dataclass(frozen=True)
class Load:
    """A step in `n` variables lifted to `order`, and its start."""

    n: int
    order: int
    step: Polynomials
    start: np.ndarray

    @property
    def name(self) -> str:
        return f"n={self.n} N={self.order}"

    def steps(self, count: int) -> StepMap:
        return StepMap((self.step,), Array(np.zeros(count, np.int64)))

    def parts(self) -> list[sparse.csr_array]:
        """F_1 [n, n] and F_2 [n, n^2]; a product of two variables stands in one column only."""
        n = self.n
        row, names, values = self.step.block(1)
        linear = sparse.csr_array((values, (row, names[:, 0])), shape=(n, n))
        row, names, values = self.step.block(2)
        return [linear, sparse.csr_array((values, (row, names[:, 0] * n + names[:, 1])), shape=(n, n * n))]


def load(n: int, order: int, quadratic: int = 4, linear: int = 3) -> Load:
    """A dissipative map: in every row -u_i, `linear` random linear terms and `quadratic` random products."""
    rng = np.random.default_rng(n)
    each = np.arange(n)
    row, twice = np.repeat(each, linear), np.repeat(each, quadratic)
    blocks = [
        (each, each[:, None], np.full(n, 1 - RATE)),
        (row, rng.integers(0, n, (n * linear, 1)), RATE / linear * rng.uniform(-0.5, 0.5, n * linear)),
        (twice, rng.integers(0, n, (n * quadratic, 2)), RATE * rng.normal(size=n * quadratic)),
    ]
    return Load(n, order, pack(n, blocks), rng.uniform(-0.3, 0.3, n))

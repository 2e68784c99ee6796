"""The linear system L y = b over the horizon: blocks on demand, solution, norms, condition number, success probability.

L = sum_t |t><t| ⊗ I - sum_{t<T} |t+1><t| ⊗ M_t - sum_{t>=T} |t+1><t| ⊗ I over T + P + 1 blocks, b = |0> ⊗ m(u(0))
(`carleman.md` 2). Solving and applying L^-1 or its transpose is block substitution: T + P sparse products.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigsh

from qevo_compiler.analyses.carleman.assembly import Csr, weighted
from qevo_compiler.analyses.carleman.inverse_bound import inverse_bound, period_of, periodic_bound
from qevo_compiler.analyses.carleman.lift import Lift
from qevo_compiler.analyses.carleman.monomials import Floats

# Up to here singular values are those of the dense matrix.
EXACT_UNKNOWNS = 2000
# Multiplications that the bound on the inverse may spend on products of dense matrices.
_PRODUCT_BUDGET = 4e9
# Steps in a period whose products are formed, and nonzeros of such a product.
_MOST_PERIOD = 32
_MOST_PRODUCT = 5_000_000


@dataclass(frozen=True)
class HistorySystem:
    """The history system of `lift` with `padding` copies of the last block and u rescaled by `gamma`."""

    lift: Lift
    padding: int
    gamma: float = 1.0

    @property
    def steps(self) -> int:
        return self.lift.steps

    @property
    def blocks(self) -> int:
        """T + P + 1."""
        return self.steps + self.padding + 1

    @property
    def unknowns(self) -> int:
        return self.blocks * self.lift.size

    @property
    def nonzeros(self) -> int:
        """Entries of L, without forming it."""
        counts = np.array([matrix.nnz for matrix in self.lift.matrices])
        return int(self.unknowns + counts[self.lift.which].sum() + self.padding * self.lift.size)

    @cached_property
    def matrices(self) -> tuple[Csr, ...]:
        """The distinct steps after rescaling: block (k, m) times gamma^(m - k)."""
        if self.gamma == 1.0:
            return self.lift.matrices
        return tuple(weighted(matrix, self._scale) for matrix in self.lift.matrices)

    @cached_property
    def initial(self) -> Floats:
        """The first block of b."""
        return self.lift.initial * self._scale

    @property
    def _scale(self) -> Floats:
        return np.asarray(self.gamma ** -self.lift.degrees.astype(np.float64))

    def matrix(self) -> Csr:
        """L itself [unknowns, unknowns]."""
        size = self.lift.size
        here = np.arange(self.unknowns)
        rows, columns, values = [here], [here], [np.ones(self.unknowns)]
        parts = [matrix.tocoo() for matrix in self.matrices]
        for t, variant in enumerate(self.lift.which.tolist()):
            part = parts[variant]
            rows.append(part.row.astype(np.int64) + (t + 1) * size)
            columns.append(part.col.astype(np.int64) + t * size)
            values.append(-part.data)
        copies = np.arange(self.steps * size, (self.blocks - 1) * size)
        rows.append(copies + size)
        columns.append(copies)
        values.append(-np.ones(len(copies)))
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return sparse.csr_array(entries, shape=(self.unknowns, self.unknowns))

    def right_side(self) -> Floats:
        """b [unknowns]."""
        b = np.zeros((self.blocks, self.lift.size))
        b[0] = self.initial
        return b.reshape(-1)

    def solution(self) -> Floats:
        """y [blocks, D]."""
        return self.apply_inverse(self.right_side()).reshape(self.blocks, self.lift.size)

    def apply_inverse(self, b: Floats) -> Floats:
        """L^-1 b by forward substitution."""
        y = np.array(b, np.float64).reshape(self.blocks, self.lift.size)
        for t in range(self.blocks - 1):
            y[t + 1] += self.matrices[self.lift.which[t]] @ y[t] if t < self.steps else y[t]
        return y.reshape(-1)

    def apply_inverse_transpose(self, b: Floats) -> Floats:
        """L^-T b by backward substitution."""
        y = np.array(b, np.float64).reshape(self.blocks, self.lift.size)
        for t in range(self.blocks - 2, -1, -1):
            y[t] += self._transposes[self.lift.which[t]] @ y[t + 1] if t < self.steps else y[t + 1]
        return y.reshape(-1)

    @cached_property
    def _transposes(self) -> tuple[Csr, ...]:
        return tuple(sparse.csr_array(matrix.T) for matrix in self.matrices)

    @property
    def exact(self) -> bool:
        """Whether singular values are taken of the whole dense matrix."""
        return self.unknowns <= EXACT_UNKNOWNS

    @cached_property
    def singular_values(self) -> tuple[float, float]:
        """The largest and the smallest singular value of L.

        Exact (dense) for small systems; else Lanczos on L^T L and on its inverse by block substitution, whose
        values approach the true ones from inside: the condition number is then a lower estimate.
        """
        if self.exact:
            values = np.linalg.svd(self.matrix().toarray(), compute_uv=False)
            return float(values[0]), float(values[-1])
        matrix = self.matrix()
        transpose = sparse.csr_array(matrix.T)
        largest = _largest(lambda x: np.asarray(transpose @ (matrix @ x)), self.unknowns)
        inverse = _largest(lambda x: self.apply_inverse(self.apply_inverse_transpose(x)), self.unknowns)
        return float(np.sqrt(largest)), float(1 / np.sqrt(inverse))

    @property
    def condition(self) -> float:
        """kappa = sigma_max / sigma_min."""
        largest, smallest = self.singular_values
        return largest / smallest

    def condition_bound(self) -> float:
        """||L|| ||L^-1|| by the bounds 1 + max(1, max ||M_t||) and `inverse_bound`."""
        return (1 + max(1.0, *map(dense_norm, self.matrices))) * self.inverse_bound()

    def inverse_bound(self) -> float:
        """The bound on ||L^-1||; where products are too many or too large, from those within one period of steps."""
        single = len(self.matrices) == 1
        products = self.steps if single else self.steps * (self.steps + 1) // 2
        if products * float(self.lift.size) ** 3 <= _PRODUCT_BUDGET:
            return inverse_bound([matrix.toarray() for matrix in self.matrices], self.lift.which, self.padding)
        period = period_of(self.lift.which)
        if period > _MOST_PERIOD:
            # Nothing repeats: any step may follow any other.
            return periodic_bound(np.array([[1.0, max(map(dense_norm, self.matrices))]]), self.steps, self.padding)
        return periodic_bound(self._products(period), self.steps, self.padding)

    def _products(self, period: int) -> Floats:
        """||M_{a+l-1} .. M_a|| [p, p + 1] for phases a and lengths l <= p; products of norms once a product is full."""
        norms = np.ones((period, period + 1))
        single = [dense_norm(self.matrices[variant]) for variant in self.lift.which[:period]]
        for phase in range(period):
            product: Csr | None = None
            for length in range(1, period + 1):
                variant = (phase + length - 1) % period
                step = self.matrices[self.lift.which[variant]]
                if length == 1 or product is not None:
                    product = step if product is None else sparse.csr_array(step @ product)
                    norms[phase, length] = dense_norm(product)
                else:
                    norms[phase, length] = norms[phase, length - 1] * single[variant]
                if product is not None and product.nnz > _MOST_PRODUCT:
                    product = None
        return norms

    def success(self) -> float:
        """The probability of finding degree one in a block t >= T: (P + 1) ||y_1(T)||^2 / ||y||^2."""
        y = self.solution()
        total = float((y * y).sum())
        last = y[self.steps, self.lift.first_block]
        return (self.padding + 1) * float(last @ last) / total


def dense_norm(matrix: Csr) -> float:
    """||M||_2: dense up to 1500 rows, else by Lanczos on M^T M."""
    if matrix.shape[0] <= 1500:
        return float(np.linalg.norm(matrix.toarray(), 2))
    transpose = sparse.csr_array(matrix.T)
    return float(np.sqrt(_largest(lambda x: np.asarray(transpose @ (matrix @ x)), matrix.shape[0])))


def best_rescaling(
    lifted: Lift, padding: int, candidates: Sequence[float]
) -> tuple[float, list[tuple[float, float, float]]]:
    """The gamma among `candidates` with the least kappa / sqrt(success), and (gamma, kappa, success) of each."""
    rows = []
    for gamma in candidates:
        system = HistorySystem(lifted, padding, gamma)
        rows.append((gamma, system.condition, system.success()))
    costs = [kappa / np.sqrt(success) if success > 0 else np.inf for _, kappa, success in rows]
    return rows[int(np.argmin(costs))][0], rows


def rescaling_candidates(lower: float | None, upper: float | None, radius: float, count: int = 9) -> list[float]:
    """Values of gamma in [r_-, r_+], the range in which every row's weight stays within one; 1 is always among them.

    Without fixed points, or where the upper one is infinite, they spread about the trajectory's radius.
    """
    middle = radius if radius > 0 else 1.0
    low = middle / 8 if lower is None else max(lower, middle / 8)
    high = 8 * middle if upper is None or not np.isfinite(upper) else max(upper, low)
    return sorted({1.0, *np.geomspace(low, high, count).tolist()})


def _largest(apply: Callable[[Floats], Floats], size: int) -> float:
    """The largest eigenvalue of a symmetric positive operator; the start vector is fixed."""
    operator = LinearOperator((size, size), matvec=apply, dtype=np.float64)
    start = 1.0 + 0.5 * np.cos(np.arange(size))
    found = eigsh(operator, k=1, which="LA", v0=start, return_eigenvectors=False)
    return float(found[0])

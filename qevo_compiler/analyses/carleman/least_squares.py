"""The history system as least squares, ||L y - b||^2 over the unknowns that are not known beforehand.

The first block y(0) and the constant are entries of the solution, so they are substituted, which is exact. What is
left is A z = r with A [rows, m] the columns of L for the other entries. The minimum is 0, at the solution.

Boxes: with the scalar majorants g_t and x_0 = ||u(0)||, x_{t+1} = g_t(x_t), every block of the truncated lift has
||y_k(t)|| <= x_t^k, by induction: ||y_k(t+1)|| <= sum over m <= N of [x^m] g_t^k x_t^m <= g_t(x_t)^k. No entry is
larger than its block.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from qevo_compiler.analyses.carleman.assembly import Csr
from qevo_compiler.analyses.carleman.history import EXACT_UNKNOWNS, HistorySystem
from qevo_compiler.analyses.carleman.monomials import Floats, Ints
from qevo_compiler.analyses.carleman.norms import step_norms
from qevo_compiler.dialects.linear import StepMap


@dataclass(frozen=True)
class LeastSquares:
    """min ||A z - r||^2 for the entries `free` [m] of y, ordered by monomial, then by time; the rest is `known`.

    `known` [blocks, D] holds y(0) and the constant, 0 elsewhere. `monomials` [m] and `blocks` [m] say which
    monomial and which block each unknown is.
    """

    system: HistorySystem
    free: Ints
    known: Floats

    @staticmethod
    def of(system: HistorySystem) -> LeastSquares:
        """The least squares of a history system."""
        size = system.lift.size
        constant = system.lift.degrees == 0
        known = np.zeros((system.blocks, size))
        known[0] = system.initial
        known[:, constant] = system.initial[constant]
        places = np.arange(system.unknowns).reshape(system.blocks, size)[1:, ~constant]
        return LeastSquares(system, places.T.reshape(-1), known)

    @property
    def monomials(self) -> Ints:
        """The monomial [m] of each unknown."""
        return self.free % self.system.lift.size

    @property
    def blocks(self) -> Ints:
        """The block [m], 1 .. T + P, of each unknown."""
        return self.free // self.system.lift.size

    @cached_property
    def matrix(self) -> Csr:
        """A [unknowns of L, m]."""
        return sparse.csr_array(self.system.matrix()[:, self.free])

    @cached_property
    def right(self) -> Floats:
        """r = b - L known."""
        return self.system.right_side() - self.system.matrix() @ self.known.reshape(-1)

    @cached_property
    def gram(self) -> Csr:
        """A^T A [m, m]."""
        return sparse.csr_array(self.matrix.T @ self.matrix)

    @property
    def solution(self) -> Floats:
        """The unknowns [m] of the propagated lift."""
        return self.system.solution().reshape(-1)[self.free]

    def energy(self, z: Floats) -> Floats:
        """||A z - r||^2 of points [..., m]."""
        left = (z - self.solution).reshape(-1, len(self.free))
        images = np.asarray(self.matrix @ left.T)
        return np.asarray((images**2).sum(axis=0)).reshape(z.shape[:-1])

    def expand(self, z: Floats) -> Floats:
        """y [blocks, D] with the unknowns in their places."""
        y = self.known.reshape(-1).copy()
        y[self.free] = z
        return y.reshape(self.known.shape)

    @cached_property
    def condition(self) -> tuple[float, bool]:
        """The condition number of A, and whether it is from singular values; otherwise the bound for the whole L.

        A submatrix of columns has no larger condition number than L.
        """
        if len(self.free) <= EXACT_UNKNOWNS:
            values = np.linalg.svd(self.matrix.toarray(), compute_uv=False)
            return float(values[0] / values[-1]), True
        return self.system.condition_bound(), False

    def box(self, radii: Floats) -> Floats:
        """The half-width [m] of a box about 0 that holds every unknown, from x_t [T + 1] of `majorant_radii`."""
        here = radii[np.minimum(self.blocks, self.system.steps)] / self.system.gamma
        return np.asarray(here ** self.system.lift.degrees[self.monomials], np.float64)


def majorant_radii(steps: StepMap, start: Floats, moments: bool = False) -> Floats:
    """x_t [T + 1]: bounds on ||u(t)||, and on the degree-one block of every truncated lift.

    With `moments` any step may be taken at any time, so the majorant is the largest of theirs.
    """
    norms = step_norms(steps)
    if moments:
        norms = np.broadcast_to(norms.max(axis=0), norms.shape)
    radii = np.empty(steps.steps + 1)
    radii[0] = np.linalg.norm(start)
    with np.errstate(over="ignore", invalid="ignore"):
        for t, variant in enumerate(steps.which.values.tolist()):
            radii[t + 1] = np.polynomial.polynomial.polyval(radii[t], norms[variant])
    return radii


def quadratic_form(problem: LeastSquares, centre: Floats, spacing: Floats, bits: int) -> tuple[Floats, Floats, float]:
    """(Q, q, offset) with ||A z - r||^2 = sum_i q_i s_i + sum_{i<j} Q_ij s_i s_j + offset over bits s.

    z_i = centre_i + spacing_i sum over b < `bits` of 2^b s_{ib}; Q [m bits, m bits] is upper triangular.
    """
    weights = spacing[:, None] * 2.0 ** np.arange(bits)
    scale, owner = weights.reshape(-1), np.repeat(np.arange(len(spacing)), bits)
    dense = problem.gram.toarray()
    full = dense[np.ix_(owner, owner)] * np.outer(scale, scale)
    residual = problem.matrix @ centre - problem.right
    linear = 2 * scale * np.asarray(problem.matrix.T @ residual)[owner] + np.diag(full)
    return np.triu(2 * full, 1), linear, float(residual @ residual)

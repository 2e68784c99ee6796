"""Spin models with equations and inequalities as bounds, and their energies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.annealing.chains import Chains, chains_of
from qevo_compiler.evaluator.annealing.energies import energies
from qevo_compiler.evaluator.annealing.mates import Mates
from qevo_compiler.evaluator.annealing.model import SpinModel
from qevo_compiler.evaluator.annealing.runs import Spins

Floats = NDArray[np.float64]

# Sums of halves up to here are exact in 32-bit floats.
_EXACT = 1 << 22
# The part of all pairs that are coupled from which chains go through rows of a matrix.
_DENSE = 1 / 8


@dataclass(frozen=True)
class BoundedModel:
    """E = energies of `pairs`, the objective's, and of `hard`, of penalties, + sum_r penalties[r] d_r^2.

    d_r is the distance of bases[r] + sum_i w_ri s_i from the interval [-widths[r], 0]. Entry e says that spin
    `sites[e]` is in row `rows[e]` with `weights[e]`; each pair of them at most once. `mates` says which spins an anneal
    proposes to flip together; it is no part of the energy.
    """

    pairs: SpinModel
    hard: SpinModel
    bases: Floats
    widths: Floats
    penalties: Floats
    rows: NDArray[np.int32]
    sites: NDArray[np.int32]
    weights: Floats
    mates: Mates

    @property
    def size(self) -> int:
        return self.pairs.size

    @cached_property
    def unit(self) -> float:
        """That of the objective, else of the penalties' couplings: what the kernels count energies in."""
        return self.pairs.unit if self.pairs.field_bounds.any() else self.hard.unit

    @cached_property
    def chains(self) -> Chains:
        """The edges between equations."""
        here = self.widths[self.rows] == 0
        return chains_of(self.size, self.rows[here], self.sites[here], self.weights[here], len(self.bases))

    @cached_property
    def dense(self) -> bool:
        """Whether chains have the objective's couplings as a matrix."""
        return self.chains.count > 0 and 2 * len(self.pairs.couplings) >= _DENSE * self.size**2

    @cached_property
    def exact(self) -> bool:
        """Whether 32-bit floats hold all sums of rows exactly."""
        sizes = np.abs(self.bases) + np.bincount(self.rows, np.abs(self.weights), len(self.bases))
        halves = 2 * np.concatenate([self.bases, self.weights])
        return bool((halves == np.rint(halves)).all() and sizes.max(initial=0.0) < _EXACT)

    def energies(self, states: Spins) -> Floats:
        """Of states [reads, n]."""
        sums = self.sums(states)
        distances = np.maximum(np.maximum(sums, -self.widths - sums), 0)
        return energies(self.pairs, states) + energies(self.hard, states) + distances**2 @ self.penalties

    def sums(self, states: Spins) -> Floats:
        """The rows' sums [reads, rows] of states [reads, n]."""
        from scipy.sparse import csr_matrix

        shape = (len(self.bases), self.size)
        matrix = csr_matrix((self.weights, (self.rows, self.sites)), shape)
        return np.asarray((matrix @ states.T.astype(np.float64)).T + self.bases, np.float64)

"""The lift of a step map: assembly on the full basis or on its dependency closure, moments, propagation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from qevo_compiler.analyses.carleman.assembly import Csr, assemble, reachable, restrict, weigh
from qevo_compiler.analyses.carleman.closure import BasisTooLarge, closed_lift, fits_a_key
from qevo_compiler.analyses.carleman.monomials import (
    Floats,
    FullBasis,
    Ints,
    Small,
    basis_size,
    degrees_of,
    values_of,
    weights_of,
)
from qevo_compiler.dialects import linear
from qevo_compiler.dialects.linear import SparseMatrix, StepMap
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.evaluator.sparse import SparseOperator
from qevo_compiler.evaluator.sparse import propagate as sparse_steps
from qevo_compiler.ir import Array

# Up to here the full basis is assembled and then restricted, which is faster than waves of rows.
_ENUMERABLE = 300_000
MOST_MONOMIALS = 5_000_000

__all__ = ["MOST_MONOMIALS", "BasisTooLarge", "Lift", "lift", "lift_of_op", "moment_lift", "op_of_lift", "propagate"]


@dataclass(frozen=True)
class Lift:
    """y(t + 1) = `matrices[which[t]]` y(t) in the isometric monomial basis; see `linear.LiftOp` for the fields."""

    order: int
    monomials: Small
    weights: Floats
    matrices: tuple[Csr, ...]
    which: Ints
    initial: Floats
    moments: bool = False

    @property
    def size(self) -> int:
        return len(self.weights)

    @property
    def steps(self) -> int:
        return len(self.which)

    @property
    def nonzeros(self) -> int:
        """Stored entries of all distinct matrices."""
        return sum(int(matrix.nnz) for matrix in self.matrices)

    @cached_property
    def degrees(self) -> Ints:
        """The degree of each basis monomial."""
        return degrees_of(self.monomials)

    @cached_property
    def first_block(self) -> slice:
        """The positions of the degree-one monomials, which are those of the state in order."""
        here = np.flatnonzero(self.degrees == 1)
        return slice(int(here[0]), int(here[-1]) + 1)

    @cached_property
    def operators(self) -> tuple[SparseOperator, ...]:
        """The matrices as compiled operators."""
        return tuple(SparseOperator(m.indptr, m.indices, m.data, m.shape) for m in self.matrices)

    def vector(self, point: ArrayLike) -> Floats:
        """The lifted vector [..., D] of a state [..., n]."""
        return values_of(self.monomials, point) * self.weights


def lift(
    steps: StepMap,
    start: ArrayLike,
    order: int,
    *,
    closure: bool = True,
    constant: bool = True,
    most: int = MOST_MONOMIALS,
) -> Lift:
    """The lift of order N of `steps` from the shifted start u(0) [n].

    With `closure` only monomials that the degree-one rows depend on are kept, which changes no propagated
    state. Without `constant` the constant is dropped where no kept row needs it (F_0 = 0).
    Raises `BasisTooLarge` beyond `most` monomials.
    """
    monomials, matrices = _plain(steps.variants, order, closure, constant, most)
    if not constant:
        monomials, matrices = _without_constant(monomials, matrices)
    weights = weights_of(monomials)
    initial = values_of(monomials, start) * weights
    for matrix in matrices:
        weigh(matrix, weights)
    return Lift(order, monomials, weights, matrices, np.asarray(steps.which.values), initial)


def moment_lift(
    steps: Sequence[Polynomials],
    chances: ArrayLike,
    horizon: int,
    start: ArrayLike,
    order: int,
    most: int = MOST_MONOMIALS,
) -> Lift:
    """The lift of the expected monomials when every step is one of `steps`, drawn independently with `chances`.

    Its matrix is the average of the lifted matrices, not the lift of the averaged map: the difference is the
    covariance of the step (`carleman.md` 1.4). The basis is the full one: order 2 has all second moments.
    """
    share = np.asarray(chances, np.float64)
    each = StepMap(tuple(steps), Array(np.arange(len(steps))))
    # Every moment is wanted, also those that the mean does not depend on.
    apart = lift(each, start, order, closure=False, most=most)
    mean: Csr = sparse.csr_array(apart.matrices[0].shape)
    for matrix, chance in zip(apart.matrices, share.tolist(), strict=True):
        mean = mean + matrix * chance
    mean.eliminate_zeros()
    which = np.zeros(horizon, np.int64)
    return Lift(order, apart.monomials, apart.weights, (mean,), which, apart.initial, moments=True)


def propagate(lifted: Lift, initial: Floats, steps: int) -> Floats:
    """The lifted vectors [steps + 1, D] from `initial`, by `steps` sparse products. No block matrix is formed."""
    history: Floats = sparse_steps(lifted.operators, initial, steps, lifted.which)[0]
    return history


def op_of_lift(lifted: Lift) -> linear.LiftOp:
    """The `linear.lift` that states it."""
    matrices = tuple(
        SparseMatrix(*m.shape, Array(m.indptr.astype(np.int64)), Array(m.indices.astype(np.int64)), Array(m.data))
        for m in lifted.matrices
    )
    data = Array(lifted.monomials), Array(lifted.weights), matrices, Array(lifted.which), Array(lifted.initial)
    return linear.LiftOp(lifted.order, *data, lifted.moments)


def lift_of_op(op: linear.LiftOp) -> Lift:
    """The lift that an op states."""
    matrices = tuple(
        sparse.csr_array((m.values.values, m.indices.values, m.starts.values), shape=(m.rows, m.columns))
        for m in op.matrices
    )
    return Lift(
        op.order, op.monomials.values, op.weights.values, matrices, op.which.values, op.initial.values, op.moments
    )


def _plain(
    variants: tuple[Polynomials, ...], order: int, closure: bool, constant: bool, most: int
) -> tuple[Small, tuple[Csr, ...]]:
    """Monomials and unweighted matrices, by the full basis where that can be listed, else by waves."""
    n = variants[0].rows
    full = basis_size(n, order)
    if closure and full > _ENUMERABLE and fits_a_key(n, order):
        return closed_lift(variants, order, constant, most)
    if full > (max(most, _ENUMERABLE) if closure else most):
        raise BasisTooLarge
    basis = FullBasis.of(n, order)
    matrices = tuple(assemble(variant, basis) for variant in variants)
    if not closure:
        return basis.monomials, matrices
    seeds = np.arange(0 if constant else 1, n + 1)
    kept = reachable(list(matrices), seeds)
    if len(kept) > most:
        raise BasisTooLarge
    if len(kept) == basis.size:
        return basis.monomials, matrices
    return basis.monomials[kept], tuple(restrict(matrix, kept) for matrix in matrices)


def _without_constant(monomials: Small, matrices: tuple[Csr, ...]) -> tuple[Small, tuple[Csr, ...]]:
    if monomials[0, 0] >= 0 or any(matrix[:, [0]].nnz > 1 for matrix in matrices):
        return monomials, matrices
    kept = np.arange(1, len(monomials))
    return monomials[kept], tuple(restrict(matrix, kept) for matrix in matrices)

"""2-norms of the parts of a step, symmetrised over their inputs."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from qevo_compiler.analyses.carleman.monomials import Floats, weights_of
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.dialects.poly import Polynomials

# Up to here norms and eigenvalues are taken of dense matrices.
DENSE = 1500


def step_norms(steps: StepMap) -> Floats:
    """g_j of every distinct step [variants, d + 1]."""
    return np.array([symmetric_norms(variant, steps.degree) for variant in steps.variants])


def symmetric_norms(step: Polynomials, degree: int | None = None) -> Floats:
    """||F_j||_2 of the symmetrised parts, j = 0 .. degree.

    F_j u^{⊗j} = C m_j(u) for the coefficients C of the monomials, and F_j = C W^-1 V^T with orthonormal columns
    V, so the norm is that of C with every column divided by its weight.
    """
    norms = np.zeros((step.degree if degree is None else degree) + 1)
    for block in step.terms:
        row, names, values = block.row.values, block.variables.values, block.coefficients.values
        if block.degree == 0:
            norms[0] = np.linalg.norm(values)
            continue
        _, column = np.unique(names, axis=0, return_inverse=True)
        scaled = values / weights_of(names)
        matrix = sparse.csr_array((scaled, (row, column.reshape(-1))), shape=(step.rows, int(column.max()) + 1))
        norms[block.degree] = spectral_norm(matrix)
    return norms


def spectral_norm(matrix: sparse.csr_array[np.float64]) -> float:
    """The largest singular value: from the smaller Gram matrix, or by Lanczos where that is large."""
    if matrix.nnz == 0:
        return 0.0
    if min(matrix.shape) <= DENSE:
        gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
        return float(np.sqrt(max(np.linalg.eigvalsh(gram.toarray())[-1], 0.0)))
    found = svds(matrix, k=1, v0=np.ones(min(matrix.shape)), return_singular_vectors=False)
    return float(found[0])


def linear_part(step: Polynomials) -> sparse.csr_array[np.float64]:
    """F_1 [n, n] of a step."""
    row, names, values = step.block(1)
    return sparse.csr_array((values, (row, names[:, 0])), shape=(step.rows, step.rows))

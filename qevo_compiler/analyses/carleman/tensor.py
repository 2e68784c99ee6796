"""The lift on full tensor powers, the reduction to monomials, and the expansion in the rate: for checks.

These follow `carleman.md` 1.2 literally, at the price of n^N rows; nothing on the compilation path uses them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from qevo_compiler.analyses.carleman.assembly import Csr
from qevo_compiler.analyses.carleman.monomials import FullBasis, Ints, weights_of
from qevo_compiler.dialects.poly import Polynomials

Parts = list[Csr]


def symmetric_parts(step: Polynomials) -> Parts:
    """F_0 [n, 1], F_1 [n, n] .. F_d [n, n^d], symmetrised: a coefficient is shared by all orders of its variables."""
    parts = []
    for degree in range(step.degree + 1):
        row, names, values = step.block(degree)
        wanted = _slots(step.rows, degree)
        share = values / weights_of(names) ** 2
        if degree == 0:
            parts.append(sparse.csr_array((values, (row, np.zeros(len(row), np.int64))), shape=(step.rows, 1)))
            continue
        ordered = np.sort(wanted, axis=1)
        place = step.rows ** np.arange(degree - 1, -1, -1, dtype=np.int64)
        # Every column belongs to one monomial; each term goes to all columns of its monomial.
        column_key = ordered @ place
        order = np.argsort(column_key, kind="stable")
        starts = np.searchsorted(column_key[order], names @ place, "left")
        counts = np.searchsorted(column_key[order], names @ place, "right") - starts
        entry = np.repeat(np.arange(len(row)), counts)
        column = order[np.arange(len(entry)) - np.repeat(np.cumsum(counts) - counts - starts, counts)]
        shape = (step.rows, step.rows**degree)
        parts.append(sparse.csr_array((share[entry], (row[entry], column)), shape=shape))
    return parts


def tensor_lift(step: Polynomials, order: int) -> Csr:
    """M over y_0, u, u⊗u .. u^{⊗N}: A_{k,m} = sum over j_1 + .. + j_k = m of F_{j_1} ⊗ .. ⊗ F_{j_k}."""
    parts = symmetric_parts(step)
    return _stacked(step.rows, order, lambda below, k, m: _kron_sum(parts, below, m))


def rate_expansion(field: Polynomials, order: int) -> list[Csr]:
    """Q_0 = I, Q_1 .. Q_N with M = sum_p eta^p Q_p for the step u + eta b(u), b = `field`.

    Q_1 is the generator of the continuous-time Carleman system (`carleman.md` 1.2).
    """
    parts, n = symmetric_parts(field), field.rows
    identity: Parts = [sparse.csr_array((n, 1)), sparse.eye_array(n, format="csr")]
    # blocks[p][m] of the present k, from those of k - 1: one more slot stays or moves.
    one = sparse.csr_array(np.ones((1, 1)))
    rows: list[list[list[Csr]]] = [[[one if p == m == 0 else _zero(n, 0, m) for m in range(order + 1)]
                                    for p in range(order + 1)]]  # fmt: skip
    for k in range(1, order + 1):
        before = rows[-1]
        now = []
        for p in range(order + 1):
            stay = [_kron_sum(identity, before[p], m) for m in range(order + 1)]
            move = [_kron_sum(parts, before[p - 1], m) if p else _zero(n, k, m) for m in range(order + 1)]
            now.append([a + b for a, b in zip(stay, move, strict=True)])
        rows.append(now)
    return [sparse.block_array([rows[k][p] for k in range(order + 1)], format="csr") for p in range(order + 1)]


def duplication(variables: int, order: int) -> Csr:
    """The 0/1 matrix D [sum n^k, C(n + N, N)] from monomials to stacked tensor powers."""
    basis = FullBasis.of(variables, order)
    blocks: list[Csr] = [sparse.csr_array(np.ones((1, 1)))]
    for degree in range(1, order + 1):
        ordered = np.sort(_slots(variables, degree), axis=1)
        position = np.zeros(len(ordered), np.int32)
        for slot in range(degree):
            position = basis.successors[position, ordered[:, slot]]
        column = position.astype(np.int64) - basis.starts[degree]
        width = int(basis.starts[degree + 1] - basis.starts[degree])
        entries = (np.ones(len(column)), (np.arange(len(column)), column))
        blocks.append(sparse.csr_array(entries, shape=(len(column), width)))
    return sparse.csr_array(sparse.block_diag(blocks, format="csr"))


def _slots(variables: int, degree: int) -> Ints:
    """The variables [n^k, k] of every entry of u^{⊗k}."""
    return np.indices((variables,) * degree, dtype=np.int64).reshape(degree, variables**degree).T


def _stacked(n: int, order: int, block: Callable[[list[Csr], int, int], Csr]) -> Csr:
    rows: list[list[Csr]] = [[sparse.csr_array(np.ones((1, 1))), *(_zero(n, 0, m) for m in range(1, order + 1))]]
    for k in range(1, order + 1):
        rows.append([block(rows[-1], k, m) for m in range(order + 1)])
    return sparse.csr_array(sparse.block_array(rows, format="csr"))


def _kron_sum(parts: Parts, below: list[Csr], m: int) -> Csr:
    """sum_j F_j ⊗ A_{m-j}, `below` being the blocks A of one slot less."""
    terms = [sparse.kron(parts[j], below[m - j], format="csr") for j in range(min(m, len(parts) - 1) + 1)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return sparse.csr_array(total)


def _zero(n: int, k: int, m: int) -> Csr:
    return sparse.csr_array((n**k, n**m))

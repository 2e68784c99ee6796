"""Is a compiled model the problem? Energies of random assignments, the least over auxiliaries and slacks."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.ising.exports import Model
from benchmarks.ising.loads import Load

# More extra bits than this are searched by descent, which can only prove a model wrong from below.
ENUMERATED = 20


def verdict(load: Load, model: Model, trials: int = 4) -> str:
    """`exact`, or what is wrong; `not below` where the least over the extra bits could only be searched.

    `proved not below`: the roof dual of the model with the load's bits held bounds every state of the extra bits.
    """
    rng = np.random.default_rng(11)
    extra = len(model.linear) - load.bits
    matrix = sparse.csr_matrix((model.quadratic, (model.rows, model.columns)), shape=(len(model.linear),) * 2)
    symmetric = (matrix + matrix.T).tocsr()
    word = "exact"
    for _ in range(trials):
        x = rng.integers(0, 2, load.bits).astype(np.int8)
        wanted = load.energy(x)
        found = _least(model, symmetric, x, extra, rng)
        if load.kind == "ineq":
            if (wanted == 0) != (abs(found) < 1e-6 * max(1.0, abs(model.offset))):
                return f"WRONG: {found:g} where the inequality {'holds' if wanted == 0 else 'fails'}"
            continue
        scale = max(1.0, abs(wanted))
        if found < wanted - 1e-9 * scale - 1e-6:
            return f"WRONG: {found:g} below {wanted:g}"
        if found > wanted + 1e-9 * scale + 1e-6:
            if extra <= ENUMERATED:
                return f"WRONG: {found:g}, not {wanted:g}"
            word = "not below"
        if extra > ENUMERATED and find_spec("dwave.preprocessing"):
            bound = _bound(model, symmetric, x, extra)
            word = "proved not below" if bound >= wanted - 1e-9 * scale - 1e-6 and word == "not below" else word
    return word


def _bound(model: Model, symmetric: sparse.csr_matrix, x: NDArray, extra: int) -> float:
    """A lower bound of the energy over all extra bits, from dwave-preprocessing's maximum flow."""
    import dimod
    from dwave.preprocessing.lower_bounds import roof_duality

    first = len(x)
    state = np.concatenate([x.astype(float), np.zeros(extra)])
    field = (symmetric @ state)[first:] + model.linear[first:]
    base = float(model.offset + model.linear @ state + 0.5 * state @ (symmetric @ state))
    inner = sparse.triu(symmetric[first:, first:], 1).tocoo()
    bqm = dimod.BinaryQuadraticModel.from_numpy_vectors(field, (inner.row, inner.col, inner.data), base, "BINARY")
    return float(roof_duality(bqm)[0])


def _least(model: Model, symmetric: sparse.csr_matrix, x: NDArray, extra: int, rng: np.random.Generator) -> float:
    first = len(x)
    state = np.concatenate([x.astype(float), np.zeros(extra)])
    base = float(model.offset + model.linear @ state + 0.5 * state @ (symmetric @ state))
    if not extra:
        return base
    fields = (symmetric @ state)[first:] + model.linear[first:]
    inner = symmetric[first:, first:].tocsr()
    if extra <= ENUMERATED:
        return base + _enumerated(fields, inner.toarray())
    return base + _descended(fields, inner, rng)


def _enumerated(fields: NDArray, couplings: NDArray) -> float:
    """The least of z . fields + z couplings z / 2 over all 0/1 vectors, from two halves."""
    half = len(fields) // 2
    left = _states(half)
    right = _states(len(fields) - half)
    low = left @ fields[:half] + 0.5 * np.einsum("si,ij,sj->s", left, couplings[:half, :half], left)
    high = right @ fields[half:] + 0.5 * np.einsum("si,ij,sj->s", right, couplings[half:, half:], right)
    cross = left @ couplings[:half, half:] @ right.T
    return float((cross + low[:, None] + high[None, :]).min())


def _states(bits: int) -> NDArray:
    return ((np.arange(1 << bits)[:, None] >> np.arange(bits)) & 1).astype(float)


def _descended(fields: NDArray, couplings: sparse.csr_matrix, rng: np.random.Generator) -> float:
    """Single flips while they lower the energy, from two starts."""
    best = np.inf
    for start in (np.zeros(len(fields)), rng.integers(0, 2, len(fields)).astype(float)):
        z = start.copy()
        local = fields + couplings @ z
        for _ in range(60):
            before = z.copy()
            for i in range(len(z)):
                wanted = float(local[i] < 0)
                if wanted != z[i]:
                    row = slice(couplings.indptr[i], couplings.indptr[i + 1])
                    local[couplings.indices[row]] += couplings.data[row] * (wanted - z[i])
                    z[i] = wanted
            if (before == z).all():
                break
        best = min(best, float(fields @ z + 0.5 * z @ (couplings @ z)))
    return best

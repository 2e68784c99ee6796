"""A bound on the 2-norm of the inverse of a history system, from norms of products of its steps.

Block (s, t) of L^-1 is M_{s-1} .. M_t, where factors past the horizon T are identities. With B the matrix of the
blocks' norms, ||L^-1 x|| <= ||B z|| for the vector z of the blocks' norms of x, so

    ||L^-1|| <= ||B||_2 <= sum over distances d = 0..T + P of the largest B_{t+d, t}.

Blocks among the copies are identities: B_{s,t} = 1 for t >= T, and the product that ends at the horizon for
t < T <= s. The sum of ||M^min(d, T)|| alone is no bound for a contracting M with padding (M = 0, T = 1, P = 20
gives 1 where ||L^-1|| is above 13).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qevo_compiler.analyses.carleman.monomials import Floats, Ints

# Up to here the norm of B is computed; beyond, the sum over its diagonals.
_LARGEST = 400


def inverse_bound(steps: Sequence[Floats], which: Sequence[int] | Ints, padding: int) -> float:
    """The bound for dense `steps` [D, D], step t being `steps[which[t]]`, and P = `padding` copies.

    T products of matrices for one step, T (T + 1) / 2 for several.
    """
    return bound_of_products(_product_norms(steps, np.asarray(which, np.int64)), padding)


def power_bound(largest: float, horizon: int, padding: int) -> float:
    """The bound from `largest` alone, the largest norm of a step: a product of l steps is at most `largest`^l."""
    lengths = np.subtract.outer(np.arange(horizon + 1), np.arange(horizon + 1))
    with np.errstate(over="ignore"):
        return bound_of_products(np.tril(float(largest) ** np.maximum(lengths, 0)), padding)


def bound_of_products(products: Floats, padding: int) -> float:
    """The bound from `products` [T + 1, T + 1], whose entry (s, t) bounds ||M_{s-1} .. M_t|| for s >= t."""
    horizon = len(products) - 1
    blocks = horizon + padding + 1
    norms = np.tril(np.ones((blocks, blocks)))
    norms[: horizon + 1, : horizon + 1] = products
    norms[horizon + 1 :, : horizon + 1] = products[horizon]
    if not np.isfinite(norms).all():
        return float("inf")
    if blocks <= _LARGEST:
        return float(np.linalg.norm(norms, 2))
    return float(sum(norms.diagonal(-distance).max() for distance in range(blocks)))


def _product_norms(steps: Sequence[Floats], which: Ints) -> Floats:
    horizon, size = len(which), len(steps[0])
    norms = np.eye(horizon + 1)
    same = len(set(which.tolist())) == 1
    for first in range(1 if same else horizon):
        product = np.eye(size)
        for t in range(first, horizon):
            product = steps[which[t]] @ product
            norms[t + 1, first] = float(np.linalg.norm(product, 2)) if np.isfinite(product).all() else np.inf
    for first in range(1, horizon) if same else ():
        norms[first + 1 :, first] = norms[1 : horizon + 1 - first, 0]
    return norms

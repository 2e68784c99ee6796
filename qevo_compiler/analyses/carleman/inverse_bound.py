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


def periodic_bound(norms: Floats, horizon: int, padding: int) -> float:
    """The bound where step t + p repeats step t: `norms` [p, p + 1] bounds products of l steps from phase a.

    A longer product is cut at the boundaries of a phase c into whole periods and two parts, whose norms multiply;
    every c gives a bound, and the least serves. Cost: p (T + 1)^2.
    """
    period = len(norms)
    first, last = np.arange(horizon + 1)[None, :], np.arange(horizon + 1)[:, None]
    length = np.maximum(last - first, 0)
    products = np.full((horizon + 1, horizon + 1), np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        for phase in range(period):
            before = np.minimum((phase - first) % period, length)
            count, after = np.divmod(length - before, period)
            met = norms[phase, period] ** count * norms[phase, after]
            products = np.fmin(products, norms[first % period, before] * met)
    return bound_of_products(np.tril(products), padding)


def period_of(which: Ints) -> int:
    """The smallest p with step t + p the same as step t throughout; T where nothing repeats."""
    count = len(which)
    return next((p for p in range(1, count) if np.array_equal(which[p:], which[:-p])), count)


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

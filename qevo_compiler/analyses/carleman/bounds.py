"""A-priori bounds on the truncation error of the lifted state (`carleman.md` 4.1; proofs in docs/carleman.md).

All bound ||e_1(t)||, the 2-norm of the error of the degree-one block after t steps, in exact arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.carleman.monomials import Floats

_GRID = 400


def bound_a(norms: Floats, which: NDArray[np.integer], start_norm: float, order: int) -> Floats:
    """Bound A [T + 1]: the truncation error of the scalar systems x -> g_t(x) from ||u(0)||.

    `norms` [variants, d + 1] holds the coefficients of each distinct majorant. The scalar error is summed up
    from its non-negative sources, so that nothing cancels. Infinite where the majorant overflows.
    Cost: T N (N d) operations, whatever the dimension.
    """
    degree = norms.shape[1] - 1
    powers = np.array([_powers(g, order, degree) for g in norms])
    error = np.zeros(order)
    found = np.zeros(len(which) + 1)
    x = start_norm
    exponents = np.arange(powers.shape[2])
    with np.errstate(all="ignore"):
        for t, variant in enumerate(which.tolist()):
            table = powers[variant]
            sources = table[:, order + 1 :] @ x ** exponents[order + 1 :]
            error = table[:, 1 : order + 1] @ error + sources
            x = float(np.polynomial.polynomial.polyval(x, norms[variant]))
            if not np.isfinite(error).all() or not np.isfinite(x):
                found[t + 1 :] = np.inf
                break
            found[t + 1] = error[0]
    return found


def bound_b(norms: Floats, start_norm: float, ratio: float, order: int, steps: int) -> float | None:
    """Bound B: ||u(0)|| R_d^N (1 - rho^t); None unless F_0 = 0, rho < 1 and R_d < 1."""
    rho = float(norms[1]) if len(norms) > 1 else 0.0
    if norms[0] != 0 or rho >= 1 or ratio >= 1:
        return None
    return float(start_norm * ratio**order * (1 - rho**steps))


def bound_c(
    norms: Floats, start_norm: float, fixed: tuple[float | None, float | None], order: int, steps: int
) -> float | None:
    """Bound C: s q (1 - q^t) / (1 - q) (r / s)^(N + 1), least over s in (r, r_+); None where no s serves.

    r = max(||u(0)||, r_-) bounds the trajectory and q = g(s) / s < 1.
    """
    lower, upper = fixed
    if lower is None or upper is None:
        return None
    r = max(start_norm, lower)
    if not 0 < r < upper:
        return 0.0 if r == 0 else None
    top = upper if np.isfinite(upper) else r * 1e6
    # The points crowd at both ends, where the bound falls and rises steeply.
    share = 0.5 - 0.5 * np.cos(np.pi * np.arange(1, _GRID) / _GRID)
    s = r * (top / r) ** share
    q = np.polynomial.polynomial.polyval(s, norms) / s
    s, q = s[q < 1], q[q < 1]
    if not len(s):
        return None
    values = s * q * (1 - q**steps) / (1 - q) * (r / s) ** (order + 1)
    return float(values.min())


def tightness(bounds: Sequence[float], errors: Sequence[float], floor: float = 1e-13) -> dict[str, float]:
    """How many times the true error the bound is: smallest, quartiles, 95 %, largest; errors below `floor` left out."""
    bound, error = np.asarray(bounds, np.float64), np.asarray(errors, np.float64)
    kept = (error > floor) & np.isfinite(bound)
    if not kept.any():
        return {"count": 0.0}
    ratio = bound[kept] / error[kept]
    names = {"min": 0, "q25": 25, "median": 50, "q75": 75, "q95": 95, "max": 100}
    return {"count": float(kept.sum()), **{name: float(np.percentile(ratio, p)) for name, p in names.items()}}


def _powers(g: Floats, order: int, degree: int) -> Floats:
    """The coefficients of g, g^2 .. g^N, each padded to degree N d."""
    table = np.zeros((order, order * max(degree, 1) + 1))
    power = np.ones(1)
    with np.errstate(all="ignore"):
        for k in range(order):
            power = np.convolve(power, g)
            table[k, : len(power)] = power
    return table

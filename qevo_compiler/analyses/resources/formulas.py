"""Closed formulas of the cost record: queries of three linear-system solvers, amplification, shots, synthesis.

kappa is alpha ||L^-1|| for a block encoding with subnormalisation alpha (`carleman.md` 6); a query is one use of the
encoding or of its inverse, controlled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qevo_compiler.analyses.carleman.monomials import Floats

# The walk's constant as measured on random matrices (arXiv:2312.07690); the proved one is 2305.
WALK = 1.84
# T gates of a table look-up are 4 an item, of an adder 4 a bit (Babbush et al. 2018; Gidney 2018).
T_PER_ITEM = 4
T_PER_BIT = 4


def known_norm(kappa: float, error: float) -> float:
    """kappa ln(2 sqrt(2) / eps): Dalzell 2024 (arXiv:2406.12086) for a known ||L^-1 b||, times 1 + O(eps)."""
    return kappa * math.log(2 * math.sqrt(2) / error)


def unknown_norm(kappa: float, error: float) -> float:
    """56 kappa + 1.05 kappa ln(1 / eps): the same reference's upper bound without the norm, lower orders left out."""
    return 56 * kappa + 1.05 * kappa * math.log(1 / error)


def adiabatic_walk(kappa: float, error: float) -> float:
    """1.84 kappa walk steps and kappa ln(2 / eps) of filtering: Costa et al., PRX Quantum 3, 040303 (2022), with the
    constant of arXiv:2312.07690, which is empirical. Doubling for a non-Hermitian L is not counted in."""
    return WALK * kappa + kappa * math.log(2 / error)


SOLVERS = {"known_norm": known_norm, "unknown_norm": unknown_norm, "walk": adiabatic_walk}


def rounds(success: float) -> int:
    """ceil(pi / (4 asin sqrt(P))) rounds of amplitude amplification."""
    return math.ceil(math.pi / (4 * math.asin(math.sqrt(min(success, 1.0)))))


def runs_per_shot(success: float) -> float:
    """Solver runs for one accepted shot: 2 r + 1 in r rounds of amplification, or 1 / P repetitions if fewer."""
    return min(2.0 * rounds(success) + 1, 1 / success)


def shots(live: float, error: float) -> float:
    """s / (4 eps^2): sampled magnitudes have standard deviation 1 / (2 sqrt(S)) each, s of them in the 2-norm."""
    return math.ceil(live / (4 * error**2))


def synthesis(error: float) -> float:
    """T gates of one rotation, 3 log2(1 / eps) (Ross and Selinger 2016), at least 0."""
    return max(3 * math.log2(1 / error), 0.0)


def synthesis_with_fallback(error: float) -> float:
    """T gates of one rotation with fallback, 1.15 log2(1 / eps) + 9.2 (Bocharov, Roetteler, Svore 2015), expected."""
    return max(1.15 * math.log2(1 / error) + 9.2, 0.0)


def block_weight(norms: Floats, order: int) -> float:
    """sqrt(largest row sum times largest column sum) of [x^m] g(x)^k, 0 <= k, m <= N, for norms g_j of F_j.

    It bounds ||M|| (Schur's test on block norms) and is alpha_M of the encoding by Carleman structure.
    """
    powers = np.zeros((order + 1, order + 1))
    powers[0, 0] = 1.0
    for k in range(1, order + 1):
        powers[k] = np.convolve(powers[k - 1], norms)[: order + 1]
    return float(np.sqrt(powers.sum(axis=0).max() * powers.sum(axis=1).max()))


@dataclass(frozen=True)
class Budget:
    """An allowed error on the parameters split evenly (`carleman.md` 6): truncation, activation, solver, read-out.

    `solver` is the allowed 2-norm error of the normalised history state, `readout` that of the normalised final state.
    """

    share: float
    solver: float
    readout: float


def split(tolerance: float, history_norm: float, copies: float, final_norm: float) -> Budget:
    """||dtheta|| <= e_trunc + e_act + e_solver ||y|| / sqrt(P + 1) + e_readout ||u(T)||, a quarter each.

    The P + 1 equal copies add coherently. No normalised error is taken above 1/2, where it would say nothing.
    """
    share = tolerance / 4
    solver = min(share * math.sqrt(copies) / history_norm, 0.5)
    return Budget(share, solver, min(share / final_norm, 0.5) if final_norm > 0 else 0.5)

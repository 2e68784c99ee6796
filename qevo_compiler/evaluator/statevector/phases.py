"""Writing helper: cosine and sine of a whole number of turns times a cost, in vectors.

With c the cost and g the turns a unit of cost, x = g c is brought to r = x - rint(x) in [-1/2, 1/2] and then
cos(2 pi r) and sin(2 pi r) / r are polynomials of r^2, interpolated at Chebyshev's points. g comes in two parts,
so that r keeps full relative accuracy of the cost however many turns it makes.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.polynomial import chebyshev

from qevo_compiler.evaluator.llvm import Kernel, Operand, f32

_TERMS = {32: 8, 64: 13}


def turned(kernel: Kernel, cost: Operand, turns: Operand, turns_rest: Operand) -> tuple[Operand, Operand]:
    """cos and sin of 2 pi (turns + turns_rest) cost."""
    whole = kernel.nearest(turns * cost)
    r = kernel.fma(turns_rest, cost, kernel.fma(turns, cost, -whole))
    square = r * r
    terms = _TERMS[cost.type.element.bits]
    return _polynomial(kernel, square, _cosine(terms)), r * _polynomial(kernel, square, _sine(terms))


def split_turns(angle: float, element_bits: int) -> tuple[float, float]:
    """The turns a unit of cost for the phase exp(-i angle cost), as a head in the precision and a rest."""
    turns = -angle / (2 * np.pi)
    head = float(np.float32(turns)) if element_bits == f32.bits else turns
    return head, turns - head


def _polynomial(kernel: Kernel, x: Operand, coefficients: tuple[float, ...]) -> Operand:
    value = kernel.constant(x.type, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = kernel.fma(x, value, coefficient)
    return value


@cache
def _cosine(terms: int) -> tuple[float, ...]:
    nodes = _nodes(terms)
    return _interpolated(nodes, np.cos(2 * np.pi * np.sqrt(nodes)))


@cache
def _sine(terms: int) -> tuple[float, ...]:
    nodes = _nodes(terms)
    roots = np.sqrt(nodes)
    return _interpolated(nodes, np.sin(2 * np.pi * roots) / roots)


def _nodes(terms: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return (np.cos(np.pi * (np.arange(terms) + 0.5) / terms) + 1) / 8


def _interpolated(
    nodes: np.ndarray[tuple[int], np.dtype[np.float64]], values: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> tuple[float, ...]:
    """Power coefficients in u of the interpolant at Chebyshev's points of [0, 1/4]."""
    series = chebyshev.chebfit(8 * nodes - 1, values, len(nodes) - 1)
    powers = np.zeros(1)
    for c in chebyshev.cheb2poly(series)[::-1]:
        powers = np.convolve(powers, [-1.0, 8.0])
        powers[0] += c
    return tuple(float(c) for c in powers[: len(nodes)])

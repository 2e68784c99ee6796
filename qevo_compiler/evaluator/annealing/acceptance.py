"""Parts of kernels that decide whether a spin flips: random thresholds and the rules of acceptance."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from qevo_compiler.evaluator.llvm import Kernel, Operand, f32, i32, i64, vec
from qevo_compiler.evaluator.random import threefry

# log2(1 + x) = x q(x) for 0 <= x <= 1: q by reweighted least squares towards the smallest largest error, with
# q(1) = 1 held so that the pieces join. The error is below 1.6e-5, which is 1.1e-5 of an acceptance probability.
LOG2 = (1.44191694, -0.709096014, 0.41560486, -0.193574339, 0.0451485142)


class Rule(Enum):
    """How a proposed flip is decided. `GREEDY` takes what lowers the energy and needs no random numbers."""

    METROPOLIS = "metropolis"
    GIBBS = "gibbs"
    GREEDY = "greedy"


KEY = {"key0": i32, "key1": i32, "key2": i32, "key3": i32}


def draw(k: Kernel, lanes: int, counter: Sequence[Operand]) -> list[Operand]:
    """Four vectors of random words for counters of 3 operands (scalars or vectors); the fourth word is 0."""
    type = vec(i32, lanes)
    words = [*(k.operand(type, word) for word in counter), k.constant(type, 0)]
    return threefry(k, [k.operand(type, key) for key in (k.key0, k.key1, k.key2, k.key3)], words)


def threshold(k: Kernel, rule: Rule, words: Operand) -> Operand:
    """The number t with: flip where (2 beta / ln 2) s f > t, for spin s in local field f.

    Metropolis flips with probability min(1, exp(2 beta s f)): t is log2 of a uniform number u.
    Gibbs flips with 1 / (1 + exp(-2 beta s f)): t is log2(u / (1 - u)).
    """
    if rule is Rule.GREEDY:
        return k.constant(vec(f32, words.type.lanes), 0)
    if rule is Rule.METROPOLIS:
        return _log2_uniform(k, words)
    return _log2_uniform(k, words) - _log2_uniform(k, ~words)


def _log2_uniform(k: Kernel, words: Operand) -> Operand:
    """log2 of (odd 31-bit number from the word) / 2^31."""
    integers, floats = words.type, vec(f32, words.type.lanes)
    bits = (words.shift_right(1) | 1).to(f32).bits_as(integers)
    # The bias goes first: a sum of about 157 would round away what a number near 1 is about.
    exponent = (bits.shift_right(23) - (127 + 31)).to(f32)
    fraction = ((bits & 0x7FFFFF) | 0x3F800000).bits_as(floats) - 1.0
    q = k.constant(floats, LOG2[-1])
    for coefficient in LOG2[-2::-1]:
        q = k.fma(q, fraction, coefficient)
    return k.fma(fraction, q, exponent)


def lane_mask(k: Kernel, first: Operand) -> Operand:
    """The bits of an i64 above bit `first`."""
    return ~((k.constant(i64, 2) << first) - 1)

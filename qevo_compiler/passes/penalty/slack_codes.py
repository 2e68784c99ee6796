"""How the slack of a row is written in bits.

Every code reaches each whole number of steps from 0 to the row's span, so the least square over the slack is the
violation squared whatever the code; they differ in bits, in the size of the weights, and in how many single
flips lead from one value to another. The domain wall costs `gap` penalties on unsorted bits, which are 0 for
one state of each value.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import AffineMap
from qevo_compiler.dialects.problem import Encoding
from qevo_compiler.ir import Array
from qevo_compiler.passes.encoding.codes import (
    BOUND,
    bounded_code,
    bounded_counts,
    log_code,
    precise_bound,
    precise_code,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class SlackCode(Enum):
    """`none` takes no slack: rows that would need one get the unbalanced form."""

    AUTO = "auto"
    LOG = "log"
    BOUNDED = "bounded"
    UNARY = "unary"
    DOMAINWALL = "domainwall"
    NONE = "none"


@dataclass(frozen=True)
class Slack:
    """The slack of every row of a family: `affine` in units of the body over `bits` bits."""

    affine: AffineMap
    bits: int
    encoding: Encoding


def slack_encoding(code: SlackCode, longest: float, precision: int | None) -> Encoding:
    """The code for a family whose longest slack is `longest` steps; `precision` as for `encode-variables`."""
    match code:
        case SlackCode.BOUNDED:
            return Encoding.BOUNDED
        case SlackCode.UNARY:
            return Encoding.UNARY
        case SlackCode.DOMAINWALL:
            return Encoding.DOMAIN_WALL
        case SlackCode.AUTO if precision is not None:
            return precise_code(longest, precision)
    return Encoding.LOG


def make_slack(
    span: Floats, step: Floats, encoding: Encoding, bound: int, fraction: Floats | None = None
) -> Slack | None:
    """Slack 0 .. span steps a row; a row with a fraction has one more bit of that part of a step."""
    counts, weights = _steps(span, encoding, bound)
    weights = weights * np.repeat(step, counts)
    if fraction is not None and fraction.any():
        ends = np.cumsum(counts)[fraction > 0]
        weights = np.insert(weights, ends, (fraction * step)[fraction > 0])
        counts = counts + (fraction > 0)
    total = int(counts.sum())
    if not total:
        return None
    starts = np.concatenate([[0], np.cumsum(counts)])
    bits = np.arange(total, dtype=np.int32)
    return Slack(AffineMap(Array(np.zeros(len(counts))), Array(starts), Array(bits), Array(weights)), total, encoding)


def slack_size(span: Floats, encoding: Encoding, bound: int) -> float:
    """How many bits `make_slack` takes."""
    if encoding is Encoding.LOG:
        return float(np.frexp(span)[1].sum())
    return float((bounded_counts(span, bound) if encoding is Encoding.BOUNDED else span).sum())


def largest_weight(bound: int | None, precision: int | None) -> int:
    """The largest weight of a bounded slack."""
    return bound or (BOUND if precision is None else precise_bound(precision))


def _steps(span: Floats, encoding: Encoding, bound: int) -> tuple[Integers, Floats]:
    if encoding is Encoding.LOG:
        return log_code(span)
    if encoding is Encoding.BOUNDED:
        return bounded_code(span, bound)
    counts = span.astype(np.int64)
    return counts, np.ones(int(counts.sum()))

"""How one declared variable is written in bits: an affine map, and the constraints that keep its code valid.

Everything here is vectorised over the elements of a variable; bits are numbered from the block's start.

log: bits weigh 1, 2, 4, ... and the last one what is missing, so that exactly [lo, hi] is covered.
bounded: 1, 2, 4, ... up to a largest weight m, then m again and again, and last what is missing (Karimi and
Ronagh, arXiv:1706.01945): the binary part reaches every number up to 2^(r+1) - 1 >= m, so adding m leaves no gap.
unary: bits of weight 1. domain wall, order: the same with d_1 >= d_2 >= ..., as d_{k+1} (1 - d_k) = 0.
one-hot: one bit a value, their sum is 1. A real with b bits is lo + step * (log code of 0 .. 2^b - 1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.names import index_rows
from qevo_compiler.dialects.poly import AffineMap, Polynomials, Vartype
from qevo_compiler.dialects.poly.counting import Counting
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.dialects.problem import Domain, Encoding, ListedOp, VariableOp
from qevo_compiler.ir import Array
from qevo_compiler.ir.counting import counting
from qevo_compiler.ir.deferred import bounded, uniform

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MAX_BITS = 1 << 26
MAX_SPAN = float(1 << 53)
# The largest weight of a bounded code unless one is given: what five bits of control tell apart, squared.
BOUND = 8


@dataclass(frozen=True)
class Code:
    """The bits of one variable. `group` labels the one-hot group, `wall` the domain wall of every bit (-1: none).

    `written` maps polynomial variables to bits where they are not the numbers of `affine`. `implied` rows (over the
    block's bits) equal zero in valid states; `indices` names the element of each.
    """

    affine: AffineMap
    count: int
    encoding: Encoding | None = None
    implied: Polynomials | None = None
    indices: Array | None = None
    group: Integers | None = None
    wall: Integers | None = None
    written: AffineMap | None = None

    @property
    def polynomial(self) -> AffineMap:
        """The polynomial variables over the bits."""
        return self.written or self.affine


def encode(op: VariableOp, encoding: Encoding, vartype: Vartype, bound: int = BOUND) -> Code:
    """The code of a variable whose range has been checked. `encoding` counts for integers and choices.

    `bound` is the largest weight of a bounded code.
    """
    match op.domain:
        case Domain.BINARY:
            return Code(_identity(op.size, 0.0, 1.0), op.size)
        case Domain.SPIN:
            one_bit = (0.0, 1.0) if vartype is Vartype.SPIN else (-1.0, 2.0)
            return Code(_identity(op.size, *one_bit), op.size)
        case Domain.REAL:
            return _real(op)
        case Domain.INTEGER:
            low, high = ranges(op)
            code = _integer(op.shape, low, high - low, encoding, bound)
            return replace(code, written=_by_value(op.lengths, encoding)) if isinstance(op, ListedOp) else code
        case Domain.CHOICE:
            return _choice(op, encoding)


def ranges(op: VariableOp) -> tuple[Floats, Floats]:
    """Lower and upper bound of every element, flat; an integer's are whole numbers inside the declared range."""
    assert op.lower is not None
    assert op.upper is not None
    low, high = (
        np.broadcast_to(bound.values.astype(np.float64), op.shape).reshape(-1) for bound in (op.lower, op.upper)
    )
    return (np.ceil(low), np.floor(high)) if op.domain is Domain.INTEGER else (low, high)


def grid_steps(op: VariableOp) -> Floats:
    """The distance of neighbouring grid points of every element of a real variable; 0 for a constant."""
    assert op.bits is not None
    low, high = ranges(op)
    return (high - low) / (2.0**op.bits - 1)


def bit_count(op: VariableOp, encoding: Encoding, bound: int = BOUND) -> float:
    """How many bits the code takes, before it is built."""
    if op.domain is Domain.CHOICE:
        labels = len(op.labels)
        return op.size * (labels if encoding is Encoding.ONE_HOT and labels > 1 else labels - 1)
    if op.domain is Domain.REAL:
        return float(op.size * (op.bits or 0))
    if op.domain is not Domain.INTEGER:
        return op.size
    low, high = ranges(op)
    span = high - low
    if encoding is Encoding.BOUNDED:
        return float(bounded_counts(span, bound).sum())
    return float(np.frexp(span)[1].sum() if encoding is Encoding.LOG else span.sum())


def _identity(size: int, offset: float, weight: float) -> AffineMap:
    offsets, weights = uniform(size, offset, "f64"), uniform(size, weight, "f64")
    return AffineMap(offsets, Counting(size + 1), bounded(counting(size), 0, max(size - 1, 0)), weights)


def _map(offsets: Floats, counts: Integers, bits: Integers, weights: Floats) -> AffineMap:
    starts = np.concatenate([[0], np.cumsum(counts)])
    return AffineMap(
        Array(offsets + 0.0), Array(starts), Array(bits.astype(np.int32)), Array(weights.astype(np.float64))
    )


def places(counts: Integers) -> tuple[Integers, Integers]:
    """For consecutive runs of `counts` bits: the run of every bit, and its place in the run."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


def log_code(span: Floats) -> tuple[Integers, Floats]:
    """Bits of every element and the weights of all bits in turn, covering exactly the integers 0 .. span."""
    counts = np.frexp(span)[1].astype(np.int64)
    owner, place = places(counts)
    weights = np.exp2(place)
    last = place == counts[owner] - 1
    weights[last] = span[owner[last]] - (weights[last] - 1)
    return counts, weights


def bounded_counts(span: Floats, bound: int) -> Integers:
    """How many bits of weight at most `bound` reach every integer in 0 .. span."""
    binary = int(np.frexp(float(bound))[1])
    rest = np.maximum(span - (2.0**binary - 1), 0.0)
    return np.where(rest > 0, binary + np.ceil(rest / bound), np.frexp(span)[1]).astype(np.int64)


def bounded_code(span: Floats, bound: int) -> tuple[Integers, Floats]:
    """As `log_code` with no weight above `bound`."""
    binary = int(np.frexp(float(bound))[1])
    counts = bounded_counts(span, bound)
    owner, place = places(counts)
    weights = np.where(place < binary, np.exp2(np.minimum(place, binary)), float(bound))
    last, first = np.flatnonzero(place == counts[owner] - 1), np.flatnonzero(place == 0)
    if len(first):
        weights[last] += span[owner[last]] - np.add.reduceat(weights, first)
    return counts, weights


def precise_code(span: float, precision: int, widening: float = 4.0) -> Encoding:
    """Log where its squared weights stay within `precision` bits or a bounded code would be `widening` times longer."""
    log_bits = int(np.frexp(span)[1])
    if 2 * (log_bits - 1) <= precision:
        return Encoding.LOG
    count = float(bounded_counts(np.array([span]), precise_bound(precision))[0])
    return Encoding.BOUNDED if count <= widening * log_bits else Encoding.LOG


def precise_bound(precision: int) -> int:
    """The largest weight whose square has at most `precision` bits more than 1."""
    return 1 << max(precision // 2, 0)


def _real(op: VariableOp) -> Code:
    low, high = ranges(op)
    steps = grid_steps(op)
    levels = np.where(high > low, 2.0 ** (op.bits or 0) - 1, 0.0)
    counts, weights = log_code(levels)
    total = int(counts.sum())
    return Code(_map(low, counts, np.arange(total), weights * np.repeat(steps, counts)), total, Encoding.LOG)


def _integer(shape: tuple[int, ...], low: Floats, span: Floats, encoding: Encoding, bound: int) -> Code:
    if encoding is Encoding.ONE_HOT:
        return _one_hot_integer(shape, low, span)
    if encoding in (Encoding.LOG, Encoding.BOUNDED):
        counts, weights = log_code(span) if encoding is Encoding.LOG else bounded_code(span, bound)
        return Code(_map(low, counts, np.arange(len(weights)), weights), len(weights), encoding)
    counts = span.astype(np.int64)
    total = int(counts.sum())
    affine = _map(low, counts, np.arange(total), np.ones(total))
    return _walled(shape, affine, counts, encoding) if encoding.ordered else Code(affine, total, encoding)


def _one_hot_integer(shape: tuple[int, ...], low: Floats, span: Floats) -> Code:
    counts = np.where(span > 0, span + 1, 0).astype(np.int64)
    _, place = places(counts)
    weighted = place > 0
    affine = _map(low, span.astype(np.int64), np.flatnonzero(weighted), place[weighted].astype(np.float64))
    return _grouped(shape, affine, counts)


def _choice(op: VariableOp, encoding: Encoding) -> Code:
    labels, size = len(op.labels), op.size
    if labels == 1:
        none = np.zeros(0, np.int64)
        return Code(_map(np.ones(size), np.zeros(size, np.int64), none, none.astype(np.float64)), 0, encoding)
    if encoding is Encoding.ONE_HOT:
        return _grouped(op.shape, _identity(size * labels, 0.0, 1.0), np.full(size, labels))
    walls = np.full(size, labels)
    return _walled(op.shape, _by_value(walls, encoding), walls - 1)


def _by_value(lengths: Integers, encoding: Encoding) -> AffineMap:
    """The indicators of all values (labels) of elements with `lengths` values each, over the bits of their code."""
    element, label = places(lengths)
    if encoding is Encoding.ONE_HOT:
        coded = (lengths > 1)[element]
        bits = int(coded.sum())
        return _map((~coded).astype(np.float64), coded.astype(np.int64), np.arange(bits), np.ones(bits))
    # Value l is d_l - d_{l+1} with d_0 = 1 and d_lengths = 0.
    after = (np.cumsum(lengths - 1) - (lengths - 1))[element] + label
    both = np.stack([after - 1, after], axis=1)
    present = np.stack([label > 0, label < lengths[element] - 1], axis=1)
    weights = np.broadcast_to([1.0, -1.0], both.shape)
    return _map((label == 0).astype(np.float64), present.sum(axis=1), both[present], weights[present])


def _grouped(shape: tuple[int, ...], affine: AffineMap, counts: Integers) -> Code:
    """A one-hot code: `counts` bits an element (0 for a constant)."""
    owner, _ = places(counts)
    coded = np.flatnonzero(counts)
    rank = np.cumsum(counts > 0) - 1
    rows = np.arange(len(coded), dtype=np.int32)
    bits = np.arange(len(owner), dtype=np.int32)[:, None]
    minus_one = (rows, np.zeros((len(rows), 0), np.int32), np.full(len(rows), -1.0))
    implied = pack(len(coded), [(rank[owner].astype(np.int32), bits, np.ones(len(owner))), minus_one])
    indices = Array(index_rows(shape)[coded])
    return Code(affine, len(owner), Encoding.ONE_HOT, implied if len(coded) else None, indices, group=rank[owner])


def _walled(
    shape: tuple[int, ...], affine: AffineMap, counts: Integers, encoding: Encoding = Encoding.DOMAIN_WALL
) -> Code:
    """A domain-wall code: one row an element with at least two bits, the sum of d_{k+1} - d_k d_{k+1}."""
    owner, place = places(counts)
    later = np.flatnonzero(place > 0).astype(np.int32)
    walls = np.flatnonzero(counts > 1)
    rank = np.cumsum(counts > 1) - 1
    row = rank[owner[later]].astype(np.int32)
    ones = np.ones(len(later))
    implied = pack(len(walls), [(row, later[:, None], ones), (row, np.stack([later - 1, later], axis=1), -ones)])
    indices = Array(index_rows(shape)[walls])
    return Code(affine, len(owner), encoding, implied if len(walls) else None, indices, wall=owner)

"""Bits of one register back to the values of its variable, with broken codes repaired.

A one-hot group with several bits set counts as its first, one with none as the first value; a domain
wall with gaps counts its set bits. Every repaired value lies in the variable's domain.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.ising import RegisterOp
from qevo_compiler.dialects.poly import AffineMap
from qevo_compiler.dialects.problem import Domain, Encoding

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Decoded:
    """Values of one variable over all reads.

    `values` [reads, size] are numbers, or label indices of a choice. `valid` [reads, size] says whose
    code was whole. `penalty` [reads] is what the code's own penalty (of weight 1) adds to the energy.
    """

    values: Floats
    valid: Flags
    penalty: Floats


def decode_register(op: RegisterOp, bits: NDArray[np.int8]) -> Decoded:
    """`bits` [reads, count] are the register's own, as 0/1 or, for a spin register, -1/+1."""
    assert op.affine is not None
    size = prod(op.shape)
    if op.domain is Domain.CHOICE:
        return _choice(op, bits, size)
    if op.encoding is Encoding.ONE_HOT:
        return _one_hot_integer(op.affine, bits)
    values = op.affine.evaluate(bits)
    if op.encoding is not None and op.encoding.ordered:
        broken = _gaps(bits, np.diff(op.affine.starts.values))
        return Decoded(values, broken == 0, broken.sum(axis=1).astype(np.float64))
    return Decoded(values, np.ones(values.shape, bool), np.zeros(len(bits)))


def _choice(op: RegisterOp, bits: NDArray[np.int8], size: int) -> Decoded:
    labels, reads = len(op.labels), len(bits)
    if labels == 1 or not size:
        return Decoded(np.zeros((reads, size)), np.ones((reads, size), bool), np.zeros(reads))
    if op.encoding is Encoding.ONE_HOT:
        table = bits.reshape(reads, size, labels)
        surplus = table.sum(axis=2, dtype=np.int64) - 1
        return Decoded(table.argmax(axis=2).astype(np.float64), surplus == 0, _squares(surplus))
    wall = bits.reshape(reads, size, labels - 1)
    broken = ((wall[:, :, 1:] > 0) & (wall[:, :, :-1] == 0)).sum(axis=2)
    return Decoded(wall.sum(axis=2, dtype=np.float64), broken == 0, broken.sum(axis=1).astype(np.float64))


def _one_hot_integer(affine: AffineMap, bits: NDArray[np.int8]) -> Decoded:
    """The bit of value 0 above the lower bound has no weight, so a group has one bit more than the map."""
    spans = np.diff(affine.starts.values)
    counts = np.where(spans > 0, spans + 1, 0)
    values = np.broadcast_to(affine.offsets.values, (len(bits), affine.size)).copy()
    valid = np.ones(values.shape, bool)
    coded = np.flatnonzero(counts)
    if not len(coded):
        return Decoded(values, valid, np.zeros(len(bits)))
    starts = np.cumsum(counts[coded]) - counts[coded]
    place = np.arange(int(counts.sum())) - np.repeat(starts, counts[coded])
    # The first set bit has the highest rank; no set bit leaves rank 0.
    rank = np.maximum.reduceat(
        bits.astype(np.int64) * (np.repeat(counts[coded], counts[coded]) - place), starts, axis=1
    )
    values[:, coded] += np.where(rank > 0, counts[coded] - rank, 0)
    surplus = np.add.reduceat(bits.astype(np.int64), starts, axis=1) - 1
    valid[:, coded] = surplus == 0
    return Decoded(values, valid, _squares(surplus))


def _gaps(bits: NDArray[np.int8], counts: Integers) -> Integers:
    """How often, in each element's wall, a set bit follows one that is not; [reads, size]."""
    owner = np.repeat(np.arange(len(counts)), counts)
    after = np.flatnonzero(owner[1:] == owner[:-1]) + 1
    gap = np.zeros((len(bits), len(owner) + 1), np.int64)
    gap[:, after + 1] = (bits[:, after] > 0) & (bits[:, after - 1] == 0)
    ends = np.cumsum(counts)
    seen = np.cumsum(gap, axis=1)
    result: Integers = seen[:, ends] - seen[:, ends - counts]
    return result


def _squares(surplus: Integers) -> Floats:
    total: Floats = (surplus * surplus).sum(axis=1).astype(np.float64)
    return total

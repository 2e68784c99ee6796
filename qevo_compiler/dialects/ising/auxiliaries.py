"""What auxiliary bits stand for: functions of how many of their members are 1, as packed arrays.

Every gadget that makes a polynomial quadratic needs only two kinds. A product of d bits is `AT_LEAST` with
parameter d; Ishikawa's auxiliaries are `AT_LEAST` with smaller ones; those of the logarithmic gadget of Boros,
Crama and Rodriguez-Heck are the `DIGIT`s of the number of ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.ir import Array, Attribute, Invalid
from qevo_compiler.ir.deferred import kept

AT_LEAST = 0
DIGIT = 1

# Member states looked at in one piece, so that many reads of a large model stay in the cache.
_PIECE = 1 << 22
_FEW = 1 << 9  # auxiliaries verified at a time


def digits_of(sizes: NDArray[np.integer]) -> NDArray[np.int64]:
    """ceil(log2 d) for member counts d >= 1: the exponent of the power of two that `DIGIT` counts up to."""
    return np.ceil(np.log2(np.asarray(sizes, np.float64))).astype(np.int64)


@dataclass(frozen=True)
class Auxiliaries(Attribute):
    """Auxiliary k has the members `members[starts[k] : starts[k + 1]]`, bits numbered from the module's start.

    With c members at 1 of d, it stands for: kind AT_LEAST, whether c >= parameter; kind DIGIT, the binary
    digit of weight 2^parameter of min(c + 2^l - d, 2^l - 1) where l = ceil(log2 d). Members are ascending and
    lie below the auxiliary itself, so a member may be an earlier auxiliary.
    """

    name: ClassVar[str] = "auxiliaries"
    kinds: Array
    starts: Array
    members: Array
    parameters: Array

    @property
    def count(self) -> int:
        return self.kinds.size

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many members each auxiliary has."""
        return np.diff(self.starts.values)

    def members_of(self, auxiliary: int) -> NDArray[np.int32]:
        starts = self.starts.values
        found: NDArray[np.int32] = self.members.values[starts[auxiliary] : starts[auxiliary + 1]]
        return found

    def verify(self, first: int) -> None:
        """Raise `Invalid` unless these are well-formed auxiliaries whose own bits are `first`, `first + 1`, ..."""
        starts, members = kept(self.starts), self.members.size
        if not len(self.kinds) == len(self.parameters) == len(starts) - 1:
            raise Invalid("auxiliaries: the arrays differ in length")
        if starts[0] != 0 or starts[-1] != members:
            raise Invalid("auxiliaries: every one needs two members or more")
        for start in range(0, self.count, _FEW):
            self._verify_piece(slice(start, start + _FEW), first)

    def _verify_piece(self, piece: slice, first: int) -> None:
        """What is kept in small types stays so: these are read when decoding, if at all."""
        starts = kept(self.starts)[piece.start : piece.stop + 1].astype(np.int64)
        sizes = np.diff(starts)
        if (sizes < 2).any():
            raise Invalid("auxiliaries: every one needs two members or more")
        members = kept(self.members)[starts[0] : starts[-1]].astype(np.int64)
        own = np.repeat(np.arange(piece.start, piece.start + len(sizes)), sizes)
        if (members < 0).any() or (members - own >= first).any():
            raise Invalid("auxiliaries: a member does not lie below its auxiliary")
        if ((members[1:] <= members[:-1]) & (own[1:] == own[:-1])).any():
            raise Invalid("auxiliaries: members are not ascending")
        kinds, parameters = kept(self.kinds)[piece], kept(self.parameters)[piece]
        most, digits = sizes.copy(), np.flatnonzero(kinds == DIGIT)
        most[digits] = digits_of(sizes[digits]) - 1
        if ((kinds != AT_LEAST) & (kinds != DIGIT)).any() or (parameters < 1).any() or (parameters > most).any():
            raise Invalid("auxiliaries: an unknown kind, or a parameter out of its range")

    def select(self, which: NDArray[np.integer]) -> Auxiliaries:
        """The auxiliaries numbered `which`, in that order."""
        sizes = self.sizes[which]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        places = np.repeat(self.starts.values[which] - starts[:-1], sizes) + np.arange(starts[-1])
        parts = (self.kinds.values[which], starts, self.members.values[places], self.parameters.values[which])
        return Auxiliaries(*map(Array, parts))

    def values(self, ones: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """What the auxiliaries stand for [reads, count], given which bits are 1 [reads, bits].

        Members that are auxiliaries count as they stand in `ones`. Cost: reads times members.
        """
        found = np.zeros((len(ones), self.count), bool)
        if self.count:
            step = max(1, _PIECE // max(self.members.size, 1))
            for start in range(0, len(ones), step):
                piece = slice(start, start + step)
                states = ones[piece][:, self.members.values]
                found[piece] = self._decided(np.add.reduceat(states, self.starts.values[:-1], axis=1, dtype=np.int32))
        return found

    def filled(self, ones: NDArray[np.bool_], first: int) -> NDArray[np.bool_]:
        """A copy of the samples [reads, bits] with each auxiliary, from bit `first` on, set to what it stands for."""
        samples = ones.copy()
        level = self._levels(first)
        for depth in range(int(level.max(initial=-1)) + 1):
            here = np.flatnonzero(level == depth)
            samples[:, first + here] = self.select(here).values(samples)
        return samples

    def _decided(self, counts: NDArray[np.int32]) -> NDArray[np.bool_]:
        kinds, parameters, sizes = self.kinds.values, self.parameters.values, self.sizes
        decided: NDArray[np.bool_] = counts >= parameters
        digit = np.flatnonzero(kinds == DIGIT)
        if len(digit):
            full = 1 << digits_of(sizes[digit])
            number = np.minimum(counts[:, digit] + full - sizes[digit], full - 1)
            decided[:, digit] = (number >> parameters[digit]) & 1
        return decided

    def _levels(self, first: int) -> NDArray[np.int64]:
        """How many auxiliaries deep the members of each reach; those over plain bits have 0."""
        level = np.zeros(self.count, np.int64)
        inner = np.flatnonzero(self.members.values >= first)
        own = np.repeat(np.arange(self.count), self.sizes)[inner]
        member = self.members.values[inner] - first
        while True:
            deeper = level.copy()
            np.maximum.at(deeper, own, level[member] + 1)
            if (deeper == level).all():
                return level
            level = deeper

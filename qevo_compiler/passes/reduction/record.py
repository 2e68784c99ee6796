"""The record of eliminations: which bits, and the threshold that gives each one back."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import ising
from qevo_compiler.ir import Array
from qevo_compiler.source import Span

Floats = NDArray[np.float64]
Integers = NDArray[np.integer]


@dataclass
class Record:
    """Eliminations by rounds, as `ising.reduction` states them, and how many bits each rule took."""

    counts: dict[str, int] = field(default_factory=dict)
    _bits: list[Integers] = field(default_factory=list)
    _biases: list[Floats] = field(default_factory=list)
    _sizes: list[Integers] = field(default_factory=list)
    _members: list[Integers] = field(default_factory=list)
    _weights: list[Floats] = field(default_factory=list)

    def fixed(self, rule: str, bits: Integers, spins: Integers) -> None:
        """Bits that take the values `spins` (-1 or +1)."""
        none = np.zeros(0)
        self._round(rule, bits, -spins.astype(np.float64), np.zeros(len(bits), np.int64), none.astype(np.int32), none)

    def followed(self, rule: str, bits: Integers, leaders: Integers, signs: Integers) -> None:
        """Bits that equal their leader (sign +1) or are its opposite (sign -1)."""
        count = np.ones(len(bits), np.int64)
        self._round(rule, bits, np.zeros(len(bits)), count, leaders, -signs.astype(np.float64))

    def thresholds(self, rule: str, bits: Integers, biases: Floats, members: Integers, weights: Floats) -> None:
        """Bits that are +1 where bias + weights . members < 0; `members` and `weights` are [bits, neighbours]."""
        count = np.full(len(bits), members.shape[1], np.int64)
        self._round(rule, bits, biases, count, members.reshape(-1), weights.reshape(-1))

    def op(self, span: Span | None) -> ising.ReductionOp | None:
        """The record as an op; None when nothing was eliminated."""
        if not self._bits:
            return None
        rounds = np.cumsum([0, *map(len, self._bits)])
        starts = np.concatenate([[0], np.cumsum(np.concatenate(self._sizes))])
        return ising.ReductionOp(
            eliminated=Array(np.concatenate(self._bits).astype(np.int64)),
            rounds=Array(rounds.astype(np.int64)),
            starts=Array(starts.astype(np.int64)),
            members=Array(np.concatenate(self._members).astype(np.int64)),
            weights=Array(np.concatenate(self._weights).astype(np.float64)),
            biases=Array(np.concatenate(self._biases).astype(np.float64)),
            span=span,
        )

    def _round(
        self, rule: str, bits: Integers, biases: Floats, sizes: Integers, members: Integers, weights: Floats
    ) -> None:
        if not len(bits):
            return
        self.counts[rule] = self.counts.get(rule, 0) + len(bits)
        self._bits.append(bits)
        self._biases.append(biases)
        self._sizes.append(sizes)
        self._members.append(members)
        self._weights.append(weights)

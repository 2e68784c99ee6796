"""Which spin of the model is which bit of the registers, where a presolve has eliminated some."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import ising
from qevo_compiler.dialects.ising import ReductionOp, RegisterOp
from qevo_compiler.ir import Array, Func

Spins = NDArray[np.int8]


class Numbering:
    """`s3` is spin 3 of the model; `b3` is bit 3 of the registers when it has no spin of its own."""

    def __init__(self, main: Func) -> None:
        self.bits = sum(register.count for register in main.ops_of(RegisterOp))
        self.reduction = main.first(ReductionOp)
        self._kept = np.arange(self.bits) if self.reduction is None else self.reduction.kept(self.bits)

    @property
    def spins(self) -> int:
        """How many spins the model has."""
        return len(self._kept)

    @cached_property
    def place(self) -> NDArray[np.int64]:
        """For every bit its spin, or -1."""
        place = np.full(self.bits, -1, np.int64)
        place[self._kept] = np.arange(len(self._kept))
        return place

    def bit(self, spin: int) -> int:
        return int(self._kept[spin])

    def of_register(self, register: RegisterOp) -> NDArray[np.int64]:
        """The spins of a register, ascending: a run of numbers."""
        place = self.place[register.first : register.first + register.count]
        found: NDArray[np.int64] = place[place >= 0]
        return found

    def name(self, bit: int) -> str:
        spin = int(self.place[bit]) if 0 <= bit < self.bits else bit
        return f"s{spin}" if spin >= 0 else f"b{bit}"

    def expand(self, spins: Spins) -> Spins:
        """States [reads, bits] from samples [reads, spins]."""
        return spins if self.reduction is None else self.reduction.expand(spins, self.bits)

    def restrict(self, states: Spins) -> Spins:
        """Samples [reads, spins] from states [reads, bits]."""
        restricted: Spins = states[:, self._kept]
        return restricted

    def reason(self, bit: int) -> str:
        """What an eliminated bit follows from, in words; empty for a bit that has a spin."""
        op = self.reduction
        if op is None or self.place[bit] >= 0:
            return ""
        k = int(np.flatnonzero(op.eliminated.values == bit)[0])
        start, end = (int(i) for i in op.starts.values[k : k + 2])
        members, weights = op.members.values[start:end], op.weights.values[start:end]
        bias = float(op.biases.values[k])
        if not len(members):
            return f"eliminated by presolve: always {'-1' if bias > 0 else '+1'} as a spin"
        if len(members) == 1 and not bias:
            word = "equal to" if weights[0] < 0 else "opposite of"
            return f"eliminated by presolve: {word} {self.name(int(members[0]))}"
        return f"eliminated by presolve: follows from {' and '.join(self.name(int(m)) for m in members)}"

    def over_spins(self, model: ising.ModelOp) -> ising.ModelOp:
        """A spin model over all bits as one over the model's spins, eliminated bits replaced by what they follow.

        Exact for bits that are fixed or follow one other; terms with bits that were minimised over are left out.
        """
        if self.reduction is None:
            return model
        leader, sign, known = self._substitutions()
        fields, rows, columns = model.fields.values, model.rows.values, model.columns.values
        free = (leader >= 0).astype(np.float64)
        size = self.spins
        target = np.maximum(leader, 0)
        linear = np.bincount(target, fields * sign * free, size)
        offset = model.offset + float(fields @ known)
        value = model.couplings.values
        both = (leader[rows] >= 0) & (leader[columns] >= 0)
        offset += float(value @ (known[rows] * known[columns]))
        linear += np.bincount(target[rows], value * sign[rows] * free[rows] * known[columns], size)
        linear += np.bincount(target[columns], value * sign[columns] * free[columns] * known[rows], size)
        product = (value * sign[rows] * sign[columns])[both]
        a, b = leader[rows][both], leader[columns][both]
        offset += float(product[a == b].sum())
        keys = (np.minimum(a, b) * max(size, 1) + np.maximum(a, b))[a != b]
        unique, place = np.unique(keys, return_inverse=True)
        total = np.bincount(place, product[a != b], len(unique)).astype(np.float64)
        first, second = np.divmod(unique, max(size, 1))
        pairs = (Array(first.astype(np.int32)), Array(second.astype(np.int32)), Array(total))
        return ising.ModelOp(offset, Array(linear.astype(np.float64)), *pairs, model.scale)

    def _substitutions(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """For each bit: the spin that it is or follows (-1: none), with what sign, or its known value (else 0)."""
        assert self.reduction is not None
        op = self.reduction
        leader, sign, known = self.place.copy(), np.ones(self.bits), np.zeros(self.bits)
        rounds, starts = op.rounds.values, op.starts.values
        for first, last in zip(rounds[-2::-1].tolist(), rounds[:0:-1].tolist(), strict=True):
            bits, biases = op.eliminated.values[first:last], op.biases.values[first:last]
            count = np.diff(starts[first : last + 1])
            fixed = count == 0
            known[bits[fixed]] = -np.sign(biases[fixed])
            follows = (count == 1) & (biases == 0)
            at = starts[first:last][follows]
            other, turn = op.members.values[at], -np.sign(op.weights.values[at])
            leader[bits[follows]] = leader[other]
            sign[bits[follows]] = turn * sign[other]
            known[bits[follows]] = turn * known[other]
        return leader, sign, known


__all__ = ["Numbering"]

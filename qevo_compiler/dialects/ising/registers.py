"""Which symbol every bit comes from, and which bits are known or follow from others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.ising.auxiliaries import Auxiliaries
from qevo_compiler.dialects.poly import AffineMap, Vartype
from qevo_compiler.dialects.problem import Domain, Encoding
from qevo_compiler.ir import Array, EnumAttribute, Invalid, Op


class Role(EnumAttribute):
    """Why a bit exists."""

    DECISION = "decision"
    SLACK = "slack"
    AUXILIARY = "auxiliary"


@dataclass(frozen=True)
class RegisterOp(Op):
    """The block of bits `first .. first + count` and what it stands for.

    decision: `affine` gives the values of the variable's elements (for a choice: its indicators)
    from the bits, numbered from the block's start; the other fields repeat the variable's declaration.
    slack: `symbol` is the constraint, `affine` gives the slack of each of its rows (same numbering).
    auxiliary: `auxiliaries` says what each bit of the block stands for, a function of lower-numbered bits.
    """

    name: ClassVar[str] = "ising.register"
    pure: ClassVar[bool] = False
    symbol: str
    role: Role
    vartype: Vartype
    first: int
    count: int
    affine: AffineMap | None = None
    auxiliaries: Auxiliaries | None = None
    domain: Domain | None = None
    encoding: Encoding | None = None
    shape: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    positions: Array | None = None
    tensor_shape: tuple[int, ...] = ()

    def verify(self) -> None:
        if (self.role is Role.AUXILIARY) != (self.auxiliaries is not None):
            raise Invalid(f"`{self.symbol}`: auxiliaries, and only they, say what they stand for")
        if self.auxiliaries is not None:
            if self.auxiliaries.count != self.count:
                raise Invalid(f"`{self.symbol}`: {self.auxiliaries.count} auxiliaries in {self.count} bits")
            self.auxiliaries.verify(self.first)
        if self.affine is not None and self.affine.bits.most >= max(self.count, 1):
            raise Invalid(f"`{self.symbol}`: a bit outside the block")


@dataclass(frozen=True)
class SettledOp(Op):
    """Bits (numbers of the registers, ascending) that have the values `ones`, 0 or 1, at every feasible point.

    Where `weight` is positive, objective and penalties of the energy are those at these values, and each of the bits
    with its other value costs `weight` besides; where it is 0 they are those of all values.
    """

    name: ClassVar[str] = "ising.settled"
    pure: ClassVar[bool] = False
    bits: Array
    ones: Array
    weight: float = 0.0

    def verify(self) -> None:
        if self.bits.size != self.ones.size or not (np.diff(self.bits.values) > 0).all():
            raise Invalid("settled bits are ascending, with a value each")
        if not np.isin(self.ones.values, (0, 1)).all():
            raise Invalid("a bit is 0 or 1")
        if not (np.isfinite(self.weight) and self.weight >= 0):
            raise Invalid("what another value costs is a number of at least 0")


@dataclass(frozen=True)
class ReductionOp(Op):
    """Bits that a presolve eliminated: each follows from the others at every state that matters.

    Bits carry the registers' numbers. Elimination k (in order; those of one round depend only on bits that
    the round left) removed bit `eliminated[k]`: as spins, it is +1 where

        biases[k] + sum_m weights[m] s[members[m]] < 0,   m in starts[k] .. starts[k + 1],

    and -1 elsewhere. `rounds` holds the first elimination of each round and, last, their number. The model's
    spins are the bits that are left, in ascending order.
    """

    name: ClassVar[str] = "ising.reduction"
    pure: ClassVar[bool] = False
    eliminated: Array
    rounds: Array
    starts: Array
    members: Array
    weights: Array
    biases: Array

    def verify(self) -> None:
        count = self.eliminated.size
        if self.starts.size != count + 1 or self.biases.size != count or self.members.size != self.weights.size:
            raise Invalid("the reduction's arrays do not fit each other")
        found = self.eliminated.values
        if not (found[1:] > found[:-1]).all() and not np.diff(np.sort(found)).all():
            raise Invalid("a bit is eliminated twice")

    def kept(self, bits: int) -> NDArray[np.int64]:
        """The numbers of the bits that are left, of `bits` in all."""
        left = np.ones(bits, bool)
        left[self.eliminated.values] = False
        return np.flatnonzero(left)

    def expand(self, spins: NDArray[np.int8], bits: int) -> NDArray[np.int8]:
        """States [reads, bits] of all bits from states [reads, kept] of those that are left."""
        states = np.full((len(spins), bits), -1, np.int8)
        states[:, self.kept(bits)] = spins
        rounds, starts, members = self.rounds.values, self.starts.values, self.members.values
        for first, last in zip(rounds[-2::-1].tolist(), rounds[:0:-1].tolist(), strict=True):
            parts = slice(int(starts[first]), int(starts[last]))
            owner = np.repeat(np.arange(last - first), np.diff(starts[first : last + 1]))
            fields = np.tile(self.biases.values[first:last], (len(spins), 1))
            for read, state in enumerate(states):
                products = self.weights.values[parts] * state[members[parts]]
                fields[read] += np.bincount(owner, products, last - first)
            states[:, self.eliminated.values[first:last]] = np.where(fields < 0, 1, -1)
        return states

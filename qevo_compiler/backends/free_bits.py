"""Which bits of a program an anneal moves; the others are held by presolve, or follow from those that moved."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.decode.numbering import Numbering
from qevo_compiler.dialects.ising import RegisterOp, Role
from qevo_compiler.dialects.poly import AffineMap, Polynomials, Vartype, arithmetic
from qevo_compiler.ir import Array, Module

Spins = NDArray[np.int8]


class FreeBits:
    """The bits of registers with one of `roles`, less those that presolve fixed at a value.

    `free` are their numbers in the registers; polynomials `over` them number them from 0 on.
    """

    def __init__(self, module: Module, roles: Collection[Role]) -> None:
        self.registers = module.main.ops_of(RegisterOp)
        self.numbering = Numbering(module.main)
        self._vartype = self.registers[0].vartype
        moved = np.zeros(self.numbering.bits, bool)
        for register in self.registers:
            moved[register.first : register.first + register.count] = register.role in roles
        self._held = np.full(self.numbering.bits, -1, np.int8)
        reduction = self.numbering.reduction
        if reduction is not None:
            fixed = np.diff(reduction.starts.values) == 0
            bits = reduction.eliminated.values[fixed]
            self._held[bits] = np.where(reduction.biases.values[fixed] < 0, 1, -1)
            moved[bits] = False
        self.free = np.flatnonzero(moved)

    def over(self, p: Polynomials) -> Polynomials:
        """Polynomials over all bits, in which only free and held ones occur, over the free ones."""
        size = self.numbering.bits
        moved = np.zeros(size, bool)
        moved[self.free] = True
        known = self._held if self._vartype is Vartype.SPIN else (self._held > 0)
        offsets = np.where(moved, 0.0, known.astype(np.float64))
        starts = np.concatenate([[0], np.cumsum(moved)])
        places = np.arange(len(self.free), dtype=np.int32)
        affine = AffineMap(Array(offsets), Array(starts), Array(places), Array(np.ones(len(places))))
        return arithmetic.reduce_powers(arithmetic.substitute(p, affine), self._vartype)

    def ones(self, states: Spins) -> NDArray[np.bool_]:
        """Which bits are 1 [reads, bits], for values of the free ones [reads, free] that are positive for 1."""
        found = np.tile(self._held > 0, (len(states), 1))
        found[:, self.free] = states > 0
        return found

    def samples(self, ones: NDArray[np.bool_]) -> Spins:
        """Samples [reads, spins] of the emitted model, with every auxiliary bit at what it stands for."""
        for register in self.registers:
            if register.auxiliaries is not None:
                ones = register.auxiliaries.filled(ones, register.first)
        return self.numbering.restrict(np.where(ones, np.int8(1), np.int8(-1)))

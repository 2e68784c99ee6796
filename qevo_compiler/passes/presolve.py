"""Eliminate bits whose value follows from the others; the least energy stays and decoding gives them back.

before: poly.objective {3 a - a b + 2 b c}
after:  ising.reduction {a = 0, ...}; poly.objective {2 b c}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.poly import Polynomials, Vartype
from qevo_compiler.dialects.poly.polynomials import Terms
from qevo_compiler.ir import Array, Builder, Evidence, Func, LedgerEntry, Legal, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.limits import check_numbers
from qevo_compiler.passes.reduction.couplings import couplings_of
from qevo_compiler.passes.reduction.energy import Energy
from qevo_compiler.passes.reduction.higher import fixable_in, fixed_in
from qevo_compiler.passes.reduction.record import Record
from qevo_compiler.passes.reduction.roof import roof_dual_fixings
from qevo_compiler.passes.stages import UNCONSTRAINED

Fixings = tuple[NDArray[np.integer], NDArray[np.integer]]

# Large models stop when a round takes less than this share of their bits: a round costs a sort of all couplings.
SMALL = 2000
LEAST_SHARE = 0.002
# What roof duality may cost, as bits plus couplings: about `roof_seconds` on the slowest machine measured. A limit
# in seconds of the clock would make the emitted program depend on the machine's load.
ROOF_TERMS_A_SECOND = 100_000


@dataclass(frozen=True)
class Presolve(Pass):
    """Bits that `settle-bits` found take their values.

    `persistency`: bits with one best value, or that always follow a neighbour, whatever the others do.

    `symmetry`: where flipping all bits of a connected part changes nothing, one of them is fixed.
    `contraction`: bits with two neighbours are minimised over. `roof_seconds`: the cap of roof duality, which
    runs last where dwave-preprocessing is installed; 0 leaves it out.
    """

    name: ClassVar[str] = "presolve"
    takes: ClassVar[Legal] = UNCONSTRAINED
    leaves: ClassVar[Legal] = UNCONSTRAINED

    persistency: bool = True
    symmetry: bool = True
    contraction: bool = False
    roof_seconds: float = 0.0

    def run(self, module: Module, context: Context = SILENT) -> Module:
        check_numbers(self, "roof_seconds", least=0)
        main = module.main
        op = main.first(poly.ObjectiveOp)
        bits = sum(register.count for register in main.ops_of(ising.RegisterOp))
        if op is None or not bits or main.first(ising.ReductionOp) is not None:
            return module
        record = Record()
        reduced = self._reduced(op.polynomial, bits, _vartype(main), main.first(ising.SettledOp), record)
        reduction = record.op(op.span)
        if reduction is None:
            return module
        polynomial = _polynomial(reduced) if isinstance(reduced, Energy) else reduced
        taken = sum(record.counts.values())
        note = ", ".join(f"{count} by {rule}" for rule, count in record.counts.items())
        entry = LedgerEntry(self.name, "eliminated bits", taken, Evidence.PROVED, "", f"of {bits}: {note}")
        return module.with_main(_with_reduction(main, op, polynomial, reduction)).record(entry)

    def _reduced(
        self, p: Polynomials, bits: int, vartype: Vartype, settled: ising.SettledOp | None, record: Record
    ) -> Polynomials | Energy:
        alive = np.ones(bits, bool)
        if settled is not None:
            found, spins = _all_but_one((settled.bits.values, 2 * settled.ones.values - 1), bits)
            record.fixed("constraints", found, spins)
            alive[found] = False
            p = fixed_in(p, bits, found, spins)
        if p.degree > 2 and self.persistency and vartype is Vartype.BINARY:
            p, alive = self._fix_higher(p, alive, record)
        if p.degree > 2 or not (self.persistency or self.symmetry or self.roof_seconds):
            return p
        return self._quadratic(_energy(p, bits, vartype, alive), record)

    def _fix_higher(
        self, p: Polynomials, alive: NDArray[np.bool_], record: Record
    ) -> tuple[Polynomials, NDArray[np.bool_]]:
        alive, bits = alive.copy(), len(alive)
        while p.degree > 2:
            found, spins = _all_but_one(fixable_in(p, alive), int(alive.sum()))
            if not self._worth(len(found), bits):
                break
            record.fixed("persistency", found, spins)
            alive[found] = False
            p = fixed_in(p, bits, found, spins)
        return p, alive

    def _quadratic(self, energy: Energy, record: Record) -> Energy:
        before = -1
        while before != int(energy.alive.sum()):
            before = int(energy.alive.sum())
            energy = self._persistent(energy, record) if self.persistency else energy
            if self.symmetry:
                bits = energy.symmetric()
                if len(bits):
                    record.fixed("symmetry", bits, np.full(len(bits), -1))
                    energy.forget()
                    energy = energy.fix(bits, np.full(len(bits), -1))
            if not self._worth(before - int(energy.alive.sum()), energy.size):
                break
        terms = int(energy.alive.sum()) + len(energy.couplings)
        if self.roof_seconds and terms <= self.roof_seconds * ROOF_TERMS_A_SECOND:
            bits, spins = _all_but_one(roof_dual_fixings(energy), int(energy.alive.sum()))
            record.fixed("roof duality", bits, spins)
            energy = energy.fix(bits, spins) if len(bits) else energy
        return energy

    def _persistent(self, energy: Energy, record: Record) -> Energy:
        """Fix, merge and contract until nothing, or too little, is left to take."""
        while True:
            start = int(energy.alive.sum())
            bits, spins = _all_but_one(energy.fixable(), start)
            if len(bits):
                record.fixed("persistency", bits, spins)
                energy.forget()
                energy = energy.fix(bits, spins)
            bits, leaders, signs = energy.followers()
            if len(bits):
                record.followed("merging", bits, leaders, signs)
                energy.forget()
                energy = energy.follow(bits, leaders, signs)
            if self.contraction:
                energy = _contracted(energy, record)
            if not self._worth(start - int(energy.alive.sum()), energy.size):
                return energy

    def _worth(self, taken: int, size: int) -> bool:
        """Whether another round is called for after one that took so many bits."""
        return taken > 0 and (size <= SMALL or taken >= LEAST_SHARE * size)


def _all_but_one(found: Fixings, alive: int) -> Fixings:
    """What may be fixed of `alive` bits: a program of no bit at all could not be sampled."""
    bits, spins = found
    return (bits[:-1], spins[:-1]) if len(bits) == alive else found


def _contracted(energy: Energy, record: Record) -> Energy:
    bits, neighbours, couplings = energy.contractible()
    if not len(bits):
        return energy
    # As spins: c + q1 x1 + q2 x2 = c + (q1 + q2) / 2 + (q1 s1 + q2 s2) / 2.
    bias = energy.linear[bits] if energy.spins else energy.linear[bits] + couplings.sum(axis=1) / 2
    record.thresholds("contraction", bits, bias, neighbours, couplings if energy.spins else couplings / 2)
    return energy.contract(bits, neighbours, couplings)


def _vartype(main: Func) -> Vartype:
    return main.ops_of(ising.RegisterOp)[0].vartype


def _energy(p: Polynomials, bits: int, vartype: Vartype, alive: NDArray[np.bool_]) -> Energy:
    _, names, single = p.block(1)
    linear = single
    if len(single) < bits:
        linear = np.zeros(bits)
        linear[names[:, 0]] = single
    return Energy(vartype is Vartype.SPIN, float(p.constants()[0]), linear, couplings_of(p), alive)


def _polynomial(energy: Energy) -> Polynomials:
    used = np.flatnonzero(energy.linear)
    blocks = [
        (np.zeros((1, 0), np.int32), np.array([energy.offset])),
        (used[:, None].astype(np.int32), energy.linear[used]),
    ]
    terms = []
    for names, coefficients in blocks:
        if coefficients.any():
            row = Array(np.broadcast_to(np.int32(0), coefficients.shape), keep_layout=True)
            terms.append(Terms(row, Array(names), Array(coefficients)))
    crossing = energy.couplings.terms()
    return Polynomials(1, (*terms, crossing) if crossing is not None else tuple(terms))


def _with_reduction(main: Func, op: poly.ObjectiveOp, polynomial: Polynomials, reduction: ising.ReductionOp) -> Func:
    builder = Builder()
    for other in main.ops:
        if other is op:
            builder.append(reduction)
            builder.append(poly.ObjectiveOp(polynomial, op.sense, span=op.span))
        else:
            builder.append(other)
    return builder.finish()

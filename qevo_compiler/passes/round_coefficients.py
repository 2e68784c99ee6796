"""Round fields and couplings to what the target's control can tell apart, and prove what that costs.

before: ising.model {fields = [1.0, 0.3], couplings = {(0, 1) = -0.1}}
after:  ising.model {fields = [0.9, 0.3], couplings = {}}    with bits = 2: steps of 0.3, zeros dropped
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.granularity import row_units
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.ir import IllegalOp
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.ir import Array, Builder, Evidence, LedgerEntry, Legal, Module, rewrite
from qevo_compiler.ir.ops import Op, Value
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.limits import check_numbers
from qevo_compiler.passes.quantities import ENERGY_ERROR, PENALTY_GAP
from qevo_compiler.passes.stages import SPIN

Floats = NDArray[np.float64]

EXCESS = "excess energy of the rounded lowest states"
MAX_ENUMERATED = 16
# Sums of some million roundings are themselves rounded; bounds are taken larger by this part.
SLACK = 1e-9
# Units are told from noise only up to about 2^21 of them; a second run must find the grid again.
MAX_ALIGNED = 20


@dataclass(frozen=True)
class RoundCoefficients(Pass):
    """With `bits`, every field and coupling becomes a multiple of one step; without, nothing is done.

    The step is the largest coefficient over 2^bits, rounded up to a multiple of the coefficients' common unit
    where they have one: a model that fits in the bits stays as it is.
    No energy changes by more than the sum of all roundings, e. The lowest state of the rounded model thus
    lies at most 2 e above the true lowest energy; where all coefficients are multiples of a unit, energies
    differ by multiples of twice it, and below the unit e changes no lowest state. Small models are enumerated.
    """

    name: ClassVar[str] = "round-coefficients"
    takes: ClassVar[Legal] = SPIN
    leaves: ClassVar[Legal] = SPIN

    bits: int | None = None

    def run(self, module: Module, context: Context = SILENT) -> Module:
        check_numbers(self, "bits", least=1, most=52)
        op = module.main.first(ising.ModelOp)
        if self.bits is None or op is None:
            return module
        products = module.main.first(ProductsOp)
        if products is not None:
            advice = "leave its `bits` out: a circuit's angles are exact"
            raise CompileError(IllegalOp(products.span, products.name, f"for `{self.name}`", advice))
        found = rounded(op, self.bits)
        if found is op:
            return module

        def rule(old: Op, builder: Builder) -> tuple[Value, ...] | None:
            return builder.append(found) if isinstance(old, ising.ModelOp) else None

        error = rounding_error(op, found) * (1 + SLACK)
        entries = self._entries(module, op, found, error)
        return module.with_main(rewrite(module.main, rule)).record(*entries)

    def _excess(self, op: ising.ModelOp, found: ising.ModelOp, error: float) -> LedgerEntry:
        """How far above the true lowest energy the rounded model's lowest states may lie; 0: they are lowest states."""
        if op.size <= MAX_ENUMERATED:
            excess, how = enumerated_excess(op, found), "over all states"
        else:
            excess, how = 2 * error, "twice the energy error"
            unit = unit_of(op)
            if unit:
                excess, how = 2 * unit * np.floor(error / unit), "twice the error in whole steps between energies"
        kept = "they are lowest states still" if excess == 0 else "the lowest state may change"
        note = f"by how much its lowest states may miss the true lowest energy, {how}; {kept}"
        return LedgerEntry(self.name, EXCESS, float(excess), Evidence.PROVED, "", note)

    def _entries(self, module: Module, op: ising.ModelOp, found: ising.ModelOp, error: float) -> list[LedgerEntry]:
        note = f"{self.bits} bits; no energy changes by more, in the model's units"
        entries = [
            LedgerEntry(self.name, ENERGY_ERROR, error, Evidence.PROVED, "", note),
            self._excess(op, found, error),
        ]
        gaps = [entry for entry in module.ledger if entry.quantity == PENALTY_GAP]
        if gaps:
            left = min(entry.value for entry in gaps) * op.scale - 2 * error
            proved = all(entry.kind is Evidence.PROVED for entry in gaps)
            kind = Evidence.PROVED if proved else Evidence.ESTIMATED
            said = "states that break a constraint still lie above the best feasible one"
            note = said if left > 0 else "not positive: a state that breaks a constraint may now be the lowest"
            entries.append(LedgerEntry(self.name, "penalty gap after rounding", left, kind, "", note))
        return entries


def rounded(op: ising.ModelOp, bits: int) -> ising.ModelOp:
    """The model on the grid of `step_of`; the same op when it is on it already."""
    fields, couplings = op.fields.values, op.couplings.values
    largest = float(max(np.abs(fields).max(initial=0), np.abs(couplings).max(initial=0)))
    if largest == 0:
        return op
    step = step_of(op, largest, bits)
    new_fields, new_couplings = (np.rint(values / step) * step for values in (fields, couplings))
    if np.array_equal(new_fields, fields) and np.array_equal(new_couplings, couplings):
        return op
    kept = new_couplings != 0
    return replace(
        op,
        fields=Array(new_fields + 0.0),
        rows=Array(op.rows.values[kept]),
        columns=Array(op.columns.values[kept]),
        couplings=Array(new_couplings[kept]),
    )


def step_of(op: ising.ModelOp, largest: float, bits: int) -> float:
    """The step of a control of `bits` bits for coefficients up to `largest`; a multiple of their unit if known."""
    step, unit = largest / 2.0**bits, unit_of(op)
    if not unit or bits > MAX_ALIGNED:
        return step
    return float(unit * max(np.ceil(step / unit - SLACK), 1.0))


def rounding_error(op: ising.ModelOp, found: ising.ModelOp) -> float:
    """The sum of the changes of all fields and couplings; `found` has a subset of the couplings of `op`."""
    moved = op.couplings.values.copy()
    size = max(op.size, 1)
    keys, kept = (m.rows.values.astype(np.int64) * size + m.columns.values for m in (op, found))
    moved[np.searchsorted(keys, kept)] -= found.couplings.values
    return float(np.abs(op.fields.values - found.fields.values).sum() + np.abs(moved).sum())


def unit_of(op: ising.ModelOp) -> float:
    """What all fields and couplings are multiples of, 0 where nothing of that kind is known."""
    values = np.concatenate([op.fields.values, op.couplings.values])
    names = np.arange(len(values), dtype=np.int32)[:, None]
    unit = float(row_units(pack(1, [(np.zeros(len(values), np.int32), names, values)]))[0])
    return unit if np.isfinite(unit) else 0.0


def enumerated_excess(op: ising.ModelOp, found: ising.ModelOp) -> float:
    """The largest energy under `op`, above its lowest, of the lowest states of `found`; cost 2^spins."""
    before, after = _all_energies(op), _all_energies(found)
    size = float(np.abs(op.fields.values).sum() + np.abs(op.couplings.values).sum())
    lowest = after <= after.min() + SLACK * size
    excess = float(before[lowest].max() - before.min())
    return excess if excess > SLACK * size else 0.0


def _all_energies(op: ising.ModelOp) -> Floats:
    """Energies [2^spins] without the offset."""
    states = 2.0 * (np.arange(2**op.size)[:, None] >> np.arange(op.size) & 1) - 1
    matrix = np.zeros((op.size, op.size))
    matrix[op.rows.values, op.columns.values] = op.couplings.values
    energies: Floats = states @ op.fields.values + ((states @ matrix) * states).sum(axis=1)
    return energies

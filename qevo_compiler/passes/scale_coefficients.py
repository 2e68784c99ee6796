"""Multiply a spin model by one factor so that its fields and couplings fit the annealer's ranges.

before: ising.model {fields = [2.0, 1.0], couplings = {(0, 1) = 4.0}, scale = 1.0}
after:  ising.model {fields = [0.5, 0.25], couplings = {(0, 1) = 1.0}, scale = 0.25}   with max-coupling = 1
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics.schedule import TooFewBits
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.ir import Array, Builder, Evidence, LedgerEntry, Legal, Module, rewrite
from qevo_compiler.ir.ops import Op, Value
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.limits import check_numbers
from qevo_compiler.passes.stages import SPIN

_PIECE = 1 << 16  # numbers that are looked at together


@dataclass(frozen=True)
class ScaleCoefficients(Pass):
    """`max_field` and `max_coupling` bound |h| and |J|; a model that fits is not enlarged.

    The order of energies does not change. With `bits`, the precision that the target's control has, a
    model that needs more is reported.
    """

    name: ClassVar[str] = "scale-coefficients"
    takes: ClassVar[Legal] = SPIN
    leaves: ClassVar[Legal] = SPIN

    max_field: float | None = None
    max_coupling: float | None = None
    bits: int | None = None

    def run(self, module: Module, context: Context = SILENT) -> Module:
        self._check()
        op = module.main.first(ising.ModelOp)
        if op is None:
            return module
        factor = self._factor(op)
        note = "energies are the problem's multiplied by this; sampled energies are divided by it"
        scale = LedgerEntry(self.name, "scale factor", op.scale * factor, Evidence.PROVED, "", note)
        entries = (*self._precision(op, context), scale)
        if factor == 1:
            return module.record(*entries)

        def rule(found: Op, builder: Builder) -> tuple[Value, ...] | None:
            if isinstance(found, ProductsOp):
                return builder.append(found.scaled(factor))
            return builder.append(scaled(found, factor)) if isinstance(found, ising.ModelOp) else None

        return module.with_main(rewrite(module.main, rule)).record(*entries)

    def _check(self) -> None:
        check_numbers(self, "max_field", "max_coupling", "bits")

    def _factor(self, op: ising.ModelOp) -> float:
        factor = 1.0
        for limit, values in ((self.max_field, op.fields), (self.max_coupling, op.couplings)):
            largest = _largest(values)
            if limit is not None and largest * factor > limit:
                factor = limit / largest
                # Rounding must not push the largest coefficient over the limit, nor a second run scale again.
                while largest * factor > limit:
                    factor = float(np.nextafter(factor, 0))
        return factor

    def _precision(self, op: ising.ModelOp, context: Context) -> list[LedgerEntry]:
        needed = bits_needed(op)
        if self.bits is not None and needed > self.bits:
            context.warn(TooFewBits(op.span, needed, self.bits))
        limit = "" if self.bits is None else f"; the target's control has {self.bits}"
        note = f"log2 of the largest over the smallest field or coupling that is not zero{limit}"
        return [LedgerEntry(self.name, "bits of precision needed", needed, Evidence.MEASURED, "", note)]


def bits_needed(op: ising.ModelOp) -> float:
    """log2 of the ratio of the largest to the smallest nonzero coefficient; 0 for a model without any."""
    largest = max(_largest(part) for part in (op.fields, op.couplings))
    if not largest:
        return 0.0
    smallest = min(_smallest(part.values) for part in (op.fields, op.couplings))
    with np.errstate(over="ignore"):
        ratio = np.float64(largest) / smallest
    return float(np.log2(ratio) if np.isfinite(ratio) else np.log2(largest) - np.log2(smallest))


def _largest(values: Array) -> float:
    return max(values.most, -values.least)


def _smallest(values: NDArray[np.float64]) -> float:
    """The smallest size that is not 0, inf without one; a copy of a piece at a time."""
    pieces = (np.abs(values[start : start + _PIECE]) for start in range(0, len(values), _PIECE))
    return min((float(piece.min(initial=np.inf, where=piece > 0)) for piece in pieces), default=np.inf)


def scaled(op: ising.ModelOp, factor: float) -> ising.ModelOp:
    """The model with all energies multiplied by `factor`."""
    return replace(
        op,
        offset=op.offset * factor,
        fields=Array(op.fields.values * factor),
        couplings=Array(op.couplings.values * factor),
        scale=op.scale * factor,
    )

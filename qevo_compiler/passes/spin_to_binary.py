"""Restate a model over spins as one over bits, s = 2x - 1; a scaled model gets its original scale back.

before: ising.model {offset = 2.0, fields = [2.0, 1.0], couplings = {(0, 1) = 1.0}}
after:  ising.qubo {linear = [2.0, 0.0], quadratic = {(0, 1) = 4.0}}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qevo_compiler.dialects import ising
from qevo_compiler.ir import Array, Builder, Legal, Module, rewrite
from qevo_compiler.ir.ops import Op, Value
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.binary_to_spin import degree_sums
from qevo_compiler.passes.penalty.rounding_dust import is_dust
from qevo_compiler.passes.stages import QUADRATIC


@dataclass(frozen=True)
class SpinToBinary(Pass):
    """Energies stay the same at every state, up to rounding and the model's scale."""

    name: ClassVar[str] = "spin-to-binary"
    takes: ClassVar[Legal] = QUADRATIC
    leaves: ClassVar[Legal] = QUADRATIC

    def run(self, module: Module, context: Context = SILENT) -> Module:
        return module.with_main(rewrite(module.main, _rule))


def _rule(op: Op, builder: Builder) -> tuple[Value, ...] | None:
    return builder.append(bit_model(op)) if isinstance(op, ising.ModelOp) else None


def bit_model(op: ising.ModelOp) -> ising.QuboOp:
    """The bit model with the energies of the unscaled spin model."""
    couplings, fields = op.couplings.values / op.scale, op.fields.values / op.scale
    linear = 2 * (fields - degree_sums(op.rows, op.columns, couplings, op.size))
    sizes = np.abs(fields) + degree_sums(op.rows, op.columns, np.abs(couplings), op.size)
    linear[is_dust(linear, 2 * sizes)] = 0
    offset = op.offset / op.scale - float(fields.sum()) + float(couplings.sum())
    return ising.QuboOp(offset, Array(linear), op.rows, op.columns, Array(4 * couplings), span=op.span)

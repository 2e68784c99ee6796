"""Restate a model over bits as one over spins, s = 2x - 1.

before: ising.qubo {linear = [2.0, 0.0], quadratic = {(0, 1) = 4.0}}
after:  ising.model {offset = 2.0, fields = [2.0, 1.0], couplings = {(0, 1) = 1.0}}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import ising
from qevo_compiler.evaluator.terms.term_kernels import sums_by_bit
from qevo_compiler.ir import Array, Builder, Legal, Module, rewrite
from qevo_compiler.ir.ops import Op, Value
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.penalty.rounding_dust import is_dust
from qevo_compiler.passes.stages import QUADRATIC, SPIN

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BinaryToSpin(Pass):
    """Energies stay the same at every state, up to rounding."""

    name: ClassVar[str] = "binary-to-spin"
    takes: ClassVar[Legal] = QUADRATIC
    leaves: ClassVar[Legal] = SPIN

    def run(self, module: Module, context: Context = SILENT) -> Module:
        return module.with_main(rewrite(module.main, _rule))


def _rule(op: Op, builder: Builder) -> tuple[Value, ...] | None:
    return builder.append(spin_model(op)) if isinstance(op, ising.QuboOp) else None


def spin_model(op: ising.QuboOp) -> ising.ModelOp:
    """The spin model with the same energies: x = (1 + s) / 2 put into the bit model."""
    quarter = op.quadratic.values / 4
    linear = op.linear.values
    coupled, sizes = sums_by_bit(op.rows.values, op.columns.values, quarter, op.size)
    fields = linear / 2 + coupled
    fields[is_dust(fields, np.abs(linear) / 2 + sizes)] = 0
    offset = op.offset + float(linear.sum()) / 2 + float(quarter.sum())
    return ising.ModelOp(offset, Array(fields), op.rows, op.columns, Array(quarter), span=op.span)


def spin_view(module: Module) -> ising.ModelOp | None:
    """The module's model over spins: its own, or that of its model over bits, or None when it has neither."""
    model = module.main.first(ising.ModelOp)
    bits = module.main.first(ising.QuboOp) if model is None else None
    return model if bits is None else spin_model(bits)


def degree_sums(rows: Array, columns: Array, values: Floats, size: int) -> Floats:
    """The sum of the values of all pairs that each bit belongs to, [size]."""
    total = np.bincount(rows.values, values, size).astype(np.float64)
    total += np.bincount(columns.values, values, size)
    return total

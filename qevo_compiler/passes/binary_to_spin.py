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
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.dialects.poly import AffineMap, Polynomials, Vartype, arithmetic
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.evaluator.terms.term_kernels import sums_by_bit
from qevo_compiler.ir import Array, Builder, Legal, Module, rewrite
from qevo_compiler.ir.ops import Op, Value
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.penalty.rounding_dust import is_dust, magnitude, without_dust
from qevo_compiler.passes.stages import QUADRATIC, SPIN

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BinaryToSpin(Pass):
    """Energies stay the same at every state, up to rounding."""

    name: ClassVar[str] = "binary-to-spin"
    takes: ClassVar[Legal] = QUADRATIC
    leaves: ClassVar[Legal] = SPIN

    def run(self, module: Module, context: Context = SILENT) -> Module:
        products = module.main.first(ProductsOp)
        if products is None or products.vartype is Vartype.SPIN:
            return module.with_main(rewrite(module.main, _rule))
        return module.with_main(rewrite(module.main, _Joined(products)))


def _rule(op: Op, builder: Builder) -> tuple[Value, ...] | None:
    return builder.append(spin_model(op)) if isinstance(op, ising.QuboOp) else None


@dataclass(frozen=True)
class _Joined:
    """A product of bits has products of fewer spins too: the model beside it takes up those of one and two."""

    products: ProductsOp

    def __call__(self, op: Op, builder: Builder) -> tuple[Value, ...] | None:
        if isinstance(op, ProductsOp):
            return ()
        if not isinstance(op, ising.QuboOp):
            return None
        energy = _in_spins(spin_model(op), self.products.energy)
        builder.append(_model_of(energy, op))
        high = tuple(block for block in energy.terms if block.degree > 2)
        if high:
            builder.append(ProductsOp(Polynomials(1, high), Vartype.SPIN, span=self.products.span))
        return ()


def _in_spins(model: ising.ModelOp, products: Polynomials) -> Polynomials:
    """A spin model and products of bits as one polynomial over spins, without the rounding of terms that cancel."""
    size, zeros = model.size, np.zeros
    halves = AffineMap(*map(Array, (np.full(size, 0.5), np.arange(size + 1), np.arange(size), np.full(size, 0.5))))
    quadratic = pack(
        1,
        [
            (zeros(1, np.int32), zeros((1, 0), np.int32), np.array([model.offset])),
            (zeros(size, np.int32), np.arange(size, dtype=np.int32)[:, None], model.fields.values),
            (
                zeros(model.rows.size, np.int32),
                np.stack([model.rows.values, model.columns.values], axis=1).astype(np.int32),
                model.couplings.values,
            ),
        ],
    )
    total = arithmetic.add(quadratic, arithmetic.substitute(products, halves))
    sizes = arithmetic.add(magnitude(quadratic), arithmetic.substitute(magnitude(products), halves))
    return without_dust(total, sizes)


def _model_of(energy: Polynomials, op: ising.QuboOp) -> ising.ModelOp:
    """The terms of up to two spins."""
    _, names, single = energy.block(1)
    _, pairs, couplings = energy.block(2)
    fields = np.zeros(op.size)
    fields[names[:, 0]] = single
    rows, columns = (Array(np.ascontiguousarray(pairs[:, k])) for k in (0, 1))
    return ising.ModelOp(float(energy.constants()[0]), Array(fields), rows, columns, Array(couplings), span=op.span)


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

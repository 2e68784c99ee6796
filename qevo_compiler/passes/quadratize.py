"""Write products of three and more bits with auxiliary bits, exactly.

before: poly.objective {-2 a b c}
after:  ising.register {role = Role.auxiliary, factors = [(a, b)]}; ising.qubo {-2 c z - 2 a z - 2 b z + 4 z}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.encoding import TooManyAuxiliaries
from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.poly import Polynomials, Vartype
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.ir import Array, Builder, Func, Legal, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.pair_products import Monomials, TooMany, split_products
from qevo_compiler.passes.stages import QUADRATIC, UNCONSTRAINED

AUXILIARY = "product"


@dataclass(frozen=True)
class Quadratize(Pass):
    """The least energy over the auxiliaries equals the polynomial at every state of the other bits.

    At most `max_auxiliaries` are made. Spin models are quadratic already and pass through.
    """

    name: ClassVar[str] = "quadratize"
    takes: ClassVar[Legal] = UNCONSTRAINED
    leaves: ClassVar[Legal] = QUADRATIC

    max_auxiliaries: int = 10_000_000

    def run(self, module: Module, context: Context = SILENT) -> Module:
        main = module.main
        op = main.first(poly.ObjectiveOp)
        if op is None:
            return module
        bits = sum(register.count for register in main.ops_of(ising.RegisterOp))
        try:
            polynomial, factors = quadratized(op.polynomial, bits, self.max_auxiliaries)
        except TooMany:
            raise CompileError(TooManyAuxiliaries(op.span, op.polynomial.degree, self.max_auxiliaries)) from None
        return module.with_main(_lowered(main, op, polynomial, factors, bits))


def quadratized(p: Polynomials, bits: int, limit: int) -> tuple[Polynomials, Array | None]:
    """`p` (one multilinear row over 0/1 bits) with auxiliaries from `bits` on, and their factors if any."""
    if p.degree <= 2:
        return p, None
    high = [Monomials(b.variables.values, b.coefficients.values) for b in p.terms if b.degree > 2]
    split = split_products(high, bits, limit)
    blocks = [(b.row.values, b.variables.values, b.coefficients.values) for b in p.terms if b.degree <= 2]
    blocks += [(np.zeros(len(m.names), np.int32), m.names, m.coefficients) for m in split.quadratic]
    return pack(1, blocks), Array(split.factors.astype(np.int64))


def _lowered(main: Func, op: poly.ObjectiveOp, polynomial: Polynomials, factors: Array | None, bits: int) -> Func:
    builder = Builder()
    registers = main.ops_of(ising.RegisterOp)
    spins = bool(registers) and registers[0].vartype is Vartype.SPIN
    for register in registers:
        builder.append(register)
    if factors is not None:
        count = len(factors)
        role, vartype = ising.Role.AUXILIARY, Vartype.BINARY
        builder.append(ising.RegisterOp(AUXILIARY, role, vartype, bits, count, factors=factors, span=op.span))
        bits += count
    for other in main.ops:
        if not isinstance(other, (ising.RegisterOp, poly.ObjectiveOp)):
            builder.append(other)
    builder.append(_model(polynomial, bits, spins, op))
    return builder.finish()


def _model(p: Polynomials, bits: int, spins: bool, op: poly.ObjectiveOp) -> ising.ModelOp | ising.QuboOp:
    offset = float(p.constants()[0])
    _, names, coefficients = p.block(1)
    single = Array(np.bincount(names[:, 0], coefficients, bits).astype(np.float64))
    _, pairs, quadratic = p.block(2)
    rows, columns = Array(pairs[:, 0]), Array(pairs[:, 1])
    kind = ising.ModelOp if spins else ising.QuboOp
    return kind(offset, single, rows, columns, Array(quadratic), span=op.span)

"""Write every variable in bits and state objective and constraints over the bits.

before: problem.variable() {symbol = "k", domain = Domain.int, lower = 0, upper = 5}; poly.objective {k^2}
after:  ising.register {symbol = "k", count = 3, affine = b0 + 2 b1 + 2 b2}; poly.objective {(b0 + 2 b1 + 2 b2)^2}
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qevo_compiler.diagnostics import Diagnostics
from qevo_compiler.diagnostics.encoding import TooManyBits, TrainingIgnored, UnboundedDomain, WrongEncoding
from qevo_compiler.diagnostics.language.statements import BadBits, EmptyDomain
from qevo_compiler.diagnostics.linear import LinearizeRefused
from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.poly import Polynomials, Vartype
from qevo_compiler.dialects.problem import Domain, Encoding, LinearizeOp, ListedOp, Relation, TrainOp, VariableOp
from qevo_compiler.ir import Array, Builder, Evidence, Func, LedgerEntry, Legal, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.encoding.bit_writer import BitWriter
from qevo_compiler.passes.encoding.codes import (
    BOUND,
    MAX_BITS,
    MAX_SPAN,
    Code,
    bit_count,
    encode,
    grid_steps,
    precise_bound,
    precise_code,
    ranges,
)
from qevo_compiler.passes.limits import check_numbers
from qevo_compiler.passes.stages import ENCODED, POLYNOMIAL

_FOR_CHOICES = (Encoding.ONE_HOT, Encoding.DOMAIN_WALL)
_FOR_LISTED = (*_FOR_CHOICES, Encoding.ORDER)


@dataclass(frozen=True)
class EncodeVariables(Pass):
    """`integer` and `choice` encode the variables that do not say `encoded as` themselves.

    Without them an integer takes log, a choice takes one-hot, and a choice of two labels one single bit. An integer
    that is compared inside an expression is coded as a choice, or as `integer` says if that has a bit a value. With
    `precision`, the bits of the target's control, an integer whose squared log weights need more takes a bounded
    code, unless that is four times as long. `bound` is the largest weight of a bounded code (default 8, or what
    fits `precision`).
    Cost: a monomial whose d variables have w bits each becomes w^d monomials.
    """

    name: ClassVar[str] = "encode-variables"
    takes: ClassVar[Legal] = POLYNOMIAL
    leaves: ClassVar[Legal] = ENCODED

    integer: Encoding | None = None
    choice: Encoding | None = None
    precision: int | None = None
    bound: int | None = None

    def run(self, module: Module, context: Context = SILENT) -> Module:
        main = module.main
        variables = main.ops_of(VariableOp)
        if not variables and not main.ops_of(TrainOp) and not main.ops_of(LinearizeOp):
            return module
        check_numbers(self, "precision", "bound", least=1)
        chosen = [self._choose(op) for op in variables]
        self._check(main, list(zip(variables, chosen, strict=True)))
        for train in main.ops_of(TrainOp):
            context.warn(TrainingIgnored(train.span))
        vartype = _vartype(main)
        codes = [encode(op, encoding, vartype, self._bound) for op, encoding in zip(variables, chosen, strict=True)]
        steps = [_grid_entry(op) for op in variables if op.domain is Domain.REAL and op.size]
        return module.with_main(_encoded(main, codes, vartype)).record(*steps)

    def _choose(self, op: VariableOp) -> Encoding:
        if op.domain is Domain.CHOICE:
            default = Encoding.DOMAIN_WALL if len(op.labels) == 2 else Encoding.ONE_HOT
            return op.encoding or self.choice or default
        if isinstance(op, ListedOp):
            asked = self.integer if self.integer in _FOR_LISTED else None
            default = Encoding.DOMAIN_WALL if int(op.lengths.max(initial=0)) == 2 else Encoding.ONE_HOT
            return op.encoding or asked or default
        given = op.encoding or self.integer
        if given is not None or self.precision is None or op.domain is not Domain.INTEGER:
            return given or Encoding.LOG
        low, high = ranges(op)
        return precise_code(float((high - low).max(initial=0.0)), self.precision)

    @property
    def _bound(self) -> int:
        return self.bound or (BOUND if self.precision is None else precise_bound(self.precision))

    def _check(self, main: Func, variables: list[tuple[VariableOp, Encoding]]) -> None:
        found = Diagnostics()
        for asked in main.ops_of(LinearizeOp):
            found.add(LinearizeRefused(asked.span))
        for op, encoding in variables:
            _check_variable(op, encoding, self._bound, found)
        found.raise_if_any()


def _check_variable(op: VariableOp, encoding: Encoding, bound: int, found: Diagnostics) -> None:
    if op.domain is Domain.CHOICE and encoding not in _FOR_CHOICES:
        allowed = ", ".join(e.value for e in _FOR_CHOICES)
        found.add(WrongEncoding(op.span, op.symbol, "choice", encoding.value, allowed))
        return
    if op.bits is not None and not 1 <= op.bits <= 52:
        found.add(BadBits(op.span, op.symbol, str(op.bits)))
        return
    if op.domain in (Domain.INTEGER, Domain.REAL) and not _check_range(op, found):
        return
    count = bit_count(op, encoding, bound)
    if count > MAX_BITS:
        found.add(TooManyBits(op.span, op.symbol, count, encoding.value, MAX_BITS))


def _check_range(op: VariableOp, found: Diagnostics) -> bool:
    low, high = ranges(op)
    unbounded = ~(np.isfinite(low) & np.isfinite(high))
    if op.domain is Domain.INTEGER:
        with np.errstate(invalid="ignore"):
            unbounded |= (np.abs(low) > MAX_SPAN) | (np.abs(high) > MAX_SPAN) | (high - low > MAX_SPAN)
    for kind, broken in ((UnboundedDomain, unbounded), (EmptyDomain, low > high)):
        if broken.any():
            at = int(np.argmax(broken))
            assert op.lower is not None
            assert op.upper is not None
            ends = (np.broadcast_to(b.values, op.shape).reshape(-1)[at] for b in (op.lower, op.upper))
            found.add(kind(op.span, op.symbol, *(f"{float(end):g}" for end in ends)))
            return False
    return True


def _vartype(main: Func) -> Vartype:
    """Spins stay spins when nothing needs bits: no penalty to build, no product to split."""
    variables = main.ops_of(VariableOp)
    spins = bool(variables) and all(op.domain is Domain.SPIN for op in variables)
    degree = max((op.polynomial.degree for op in main.ops_of(poly.ObjectiveOp)), default=0)
    return Vartype.SPIN if spins and degree <= 2 and not main.ops_of(poly.ConstraintOp) else Vartype.BINARY


def _grid_entry(op: VariableOp) -> LedgerEntry:
    step = float(grid_steps(op).max())
    bits = op.bits or 0
    width = f"{bits} bit{'s' * (bits != 1)}"
    note = f"{width}: a value between two of the {2**bits} grid points is at most half a step away"
    return LedgerEntry("encode-variables", "grid step", step, Evidence.PROVED, op.symbol, note)


def _encoded(main: Func, codes: list[Code], vartype: Vartype) -> Func:
    firsts = np.cumsum([0, *(code.count for code in codes)])
    writer = BitWriter(codes, firsts, vartype)
    builder = Builder()
    variables = main.ops_of(VariableOp)
    for op, code, first in zip(variables, codes, firsts.tolist(), strict=False):
        builder.append(_register(op, code, first, vartype))
    for op, code, first in zip(variables, codes, firsts.tolist(), strict=False):
        if code.implied is not None and code.indices is not None:
            body = _shifted(code.implied, first)
            implied = poly.ConstraintOp(op.symbol, Relation.EQ, body, code.indices, implied=True, span=op.span)
            builder.append(implied)
    for rewritten in map(writer.rewrite, main.ops):
        if rewritten is not None:
            builder.append(rewritten)
    return builder.finish()


def _register(op: VariableOp, code: Code, first: int, vartype: Vartype) -> ising.RegisterOp:
    return ising.RegisterOp(
        op.symbol,
        ising.Role.DECISION,
        vartype,
        first,
        code.count,
        code.affine,
        domain=op.domain,
        encoding=code.encoding,
        shape=op.shape,
        labels=op.labels,
        positions=op.positions,
        tensor_shape=op.tensor_shape,
        span=op.span,
    )


def _shifted(p: Polynomials, first: int) -> Polynomials:
    blocks = tuple(replace(b, variables=Array(b.variables.values + np.int32(first))) for b in p.terms)
    return Polynomials(p.rows, blocks)

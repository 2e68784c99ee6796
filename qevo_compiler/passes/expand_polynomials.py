"""Multiply tensor expressions out into packed polynomials over the decision variables.

before: %1 = nn.mul(%0, %0); %2 = nn.sum(%1) {axes = [0]}; problem.objective(%2)
after:  poly.objective() {polynomial = polynomials{rows = 1, terms = [...]}}

Exact. An integer that is compared inside an expression gets one 0/1 variable a value. x^2 = x (binary), s^2 = 1
(spin) and the mutual exclusion of a choice's labels, and of an integer's values, are applied.
Parameters with a range and bits become real variables; other parameters are held at their value,
which the ledger says. The polynomial `@main` is also kept as `@problem`. The cost is that of the terms
made; a product that would make more than `max_terms` is refused before it is formed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qevo_compiler.diagnostics import CompileError, Diagnostics
from qevo_compiler.diagnostics.linear import LinearizeRefused
from qevo_compiler.diagnostics.poly import NotFinite, NothingToDecide
from qevo_compiler.dialects import nn, poly, problem
from qevo_compiler.dialects.poly.algebra import Algebra
from qevo_compiler.dialects.poly.polynomials import Polynomials
from qevo_compiler.dialects.problem import Domain
from qevo_compiler.ir import Array, Builder, Evidence, Func, LedgerEntry, Module, Op
from qevo_compiler.ir.deferred import one_number
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.expanding.expander import Expander
from qevo_compiler.passes.expanding.listing import list_compared
from qevo_compiler.passes.expanding.multiplier import Multiplier
from qevo_compiler.passes.penalty.overflow import LARGEST_INPUT, stays_below
from qevo_compiler.passes.stages import POLYNOMIAL, PRIMITIVE

# The rules of a variable's indicators: x^2 = x, or s^2 = 1.
_KINDS = {Domain.BINARY: 1, Domain.CHOICE: 1, Domain.SPIN: 2}


@dataclass(frozen=True)
class ExpandPolynomials(Pass):
    """`max_terms` bounds the terms of one product and of the sum of all values it is made from."""

    name = "expand-polynomials"
    takes = PRIMITIVE
    leaves = POLYNOMIAL
    max_terms: int = 50_000_000

    def run(self, module: Module, context: Context = SILENT) -> Module:
        main = module.main
        if all(type(op) in POLYNOMIAL.ops for op in main.ops):
            return module
        _check(main)
        main = list_compared(_declare_parameters(main))
        expander = Expander(main, Multiplier(algebra_of(main), self.max_terms))
        with np.errstate(all="ignore"):
            lowered = _lower(main, expander)
        module = module.record(*_held_parameters(main, self.name))
        return module.with_main(lowered).with_func(replace(lowered, name="problem"))


def algebra_of(func: Func) -> Algebra:
    """The rules of the polynomial variables of `func`, numbered through its `problem.variable` ops."""
    kinds, choices = [], []
    first = 0
    for op in func.ops_of(problem.VariableOp):
        width, kind = op.width, 1 if isinstance(op, problem.ListedOp) else _KINDS.get(op.domain, 0)
        kinds.append(one_number(width, kind, np.int8))
        if op.domain is Domain.CHOICE:
            choices.append(np.repeat(np.arange(first, first + op.size, dtype=np.int32), len(op.labels)))
        elif isinstance(op, problem.ListedOp):
            choices.append((first + op.places[0]).astype(np.int32))
        else:
            choices.append(one_number(width, -1, np.int32))
        first += op.size
    if len(kinds) == 1:
        # One variable has one kind: nothing as long as it is written out.
        binary, spin = (one_number(width, kind == one, np.bool_) for one in (1, 2))
        return Algebra(binary, spin, choices[0])
    kind_of = np.concatenate([np.zeros(0, np.int8), *kinds])
    return Algebra(kind_of == 1, kind_of == 2, np.concatenate([np.zeros(0, np.int32), *choices]))


def _check(main: Func) -> None:
    request = main.first(problem.LinearizeOp)
    if request is not None:
        raise CompileError(LinearizeRefused(request.span))
    parameters = main.ops_of(nn.ParameterOp)
    decided = main.first(problem.VariableOp) or any(map(_is_decided, parameters))
    if parameters and not decided:
        raise CompileError(*(NothingToDecide(op.span, op.symbol) for op in parameters))


def _is_decided(op: nn.ParameterOp) -> bool:
    return op.bits is not None and op.lower is not None and op.upper is not None


def _declare_parameters(main: Func) -> Func:
    """`main` with a real variable in place of every parameter that has a range and bits."""
    if not any(isinstance(op, nn.ParameterOp) for op in main.ops):
        return main
    ops = tuple(_real_variable(op) if isinstance(op, nn.ParameterOp) and _is_decided(op) else op for op in main.ops)
    return replace(main, ops=ops)


def _real_variable(op: nn.ParameterOp) -> Op:
    lower, upper = Array(np.array(op.lower, np.float64)), Array(np.array(op.upper, np.float64))
    return problem.VariableOp(
        op.symbol, Domain.REAL, op.value.shape, lower, upper, op.bits, results=op.results, span=op.span
    )


def _held_parameters(main: Func, stage: str) -> list[LedgerEntry]:
    parameters = main.ops_of(nn.ParameterOp)
    used = {value for op in main.ops for value in op.operands} if parameters else set()
    note = "a parameter without range and bits is held at its present value"
    return [
        LedgerEntry(stage, "elements held constant", float(op.value.size), Evidence.PROVED, op.symbol, note)
        for op in parameters
        if op.result in used
    ]


def _lower(main: Func, expander: Expander) -> Func:
    """The polynomial func: declarations, then objective and constraints in their order."""
    builder = Builder(main.name)
    found = Diagnostics()
    for op in main.ops:
        builder.span = op.span
        match op:
            case problem.ObjectiveOp():
                polynomial = expander.polynomials(op.x)
                _check_finite(polynomial, op, "the objective", found)
                builder.append(poly.ObjectiveOp(polynomial, op.sense))
            case problem.ConstraintOp():
                body = expander.polynomials(op.body)
                _check_finite(body, op, f"constraint `{op.symbol}`", found)
                builder.append(
                    poly.ConstraintOp(
                        op.symbol, op.relation, body, op.indices, op.weight, False, op.factors, op.bounding
                    )
                )
            case problem.VariableOp():
                expander.declare(op)
                builder.append(op)
            case _ if type(op) in POLYNOMIAL.ops:
                builder.append(op)
            case _:
                expander.expand(op)
    found.raise_if_any()
    return builder.finish()


def _check_finite(polynomial: Polynomials, op: Op, what: str, found: Diagnostics) -> None:
    if not stays_below(polynomial, LARGEST_INPUT):
        found.add(NotFinite(op.span, what, LARGEST_INPUT))

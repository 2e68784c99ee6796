"""The value of every tensor op as an array of constants or as an expansion in the decision variables."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.poly import DivisionByVariable, NotPolynomial
from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.dialects.poly import expansion
from qevo_compiler.dialects.poly.algebra import Algebra
from qevo_compiler.dialects.poly.expansion import Expansion, Positions, Weights
from qevo_compiler.dialects.poly.gram import Product, sum_product
from qevo_compiler.dialects.poly.polynomials import Floats, Polynomials
from qevo_compiler.evaluator.reference import apply_op
from qevo_compiler.ir import Func, Op, Value
from qevo_compiler.ir.deferred import Repeated, one_number
from qevo_compiler.passes.expanding.affine_square import squared_form, symbolic_product
from qevo_compiler.passes.expanding.collecting import collected
from qevo_compiler.passes.expanding.indicators import Unlisted, indicators
from qevo_compiler.passes.expanding.listing import not_listed
from qevo_compiler.passes.expanding.matrix_products import matrix_times, times_matrix
from qevo_compiler.passes.expanding.multiplier import Multiplier
from qevo_compiler.source import Span

Known = Floats | Repeated | Expansion | Product

# What a product that waits to be summed may pass through; anything else multiplies it out.
_KEEPS_PRODUCTS = (nn.SumOp, nn.ReshapeOp, nn.NegOp, nn.MulOp, nn.DivOp)


class Expander:
    """Expands ops in order; an expansion has one row an element of its tensor, in C order."""

    def __init__(self, func: Func, multiplier: Multiplier) -> None:
        self._multiplier = multiplier
        self._known: dict[Value, Known] = {}
        self._left: dict[Value, int] = {}
        for op in func.ops:
            for value in op.operands:
                self._left[value] = self._left.get(value, 0) + 1
        self._variables = func.ops_of(problem.VariableOp)
        self._declared = 0

    @property
    def _algebra(self) -> Algebra:
        return self._multiplier.algebra

    def declare(self, op: problem.VariableOp) -> None:
        """Number the variables of `op` after those declared before."""
        if isinstance(op, problem.ListedOp):
            self._known[op.result] = _listed(op, self._declared)
        else:
            self._known[op.result] = expansion.variables(self._declared, op.width)
        self._declared += op.width

    def expand(self, op: Op) -> None:
        """Find the values of the op's results. Raises `CompileError` where they are no polynomials."""
        values = op.operands
        operands = [self._known[value] for value in values]
        if op.results:
            constants = [x for x in operands if isinstance(x, np.ndarray | Repeated)]
            if len(constants) == len(operands):
                self._known[op.result] = _constants(op, constants)
            else:
                self._known[op.result] = self._polynomial_op(op, operands)
        for value in values:
            self._used(value)

    def polynomials(self, value: Value) -> Polynomials:
        """The collected polynomials of a value that an op takes, which is forgotten after its last use."""
        known = self._known[value]
        self._used(value)
        symbolic = symbolic_product(known, self._algebra) if isinstance(known, Product) else None
        return symbolic or collected(self._expansion(known, None), self._algebra)

    def _used(self, value: Value) -> None:
        # Peak memory is that of the values still needed, not of all that ever were.
        self._left[value] -= 1
        if not self._left[value]:
            del self._known[value]

    def _polynomial_op(self, op: Op, operands: list[Known]) -> Expansion | Product:
        rule = _RULES.get(type(op))
        if rule is None:
            name = op.name.partition(".")[2]
            if isinstance(op, nn.ApplyOp | nn.ExtremeOp):
                name = (op.function if isinstance(op, nn.ApplyOp) else op.which).name.lower()
            raise CompileError(NotPolynomial(op.span, name))
        if not isinstance(op, _KEEPS_PRODUCTS):
            operands = [self._expansion(x, op.span) if isinstance(x, Product) else x for x in operands]
        if not isinstance(op, nn.MulOp):
            operands = [expansion.formed(x) if isinstance(x, Repeated) else x for x in operands]
        return rule(self, op, *operands)

    def _expansion(self, x: Known, span: Span | None) -> Expansion:
        if isinstance(x, np.ndarray | Repeated):
            return expansion.constants(expansion.formed(x).reshape(-1))
        return self._multiplier.multiplied_out(x, span) if isinstance(x, Product) else x

    def _scaled(self, x: Known, factors: Weights) -> Expansion | Product:
        if isinstance(x, Product):
            return x.scaled(expansion.formed(factors))
        return expansion.scale(self._expansion(x, None), factors)

    def _add(self, op: Op, x: Known, y: Known) -> Expansion:
        return expansion.add(self._expansion(x, op.span), self._expansion(y, op.span))

    def _sub(self, op: Op, x: Known, y: Known) -> Expansion:
        right = expansion.scale(self._expansion(y, op.span), np.array(-1.0))
        return expansion.add(self._expansion(x, op.span), right)

    def _neg(self, op: Op, x: Known) -> Expansion | Product:
        return self._scaled(x, np.array(-1.0))

    def _mul(self, op: Op, x: Known, y: Known) -> Expansion | Product:
        if isinstance(x, np.ndarray | Repeated):
            x, y = y, x
        if isinstance(y, np.ndarray | Repeated):
            return self._scaled(x, y if isinstance(y, Repeated) else _flat_factor(y))
        left = self._expansion(x, op.span)
        return self._multiplier.deferred(left, left if y is x else self._expansion(y, op.span), op.span)

    def _div(self, op: Op, x: Known, y: Known) -> Expansion | Product:
        if not isinstance(y, np.ndarray):
            raise CompileError(DivisionByVariable(op.span))
        return self._scaled(x, _flat_factor(1.0 / y))

    def _power(self, op: nn.PowerOp, x: Expansion) -> Expansion | Product:
        if op.exponent < 0:
            raise CompileError(DivisionByVariable(op.span))
        return self._multiplier.power(x, op.exponent, op.span)

    def _polynomial(self, op: nn.PolynomialOp, x: Expansion) -> Expansion:
        return self._multiplier.polynomial(x, op.coefficients.values.tolist(), op.span)

    def _indicator(self, op: nn.IndicatorOp, x: Expansion) -> Expansion:
        try:
            found = indicators(op.condition, self._algebra.polynomials(x), self._algebra)
        except Unlisted as error:
            raise CompileError(not_listed(self._variables, op.span, error.reason, error.number)) from None
        parts = (expansion.Part(b.row.values, b.variables.values, b.coefficients.values) for b in found.terms)
        return Expansion(x.rows, tuple(parts), sorted=True)

    def _sum(self, op: nn.SumOp, x: Expansion | Product) -> Expansion | Product:
        shape = shape_of(op.x)
        kept = [1 if axis in op.axes else n for axis, n in enumerate(shape)]
        count = prod(kept)
        if isinstance(x, Product):
            if count == 1:
                return x if squared_form(x, self._algebra) is not None else sum_product(x)
            x = self._multiplier.multiplied_out(x, op.span)
        # A total keeps one zero instead of a row number for every element.
        groups = one_number(x.rows, 0, np.int32) if count == 1 else _along(kept, shape)
        return expansion.regroup(x, groups, count, whole=True)

    def _scatter_add(self, op: nn.ScatterAddOp, x: Expansion) -> Expansion:
        return expansion.regroup(x, op.indices.values.reshape(-1), prod(op.shape))

    def _gather(self, op: nn.GatherOp, x: Expansion) -> Expansion:
        indices = op.indices
        positions = indices if isinstance(indices, Repeated) else indices.elements().reshape(-1)
        return self._taken(x, positions, op.span, indices.least >= 0)

    def _rearranged(self, op: nn.BroadcastOp | nn.TransposeOp, x: Expansion) -> Expansion:
        positions = np.arange(x.rows, dtype=np.int32).reshape(shape_of(op.x))
        moved = positions.transpose(op.axes) if isinstance(op, nn.TransposeOp) else np.broadcast_to(positions, op.shape)
        return self._taken(x, moved.reshape(-1), op.span)

    def _taken(self, x: Expansion, positions: Positions | Repeated, span: Span | None, whole: bool = True) -> Expansion:
        """The rows at `positions`, of which `whole` says that none is -1."""
        x = self._multiplier.collected(x)
        if x.dense and whole:
            terms = len(x.parts) * len(positions)
        else:
            positions = expansion.formed(positions)
            here = positions[positions >= 0]
            terms = len(x.parts) * len(here) if x.dense else int(x.counts()[here].sum())
        self._multiplier.affordable(terms, span)
        return self._algebra.take(x, positions, whole)

    def _reshape(self, op: nn.ReshapeOp, x: Expansion | Product) -> Expansion | Product:
        return x

    def _concat(self, op: nn.ConcatOp, *parts: Known) -> Expansion:
        """Every part moves to its own rows of the whole; the parts are then added."""
        shape = shape_of(op.result)
        count = prod(shape)
        rows = np.arange(count, dtype=np.int32).reshape(shape)
        ends = np.cumsum([shape_of(value)[op.axis] for value in op.parts])
        slices = np.split(rows, ends[:-1], axis=op.axis)
        moved = [
            expansion.regroup(self._expansion(x, op.span), part.reshape(-1), count, whole=True)
            for x, part in zip(parts, slices, strict=True)
        ]
        return expansion.add(*moved)

    def _matmul(self, op: nn.MatmulOp, x: Known, y: Known) -> Expansion:
        *_, n, k = shape_of(op.x)
        m = shape_of(op.y)[-1]
        if isinstance(y, np.ndarray):
            return times_matrix(self._expansion(x, op.span), y.reshape(-1, k, m), n, self._multiplier.afford(op.span))
        if isinstance(x, np.ndarray):
            return matrix_times(x.reshape(-1, n, k), self._expansion(y, op.span), m, self._multiplier.afford(op.span))
        return self._multiplier.matrices(self._expansion(x, op.span), self._expansion(y, op.span), (n, k, m), op.span)


def _listed(op: problem.ListedOp, first: int) -> Expansion:
    """The values of a listed variable over its indicators; that of the least value adds nothing."""
    element, place = op.places
    above = np.flatnonzero(place > 0)
    names = (first + above).astype(np.int32)[:, None]
    values = expansion.Part(element[above].astype(np.int32), names, place[above].astype(np.float64))
    return expansion.add(expansion.constants(op.lowest), Expansion(op.size, (values,)))


def _along(kept: list[int], shape: tuple[int, ...]) -> NDArray[np.int32]:
    """For every element of `shape` the number, in C order, of the one that it falls on where axes become 1."""
    numbers = np.arange(prod(kept), dtype=np.int32).reshape(kept)
    return np.broadcast_to(numbers, shape).reshape(-1)


def _constants(op: Op, operands: list[Weights]) -> Weights:
    if isinstance(op, nn.ConstantOp):
        return op.value if isinstance(op.value, Repeated) else op.value.elements()
    return apply_op(op, list(map(expansion.formed, operands)))[0]


def _flat_factor(factor: Floats) -> Floats:
    """A flat array of factors, or a scalar where one number was broadcast."""
    if factor.size and not any(factor.strides):
        return np.asarray(factor.reshape(-1)[:1][0])
    return factor.reshape(-1)


_RULES: dict[type[Op], Callable[..., Expansion | Product]] = {
    nn.AddOp: Expander._add,
    nn.SubOp: Expander._sub,
    nn.NegOp: Expander._neg,
    nn.MulOp: Expander._mul,
    nn.DivOp: Expander._div,
    nn.PowerOp: Expander._power,
    nn.PolynomialOp: Expander._polynomial,
    nn.IndicatorOp: Expander._indicator,
    nn.SumOp: Expander._sum,
    nn.ScatterAddOp: Expander._scatter_add,
    nn.GatherOp: Expander._gather,
    nn.BroadcastOp: Expander._rearranged,
    nn.TransposeOp: Expander._rearranged,
    nn.ReshapeOp: Expander._reshape,
    nn.ConcatOp: Expander._concat,
    nn.MatmulOp: Expander._matmul,
}

"""A problem as it is being stated, and the module it becomes.

Both the language and `Problem` fill a `Draft`, so one order of ops comes out whatever the order of the
statements: declarations as declared, objective, constraints as stated, then the directives.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.shapes import NotScalar
from qevo_compiler.diagnostics.language.statements import NeverHolds, NothingToDecide
from qevo_compiler.dialects import anneal, nn, problem
from qevo_compiler.dialects.problem import Relation, Sense
from qevo_compiler.frontend import tensors
from qevo_compiler.frontend.tensors import Tensor
from qevo_compiler.frontend.tensors.batching import Batcher
from qevo_compiler.frontend.tensors.value import Values
from qevo_compiler.ir import Array, Builder, Module, Op, Value
from qevo_compiler.ir.deferred import Repeated
from qevo_compiler.light import light
from qevo_compiler.source import Span

_ORDER = (problem.ApproximateOp, problem.TrainOp, problem.LinearizeOp, anneal.RequestOp, anneal.SampleOp)


@light(eq=False)
class Family:
    """`left relation right`, element by element; `indices` [rows, k] name the rows.

    A chain `a <= b <= c` is one family with `a, b` on the left and `b, c` on the right: see `two_sided`.
    """

    name: str
    left: Tensor
    right: Tensor
    body: Tensor
    relation: Relation
    indices: Array
    weight: float | None
    span: Span | None
    factors: Array | None = None


def two_sided(
    first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor], span: Span | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Left sides, right sides and bodies of two comparisons, side by side along a new last axis."""
    left, right = (tensors.beside(pair, span) for pair in zip(first, second, strict=True))
    bodies = tensors.subtract(*first, span), tensors.subtract(*second, span)
    return left, right, tensors.beside(bodies, span)


def index_rows(shape: tuple[int, ...], sides: int) -> Values:
    """[rows, axes]: the positions in an array, each as often as an element has comparisons."""
    positions = np.indices(shape).reshape(len(shape), -1).T if shape else np.zeros((1, 0), np.int64)
    return np.repeat(positions, sides, axis=0)


def row_weights(weights: Values, sides: int) -> tuple[float, Array]:
    """A weight for a family and the factors of its rows from a weight for each element."""
    return 1.0, Array(np.repeat(weights.reshape(-1).astype(np.float64), sides))


@dataclass
class Draft:
    """Everything stated so far."""

    name: str
    declared: list[Tensor] = field(default_factory=list)
    objective: Tensor | None = None
    sense: Sense = Sense.MINIMIZE
    objective_span: Span | None = None
    families: list[Family] = field(default_factory=list)
    directives: list[Op] = field(default_factory=list)

    def set_objective(self, sense: Sense, value: Tensor, span: Span | None, place: Span | None = None) -> None:
        """State the objective; raises `CompileError` unless it is one number."""
        if value.shape:
            raise CompileError(NotScalar(place or span, "an objective", value.shape, "reduce it, as with `sum(...)`"))
        self.objective, self.sense, self.objective_span = value, sense, span

    def add_constraint(self, family: Family) -> None:
        """State a family; one without decisions is dropped when it holds and raises when it is hard and does not."""
        if not family.body.is_constant:
            if family.body.size:
                self.families.append(family)
            return
        fails = ~_HOLDS[family.relation](family.body.constant.reshape(-1), 0)
        if fails.any() and family.weight is not None:
            self.families.append(family)  # a penalty that no decision changes; the pass that weighs it warns
        elif fails.any():
            raise CompileError(_never_holds(family, int(np.flatnonzero(fails)[0])))

    def module(self, span: Span | None = None) -> Module:
        """The module with `@main` at stage TENSOR."""
        if not self.declared:
            raise CompileError(NothingToDecide(span, self.name))
        writer = _Writer()
        for tensor in self.declared:
            writer.value(tensor)
        self._write_statements(writer, span)
        for kind in _ORDER:
            for op in self.directives:
                if isinstance(op, kind):
                    writer.builder.append(op)
        return Module(self.name, (writer.builder.finish(),))

    def _write_statements(self, writer: _Writer, span: Span | None) -> None:
        writer.builder.span = self.objective_span or span
        objective = tensors.constant(0.0) if self.objective is None else self.objective
        writer.builder.append(problem.ObjectiveOp(writer.value(objective), self.sense))
        for family in self.families:
            writer.builder.span = family.span
            flat = tensors.reinterpret(family.body, (family.body.size,), None, family.span)
            body = writer.value(flat)
            op = problem.ConstraintOp(body, family.name, family.relation, family.indices, family.weight, family.factors)
            writer.builder.append(op)


_HOLDS = {Relation.EQ: np.equal, Relation.LE: np.less_equal, Relation.GE: np.greater_equal}


def _never_holds(family: Family, row: int) -> NeverHolds:
    indices = family.indices.values[row].tolist()
    name = f"{family.name}[{', '.join(map(str, indices))}]" if indices else family.name
    left, right = (
        tensors.spread_values(side, family.body.rows, family.body.shape).reshape(-1)[row].item()
        for side in (family.left, family.right)
    )
    return NeverHolds(family.span, name, f"{left:.15g}", family.relation.value, f"{right:.15g}")


def _constants(tensor: Tensor) -> Array:
    if tensor.compact and tensor.rows is not None and not tensor.shape and np.isfinite(tensor.known).all():
        return Repeated(tensor.rows.axes, tensor.known.astype(np.float64, copy=False))
    return Array(tensor.constant.astype(np.float64, copy=False))


class _Writer:
    """Builds the ops of tensors, each once, operands first and without recursion."""

    def __init__(self) -> None:
        self.builder = Builder()
        self._done: dict[Tensor, Value] = {}
        self._batcher = Batcher()
        self._batched: dict[Tensor, Tensor] = {}

    def value(self, tensor: Tensor) -> Value:
        stack = [tensor]
        while stack:
            top = stack[-1]
            if top in self._done:
                stack.pop()
            elif (batched := self._long_sum(top)) is not None:
                if batched in self._done:
                    self._done[stack.pop()] = self._done[batched]
                else:
                    stack.append(batched)
            elif waiting := [operand for operand in top.operands if operand not in self._done]:
                stack.extend(reversed(waiting))
            else:
                self._done[stack.pop()] = self._write(top)
        return self._done[tensor]

    def _long_sum(self, tensor: Tensor) -> Tensor | None:
        """The same sum over arrays, where it has many terms."""
        if tensor.shape or tensor.rows is not None:
            return None
        if tensor not in self._batched:
            batched = self._batcher.batched(tensor)
            if batched is None:
                return None
            self._batched[tensor] = batched
        return self._batched[tensor]

    def _write(self, tensor: Tensor) -> Value:
        if tensor.is_constant:
            values = _constants(tensor)
            return self.builder.add(nn.ConstantOp(values, tensor.symbol, span=tensor.span))
        operands = [self._done[operand] for operand in tensor.operands]
        if tensor.build is None:
            return operands[0]
        return self.builder.add(tensor.build(*operands), tensor.span)

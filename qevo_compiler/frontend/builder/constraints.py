"""Comparisons of expressions, for `Problem.subject_to`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.python import BadPythonValue, ConstraintAsTruth, ForeignExpression
from qevo_compiler.dialects.problem import Relation
from qevo_compiler.frontend import tensors
from qevo_compiler.frontend.builder import places
from qevo_compiler.frontend.draft import two_sided
from qevo_compiler.frontend.tensors import Tensor
from qevo_compiler.source import Span

if TYPE_CHECKING:
    from qevo_compiler.frontend.builder.problem import Problem


_JOINED = "`&` joins two inequalities, as in `(1 <= x) & (x <= 3)`; state other constraints by themselves"


@dataclass(frozen=True, eq=False)
class Constraint:
    """`left relation right`, element by element; hand it to `Problem.subject_to`.

    Two inequalities are joined to one constraint with `&`, as numpy tells a range: `(1 <= x) & (x <= 3)`. Then the
    last axis of `body` holds the two.
    """

    problem: Problem
    left: Tensor
    right: Tensor
    body: Tensor
    relation: Relation
    span: Span | None
    sides: int = 1

    def __and__(self, other: Any) -> Constraint:
        span = places.here()
        if not isinstance(other, Constraint):
            raise CompileError(BadPythonValue(span, "part of a constraint", type(other).__name__, _JOINED))
        if other.problem is not self.problem:
            raise CompileError(ForeignExpression(span, other.problem.name))
        if Relation.EQ in (self.relation, other.relation) or self.sides + other.sides > 2:
            raise CompileError(BadPythonValue(span, "part of a constraint", "not one inequality", _JOINED))
        # `1 <= x` comes here as `x >= 1`: what the first says is turned to the second's direction.
        first = (self.left, self.right) if self.relation is other.relation else (self.right, self.left)
        left, right, body = two_sided(first, (other.left, other.right), span)
        return Constraint(self.problem, left, right, body, other.relation, span, 2)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array of constraints."""
        return self.body.shape if self.sides == 1 else self.body.shape[:-1]

    def __bool__(self) -> bool:
        raise CompileError(ConstraintAsTruth(places.here()))

    def __repr__(self) -> str:
        return f"Constraint({self.relation.value}, shape={self.shape})"


def constrain(problem: Problem, left: Tensor, right: Tensor, relation: Relation, span: Span | None) -> Constraint:
    """The constraint `left relation right`; raises `CompileError` when the shapes do not fit."""
    return Constraint(problem, left, right, tensors.subtract(left, right, span), relation, span)

"""Comparisons of expressions: constraints for `Problem.subject_to`, and 0/1 expressions everywhere else."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.python import BadPythonValue
from qevo_compiler.dialects.problem import Relation
from qevo_compiler.frontend import tensors
from qevo_compiler.frontend.builder import places
from qevo_compiler.frontend.builder.expressions import Expression
from qevo_compiler.frontend.builder.reading import check_home
from qevo_compiler.frontend.draft import two_sided
from qevo_compiler.frontend.tensors import Tensor
from qevo_compiler.source import Span

if TYPE_CHECKING:
    from qevo_compiler.frontend.builder.problem import Problem

_JOINED = "`&` joins two inequalities to one constraint, as in `(1 <= x) & (x <= 3)`; state a third by itself"


class Constraint(Expression):
    """`left relation right`, element by element; hand it to `Problem.subject_to`, or compute with it as a 0/1 value.

    Two inequalities are joined to one constraint with `&`, as numpy tells a range: `(1 <= x) & (x <= 3)`. Then there
    are two `sides`, along the last axis of `left`, `right` and `body`.
    """

    def __init__(self, problem: Problem, left: Tensor, right: Tensor, relation: Relation, span: Span | None) -> None:
        self._problem = problem
        self.left, self.right, self.relation, self.span = left, right, relation, span
        self.body = tensors.subtract(left, right, span)

    @property
    def sides(self) -> int:
        """How many comparisons an element has."""
        return 1

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array of constraints."""
        return self.body.shape

    @cached_property
    def _tensor(self) -> Tensor:
        """1 where the comparison holds, else 0."""
        return tensors.compare(self.relation.value, self.left, self.right, self.span)

    def __and__(self, other: Any) -> Expression:
        if not isinstance(other, Constraint) or Relation.EQ in (self.relation, other.relation):
            return super().__and__(other)
        span = places.here()
        check_home(self._problem, other, span)
        if self.sides + other.sides > 2:
            raise CompileError(BadPythonValue(span, "part of a constraint", "two inequalities", _JOINED))
        return _Range(self, other, span)

    def __repr__(self) -> str:
        return f"Constraint({self.relation.value}, shape={self.shape})"


class Unequal(Constraint):
    """`left != right`, as a constraint that their equality, a 0/1 value, is 0."""

    def __init__(self, problem: Problem, equal: Tensor, span: Span | None) -> None:
        super().__init__(problem, equal, tensors.ZERO, Relation.EQ, span)

    @cached_property
    def _tensor(self) -> Tensor:
        return tensors.negation(self.left, self.span, self.span)


class _Range(Constraint):
    """Two inequalities as one constraint in the second one's direction."""

    def __init__(self, first: Constraint, second: Constraint, span: Span | None) -> None:
        self._problem, self.relation, self.span = second._problem, second.relation, span
        self._parts = first, second
        # `1 <= x` comes here as `x >= 1`.
        turned = first.relation is not second.relation
        sides = (first.right, first.left) if turned else (first.left, first.right)
        self.left, self.right, self.body = two_sided(sides, (second.left, second.right), span)

    @property
    def sides(self) -> int:
        return 2

    @property
    def shape(self) -> tuple[int, ...]:
        return self.body.shape[:-1]

    @cached_property
    def _tensor(self) -> Tensor:
        return tensors.logical("and", [(part._tensor, self.span) for part in self._parts], self.span)

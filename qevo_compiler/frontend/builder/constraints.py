"""Comparisons of expressions, for `Problem.subject_to`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.python import ConstraintAsTruth
from qevo_compiler.dialects.problem import Relation
from qevo_compiler.frontend import tensors
from qevo_compiler.frontend.builder import places
from qevo_compiler.frontend.tensors import Tensor
from qevo_compiler.source import Span

if TYPE_CHECKING:
    from qevo_compiler.frontend.builder.problem import Problem


@dataclass(frozen=True, eq=False)
class Constraint:
    """`left relation right`, element by element; hand it to `Problem.subject_to`."""

    problem: Problem
    left: Tensor
    right: Tensor
    body: Tensor
    relation: Relation
    span: Span | None

    def __bool__(self) -> bool:
        raise CompileError(ConstraintAsTruth(places.here()))

    def __repr__(self) -> str:
        return f"Constraint({self.relation.value}, shape={self.body.shape})"


def constrain(problem: Problem, left: Tensor, right: Tensor, relation: Relation, span: Span | None) -> Constraint:
    """The constraint `left relation right`; raises `CompileError` when the shapes do not fit."""
    return Constraint(problem, left, right, tensors.subtract(left, right, span), relation, span)

"""Arrays of choices over the variables of a `Problem`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.names import UnknownLabel
from qevo_compiler.diagnostics.language.python import ConstraintAsTruth
from qevo_compiler.diagnostics.language.shapes import NoLength
from qevo_compiler.frontend import tensors
from qevo_compiler.frontend.builder import places
from qevo_compiler.frontend.builder.expressions import Expression
from qevo_compiler.frontend.builder.reading import check_home, read_items
from qevo_compiler.frontend.builder.stated import Stated
from qevo_compiler.frontend.tensors import Choice, Tensor
from qevo_compiler.frontend.tensors.value import show_labels
from qevo_compiler.source import Span

if TYPE_CHECKING:
    from qevo_compiler.frontend.builder.constraints import Constraint
    from qevo_compiler.frontend.builder.problem import Problem


class ChoiceExpression(Stated):
    """An array of choices. Compare it with a label (`op[0] == "pool"`), or read a table with it."""

    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, problem: Problem, choice: Choice) -> None:
        self._problem = problem
        self._choice = choice

    @property
    def _value(self) -> Choice:
        return self._choice

    @property
    def shape(self) -> tuple[int, ...]:
        return self._choice.shape

    @property
    def labels(self) -> tuple[str, ...]:
        return self._choice.labels

    def __len__(self) -> int:
        if not self.shape:
            raise CompileError(NoLength(places.here()))
        return self.shape[0]

    def __iter__(self) -> Iterator[ChoiceExpression]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, items: Any) -> ChoiceExpression:
        span = places.here()
        found = tensors.index(self._choice, read_items(self._problem, items, len(self.shape), span), span)
        assert isinstance(found, Choice)
        return ChoiceExpression(self._problem, found)

    def __eq__(self, other: object) -> Expression:  # type: ignore[override]
        return Expression(self._problem, self._equals(other, places.here()))

    def __ne__(self, other: object) -> Constraint:  # type: ignore[override]
        span = places.here()
        return self._problem._differs(self._equals(other, span), span)

    def __bool__(self) -> bool:
        raise CompileError(ConstraintAsTruth(places.here()))

    def __repr__(self) -> str:
        return f"ChoiceExpression(shape={self.shape}, labels={self.labels})"

    def _equals(self, other: object, span: Span | None) -> Tensor:
        if isinstance(other, str):
            return tensors.is_label(self._choice, other, span)
        if isinstance(other, ChoiceExpression):
            check_home(self._problem, other, span)
            return tensors.is_equal(self._choice, other._choice, span)
        hint = "a choice is compared with a label, as a string, or with another choice"
        raise CompileError(UnknownLabel(span, "this object", show_labels(self.labels), hint))

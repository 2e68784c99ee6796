"""`Problem`: a problem stated from Python, meeting the language in the same module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.names import DuplicateName
from qevo_compiler.diagnostics.language.python import BadPythonValue
from qevo_compiler.diagnostics.language.shapes import ShapesDoNotFit
from qevo_compiler.diagnostics.language.statements import BadWeight, RepeatedStatement
from qevo_compiler.dialects.problem import Domain, Encoding, Relation, Sense
from qevo_compiler.frontend import arrays, declare, directives, tensors
from qevo_compiler.frontend.builder import places, symbolic
from qevo_compiler.frontend.builder.choices import ChoiceExpression
from qevo_compiler.frontend.builder.constraints import Constraint, Unequal
from qevo_compiler.frontend.builder.expressions import Expression
from qevo_compiler.frontend.builder.reading import check_home, read_items, read_tensor
from qevo_compiler.frontend.directives import Given, Kind
from qevo_compiler.frontend.draft import Draft, Family, index_rows, row_weights
from qevo_compiler.frontend.tensors import Choice, Tensor
from qevo_compiler.ir import Array, Module
from qevo_compiler.source import Span

Shape = int | Sequence[int]
_COMPARISON = "write a comparison, such as `x.sum() <= 3`"


class Problem:
    """Variables, an objective and constraints, stated from Python.

        p = Problem("knapsack")
        take = p.binary("take", 4)
        p.maximize(profit @ take)
        p.subject_to(weight @ take <= 9, name="fits")

    Every mistake raises `CompileError` with the line of the user's file. The same problem written in the
    language gives the same polynomials, and so the same emitted files.
    """

    def __init__(self, name: str) -> None:
        self._draft = Draft(_checked_name(name, places.here()))
        self._variables: dict[str, Tensor | Choice] = {}
        self._families: dict[str, Span | None] = {}
        self._once: dict[str, Span | None] = {}

    def __repr__(self) -> str:
        return f"Problem({self.name!r}, variables={list(self._variables)}, constraints={list(self._families)})"

    @property
    def name(self) -> str:
        return self._draft.name

    @property
    def variables(self) -> dict[str, Tensor | Choice]:
        """What each declared name stands for, in order of declaration."""
        return dict(self._variables)

    def binary(self, name: str, shape: Shape = ()) -> Expression:
        """Variables that are 0 or 1."""
        return self._plain(name, Domain.BINARY, shape, places.here())

    def spin(self, name: str, shape: Shape = ()) -> Expression:
        """Variables that are -1 or +1."""
        return self._plain(name, Domain.SPIN, shape, places.here())

    def integer(
        self, name: str, shape: Shape = (), *, low: ArrayLike, high: ArrayLike, encoding: str | None = None
    ) -> Expression:
        """Integers from `low` to `high`, both included.

        `encoding` is log, bounded, unary, onehot, domainwall or order.
        """
        span = places.here()
        chosen = None if encoding is None else _word(Encoding, "an encoding", encoding, span)
        ends = arrays.numbers(name, low, span), arrays.numbers(name, high, span)
        tensor = declare.integer_variable(name, _shape(shape, span), *ends, chosen, span)
        return self._number(name, tensor, span)

    def real(self, name: str, shape: Shape = (), *, low: ArrayLike, high: ArrayLike, bits: int) -> Expression:
        """Reals on 2^bits equally spaced points from `low` to `high`, both included."""
        span = places.here()
        ends = arrays.numbers(name, low, span), arrays.numbers(name, high, span)
        tensor = declare.real_variable(name, _shape(shape, span), *ends, bits, span)
        return self._number(name, tensor, span)

    def choice(self, name: str, shape: Shape = (), *, labels: Sequence[str]) -> ChoiceExpression:
        """One of `labels` for each element."""
        span = places.here()
        texts = tuple(_checked_name(label, span) for label in labels)
        choice = declare.choice_variable(name, _shape(shape, span), texts, span)
        self._declare(name, choice, span)
        return ChoiceExpression(self, choice)

    def param(
        self,
        name: str,
        start: ArrayLike,
        *,
        low: float | None = None,
        high: float | None = None,
        bits: int | None = None,
    ) -> Expression:
        """A trained tensor with its start value; with a range and bits it can be mapped to spins."""
        span = places.here()
        given = [low is not None, high is not None, bits is not None]
        if any(given) and not all(given):
            raise CompileError(BadPythonValue(span, "a grid", "incomplete", "give `low`, `high` and `bits`, or none"))
        values = arrays.numbers(name, start, span)
        grid = (low, high, bits) if all(given) else None
        return self._number(name, declare.parameter(name, values.shape, values, grid, span), span)

    def constant(self, values: ArrayLike) -> Expression:
        """Numbers as an expression, for example a table that choices read: `p.constant(cost)[op]`."""
        return Expression(self, read_tensor(self, values, places.here()))

    def lookup(self, table: Any, *items: Any) -> Expression:
        """`table[items]`, where items are choices, whole numbers, arrays of them, or slices."""
        span = places.here()
        tensor = read_tensor(self, table, span)
        found = tensors.index(tensor, read_items(self, items, len(tensor.shape), span), span)
        assert isinstance(found, Tensor)
        return Expression(self, found)

    def minimize(self, objective: Any) -> None:
        """State the objective: one number, to be made small."""
        self._objective(Sense.MINIMIZE, objective, places.here())

    def maximize(self, objective: Any) -> None:
        """State the objective: one number, to be made large."""
        self._objective(Sense.MAXIMIZE, objective, places.here())

    def subject_to(self, constraint: Any, name: str | None = None, weight: ArrayLike | None = None) -> None:
        """State a constraint, one for each element of an array.

        `constraint` is a comparison, two inequalities joined by `&` (`(1 <= x) & (x <= 3)`: one constraint with
        two sides), a sympy relation, or a 0/1 expression that has to be 1. With a `weight`, a number or one for each
        element, it is soft. Without a name it is called c1, c2, ...
        """
        span = places.here()
        stated = self._constraint(constraint, span)
        if name is None:
            numbers = (f"c{k}" for k in range(1, len(self._families) + 2))
            name = next(n for n in numbers if n not in self._families)
        if _checked_name(name, span) in self._families:
            raise CompileError(DuplicateName(span, name, self._families[name]))
        self._families[name] = span
        indices = Array(index_rows(stated.shape, stated.sides))
        sides = stated.left, stated.right, stated.body
        soft, factors = _weight(weight, stated, span)
        self._draft.add_constraint(Family(name, *sides, stated.relation, indices, soft, stated.span, factors))

    def train(self, method: str = "sgd", **options: Any) -> None:
        """Ask for gradient descent: `rate`, `steps`, and torch.optim.SGD's further options."""
        span = self._first_time("train")
        self._draft.directives.append(directives.train(method, _given(options, span), _read, span, span))

    def linearize(self, method: str = "carleman", **options: Any) -> None:
        """Ask for the Carleman system of the training dynamics: `order` or `tolerance`, `pivot`, `reupload`."""
        span = self._first_time("linearize")
        self._draft.directives.append(directives.linearize(method, _given(options, span), _read, span, span))

    def anneal(self, method: str, points: ArrayLike | None = None, **options: Any) -> None:
        """Ask for a schedule: linear, exponential, adaptive or points; times in microseconds."""
        span = self._first_time("anneal")
        given = _given(options if points is None else {"points": points, **options}, span)
        self._draft.directives.append(directives.request(method, given, _read, span, span))

    def sample(self, **options: Any) -> None:
        """Say how to sample: `reads`, `seed`, `sweeps`."""
        span = self._first_time("sample")
        self._draft.directives.append(directives.sample(_given(options, span), _read, span))

    def approximate(self, function: str, degree: int, on: tuple[float, float] | None = None) -> None:
        """Replace a smooth function by a polynomial of this degree, on this interval if one is given."""
        span = self._first_time(f"approximate {function}")
        given = Given("degree", degree, span)
        self._draft.directives.append(directives.approximate(function, given, on, _read, span, span))

    def to_module(self) -> Module:
        """The module with `@main` at stage TENSOR. Raises `CompileError` when nothing is to be decided."""
        return self._draft.module()

    def compile(self, target: str = "dwave", **options: Any) -> Any:
        """The compiled program for `target`; see `qevo_compiler.compile`."""
        # The driver stands a floor above and imports this module, so it is looked up when called.
        return import_module("qevo_compiler.driver").compile(self, target=target, **options)

    def _plain(self, name: str, domain: Domain, shape: Shape, span: Span | None) -> Expression:
        return self._number(name, declare.plain_variable(name, domain, _shape(shape, span), span), span)

    def _number(self, name: str, tensor: Tensor, span: Span | None) -> Expression:
        self._declare(name, tensor, span)
        return Expression(self, tensor)

    def _declare(self, name: str, variable: Tensor | Choice, span: Span | None) -> None:
        if _checked_name(name, span) in self._variables:
            raise CompileError(DuplicateName(span, name, declare.tensor_of(self._variables[name]).span))
        self._variables[name] = variable
        self._draft.declared.append(declare.tensor_of(variable))

    def _objective(self, sense: Sense, objective: Any, span: Span | None) -> None:
        if self._draft.objective is not None:
            raise CompileError(RepeatedStatement(span, "objective", self._draft.objective_span))
        self._draft.set_objective(sense, read_tensor(self, objective, span), span)

    def _constraint(self, given: Any, span: Span | None) -> Constraint:
        """What was given to `subject_to`, as a comparison."""
        if isinstance(given, Constraint):
            check_home(self, given, span)
            return given
        if symbolic.is_sympy(given):
            return Constraint(self, *symbolic.read_relation(self, given, span), span)
        found, expected = type(given).__name__, _COMPARISON
        if isinstance(given, Expression):
            value = read_tensor(self, given, span)
            if value.is_zero_one:
                return Constraint(self, value, tensors.ONE, Relation.EQ, span)
            found, expected = (
                "an expression without a comparison",
                f"{_COMPARISON}; only what is 0 or 1 may stand alone",
            )
        elif isinstance(given, bool | np.bool_) or getattr(given, "dtype", None) == np.bool_:
            found = str(given) if np.ndim(given) == 0 else "an array of truth values"
            expected = "no side of the comparison holds a variable; leave it out, or compare an expression"
        elif isinstance(given, list | tuple | Iterator):
            expected = "hand comparisons in one by one; one of arrays states a constraint for each element"
        raise CompileError(BadPythonValue(span, "a constraint", found, expected))

    def _compares(self, left: Tensor, right: Tensor, relation: Relation, span: Span | None) -> Constraint:
        return Constraint(self, left, right, relation, span)

    def _differs(self, equal: Tensor, span: Span | None) -> Constraint:
        return Unequal(self, equal, span)

    def _first_time(self, statement: str) -> Span | None:
        span = places.here()
        if statement in self._once:
            raise CompileError(RepeatedStatement(span, statement, self._once[statement]))
        self._once[statement] = span
        return span


def _shape(shape: Shape, span: Span | None) -> tuple[int, ...]:
    sizes = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    for size in sizes:
        if not isinstance(size, int | np.integer):
            raise CompileError(BadPythonValue(span, "a size", type(size).__name__, "a shape holds whole numbers"))
    return tuple(int(size) for size in sizes)


def _checked_name(name: Any, span: Span | None) -> str:
    if not (isinstance(name, str) and name.isascii() and name.isidentifier()):
        raise CompileError(BadPythonValue(span, "a name", repr(name), "letters, digits and `_`, a letter first"))
    return name


def _word(words: type[Encoding], what: str, given: str, span: Span | None) -> Encoding:
    known = {word.value: word for word in words}
    if given not in known:
        raise CompileError(BadPythonValue(span, what, repr(given), f"one of {', '.join(known)}"))
    return known[given]


def _weight(weight: Any, stated: Constraint, span: Span | None) -> tuple[float | None, Array | None]:
    """The weight of a constraint, and factors of its rows where they have weights of their own."""
    if weight is None:
        return None, None
    if isinstance(weight, Expression | str):
        expected = "a weight is a number from 0 on, or an array of them for the constraint's elements"
        raise CompileError(BadPythonValue(span, "a weight", type(weight).__name__, expected))
    values = np.asarray(arrays.numbers("the weight", weight, span), np.float64)
    if not values.ndim:
        if not 0 <= values < np.inf:
            raise CompileError(BadWeight(span, f"{values:g}"))
        return float(values), None
    if tensors.common_shape(values.shape, stated.shape, span) != stated.shape:
        raise CompileError(ShapesDoNotFit(span, stated.shape, values.shape))
    if not ((values >= 0) & (values < np.inf)).all():
        raise CompileError(BadWeight(span, f"{values.min():g}"))
    return row_weights(np.broadcast_to(values, stated.shape), stated.sides)


def _given(options: dict[str, Any], span: Span | None) -> list[Given]:
    return [Given(name, value, span) for name, value in options.items()]


def _read(value: Any, kind: Kind) -> Any:
    """The value of an option as its kind, or None when it is of another."""
    if kind is Kind.WORD:
        return value if isinstance(value, str) else None
    return None if isinstance(value, str) else directives.plain(arrays.numbers("this option", value, None), kind)

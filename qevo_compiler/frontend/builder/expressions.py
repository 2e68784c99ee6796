"""Lazy arrays over the variables of a `Problem`, with numpy's operators and shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.python import BadPythonValue, ConstraintAsTruth
from qevo_compiler.diagnostics.language.shapes import NoLength
from qevo_compiler.diagnostics.syntax.statements import NotARelation
from qevo_compiler.dialects.problem import Relation
from qevo_compiler.frontend import tensors
from qevo_compiler.frontend.builder import matrices, numpy_functions, places
from qevo_compiler.frontend.builder.reading import read_items, read_tensor
from qevo_compiler.frontend.builder.stated import Stated
from qevo_compiler.frontend.tensors import Tensor
from qevo_compiler.source import Span

if TYPE_CHECKING:
    from qevo_compiler.frontend.builder.constraints import Constraint
    from qevo_compiler.frontend.builder.problem import Problem

_STRICT = "for whole numbers `a {0} b` is `a {0}= b {1}`; the {2} of expressions is `numpy.{2}imum(a, b)` or `x.{2}()`"
Operation = Callable[[Tensor, Tensor, Span | None], Tensor]


class Expression(Stated):
    """An array of expressions over decisions. Operators follow numpy.

    `==`, `!=`, `<=` and `>=` state constraints for `Problem.subject_to`, which are 0/1 values in other expressions.
    `&`, `|`, `^` and `~` are logic on 0/1 expressions. Every mistake of shape or kind raises
    `CompileError` with the line of the user's file.
    """

    __pandas_priority__ = 10_000  # and `series * expression` to __rmul__
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, problem: Problem, tensor: Tensor) -> None:
        self._problem = problem
        self._stated = tensor

    @property
    def _tensor(self) -> Tensor:
        return self._stated

    @property
    def _value(self) -> Tensor:
        return self._tensor

    @property
    def shape(self) -> tuple[int, ...]:
        return self._tensor.shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def T(self) -> Expression:  # noqa: N802  numpy's name
        """The axes in reverse order."""
        return self._with(tensors.transpose(self._tensor, places.here()))

    def reshape(self, *shape: int) -> Expression:
        """The same elements, row by row, in another shape, of which one size may be -1: `x.reshape(-1, 1)`."""
        span = places.here()
        try:
            found = np.empty(self.shape, np.bool_).reshape(*shape).shape
        except (TypeError, ValueError) as error:
            expected = f"NumPy says: {error}"
            raise CompileError(BadPythonValue(span, "the new shape", str(shape), expected)) from None
        return self._with(tensors.reinterpret(self._tensor, found, None, span))

    def sum(self, axis: int | Sequence[int] | None = None) -> Expression:
        """The sum over all axes, or over the given ones."""
        span = places.here()
        return self._with(tensors.sum_axes(self._tensor, self._axes(axis, span), span))

    def mean(self, axis: int | Sequence[int] | None = None) -> Expression:
        """The mean over all axes, or over the given ones."""
        span = places.here()
        axes = self._axes(axis, span)
        count = tensors.constant(np.int64(np.prod([self.shape[a] for a in axes], dtype=np.int64)))
        return self._with(tensors.divide(tensors.sum_axes(self._tensor, axes, span), count, span))

    def prod(self) -> Expression:
        """The product of all elements."""
        return self._with(tensors.product(self._tensor, places.here()))

    def max(self, axis: int | Sequence[int] | None = None) -> Expression:
        """The largest element, or those over the given axes."""
        return self._extreme("max", axis, places.here())

    def min(self, axis: int | Sequence[int] | None = None) -> Expression:
        """The least element, or those over the given axes."""
        return self._extreme("min", axis, places.here())

    def norm2(self) -> Expression:
        """The sum of the squares of all elements."""
        return self._with(tensors.norm2(self._tensor, places.here()))

    def implies(self, other: Any) -> Expression:
        """1 unless this is 1 and the other is 0."""
        return self._logic("=>", other)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """One object, so that `matrix @ expression` of a SciPy matrix comes to __rmatmul__."""
        whole = np.empty((), object)
        whole[()] = self
        return whole

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return numpy_functions.ufunc(ufunc.__name__, method, inputs, options)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        return numpy_functions.call(function.__name__, args, kwargs)

    def __len__(self) -> int:
        if not self.shape:
            raise CompileError(NoLength(places.here()))
        return self.shape[0]

    def __iter__(self) -> Iterator[Expression]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, items: Any) -> Expression:
        span = places.here()
        if (element := tensors.element(self._tensor, items, span)) is not None:
            return self._with(element)
        found = tensors.index(self._tensor, read_items(self._problem, items, self.ndim, span), span)
        assert isinstance(found, Tensor)
        return self._with(found)

    def __add__(self, other: Any) -> Expression:
        return self._binary(tensors.add, other)

    def __radd__(self, other: Any) -> Expression:
        return self._reflected(tensors.add, other)

    def __sub__(self, other: Any) -> Expression:
        return self._binary(tensors.subtract, other)

    def __rsub__(self, other: Any) -> Expression:
        return self._reflected(tensors.subtract, other)

    def __mul__(self, other: Any) -> Expression:
        return self._binary(tensors.multiply, other)

    def __rmul__(self, other: Any) -> Expression:
        return self._reflected(tensors.multiply, other)

    def __truediv__(self, other: Any) -> Expression:
        return self._binary(tensors.divide, other)

    def __rtruediv__(self, other: Any) -> Expression:
        return self._reflected(tensors.divide, other)

    def __mod__(self, other: Any) -> Expression:
        return self._binary(tensors.remainder, other)

    def __rmod__(self, other: Any) -> Expression:
        return self._reflected(tensors.remainder, other)

    def __floordiv__(self, other: Any) -> Expression:
        return self._binary(tensors.floor_divide, other)

    def __rfloordiv__(self, other: Any) -> Expression:
        return self._reflected(tensors.floor_divide, other)

    def __pow__(self, other: Any) -> Expression:
        return self._binary(tensors.power, other)

    def __rpow__(self, other: Any) -> Expression:
        return self._reflected(tensors.power, other)

    def __matmul__(self, other: Any) -> Expression:
        if matrices.is_sparse(other):
            span = places.here()
            return self._with(tensors.product_sparse(self._tensor, matrices.sparse(other.T, span), span))
        return self._binary(tensors.matmul, other)

    def __rmatmul__(self, other: Any) -> Expression:
        if matrices.is_sparse(other):
            span = places.here()
            return self._with(tensors.sparse_product(matrices.sparse(other, span), self._tensor, span))
        return self._reflected(tensors.matmul, other)

    def __neg__(self) -> Expression:
        return self._with(tensors.negate(self._tensor, places.here()))

    def __pos__(self) -> Expression:
        return self

    def __abs__(self) -> Expression:
        return self._with(tensors.apply("abs", self._tensor, places.here()))

    def __and__(self, other: Any) -> Expression:
        return self._logic("and", other)

    def __or__(self, other: Any) -> Expression:
        return self._logic("or", other)

    def __xor__(self, other: Any) -> Expression:
        return self._logic("xor", other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __invert__(self) -> Expression:
        span = places.here()
        return self._with(tensors.negation(self._tensor, span, span))

    def __le__(self, other: Any) -> Constraint:
        return self._relation(Relation.LE, other)

    def __ge__(self, other: Any) -> Constraint:
        return self._relation(Relation.GE, other)

    def __eq__(self, other: object) -> Constraint:  # type: ignore[override]
        return self._relation(Relation.EQ, other)

    def __ne__(self, other: object) -> Constraint:  # type: ignore[override]
        span = places.here()
        equal = tensors.compare("==", self._tensor, read_tensor(self._problem, other, span), span)
        return self._problem._differs(equal, span)

    def __lt__(self, other: Any) -> Any:
        raise CompileError(NotARelation(places.here(), "<", _STRICT.format("<", "- 1", "min")))

    def __gt__(self, other: Any) -> Any:
        raise CompileError(NotARelation(places.here(), ">", _STRICT.format(">", "+ 1", "max")))

    def __bool__(self) -> bool:
        raise CompileError(ConstraintAsTruth(places.here()))

    def __repr__(self) -> str:
        return f"Expression(shape={self.shape})"

    def _with(self, tensor: Tensor) -> Expression:
        return Expression(self._problem, tensor)

    def _binary(self, operation: Operation, other: Any) -> Expression:
        span = places.here()
        return self._with(operation(self._tensor, read_tensor(self._problem, other, span), span))

    def _reflected(self, operation: Operation, other: Any) -> Expression:
        span = places.here()
        return self._with(operation(read_tensor(self._problem, other, span), self._tensor, span))

    def _logic(self, operator: str, other: Any) -> Expression:
        span = places.here()
        operands = [(self._tensor, span), (read_tensor(self._problem, other, span), span)]
        return self._with(tensors.logical(operator, operands, span))

    def _relation(self, relation: Relation, other: Any) -> Constraint:
        span = places.here()
        return self._problem._compares(self._tensor, read_tensor(self._problem, other, span), relation, span)

    def _extreme(self, name: str, axis: int | Sequence[int] | None, span: Span | None) -> Expression:
        return self._with(tensors.extreme(name, self._tensor, self._axes(axis, span), span))

    def _axes(self, axis: int | Sequence[int] | None, span: Span | None) -> tuple[int, ...]:
        chosen = range(self.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
        for one in chosen:
            if not -self.ndim <= one < self.ndim:
                raise CompileError(BadPythonValue(span, "an axis", str(one), f"the array has {self.ndim} axes"))
        return tuple(sorted({one % self.ndim for one in chosen}))

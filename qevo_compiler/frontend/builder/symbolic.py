"""sympy expressions in the names of a problem's variables. sympy is imported only when one is given."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.language.names import UnknownName
from qevo_compiler.diagnostics.language.python import UnsupportedSympy
from qevo_compiler.dialects.problem import Relation
from qevo_compiler.frontend import tensors
from qevo_compiler.frontend.tensors import Item, Tensor, constant
from qevo_compiler.source import Span

if TYPE_CHECKING:
    from qevo_compiler.frontend.builder.problem import Problem

_ELEMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\[\s*([0-9]+(?:\s*,\s*[0-9]+)*)\s*\]")
_FUNCTIONS = {"tanh": "tanh", "exp": "exp", "log": "log", "Abs": "abs"}


def is_sympy(value: Any) -> bool:
    """Whether `value` comes from sympy, without importing it."""
    return type(value).__module__.partition(".")[0] == "sympy"


def read(problem: Problem, expression: Any, span: Span | None) -> Tensor:
    """A sympy expression as a tensor. Cost: linear in its size, in Python."""
    return _Reader(problem, span).tensor(expression)


def read_relation(problem: Problem, relation: Any, span: Span | None) -> tuple[Tensor, Tensor, Relation]:
    """`Le`, `Ge` or `Eq` as left side, right side and relation."""
    import sympy

    kinds = {sympy.Le: Relation.LE, sympy.Ge: Relation.GE, sympy.Eq: Relation.EQ}
    kind = kinds.get(type(relation))
    if kind is None:
        raise CompileError(UnsupportedSympy(span, str(relation), "constraints are `Le`, `Ge` or `Eq`"))
    reader = _Reader(problem, span)
    return reader.tensor(relation.lhs), reader.tensor(relation.rhs), kind


class _Reader:
    def __init__(self, problem: Problem, span: Span | None) -> None:
        import sympy

        self._problem = problem
        self._span = span
        self._rules: dict[Any, Callable[[Any], Tensor]] = {
            sympy.Add: self._add,
            sympy.Mul: self._multiply,
            sympy.Pow: self._power,
            sympy.Symbol: lambda node: self._element(node.name),
            sympy.Indexed: self._indexed,
        }

    def tensor(self, node: Any) -> Tensor:
        if node.is_number:
            return self._number(node)
        for kind, rule in self._rules.items():
            if isinstance(node, kind):
                return rule(node)
        name = type(node).__name__
        if name in _FUNCTIONS:
            return tensors.apply(_FUNCTIONS[name], self.tensor(node.args[0]), self._span)
        raise CompileError(UnsupportedSympy(self._span, name, "sums, products, powers and smooth functions are read"))

    def _number(self, node: Any) -> Tensor:
        if not node.is_real or not node.is_finite:
            raise CompileError(UnsupportedSympy(self._span, str(node), "numbers have to be real and finite"))
        return constant(np.int64(int(node)) if node.is_Integer and abs(node) < 2**63 else float(node))

    def _add(self, node: Any) -> Tensor:
        terms = [self.tensor(term) for term in node.as_ordered_terms()]
        return tensors.signed_sum(terms, [False] * len(terms), self._span)

    def _multiply(self, node: Any) -> Tensor:
        factors = [self.tensor(factor) for factor in node.as_ordered_factors()]
        return reduce(lambda x, y: tensors.multiply(x, y, self._span), factors)

    def _power(self, node: Any) -> Tensor:
        base, exponent = node.args
        if exponent.is_Rational and (exponent.p, exponent.q) == (1, 2):
            return tensors.apply("sqrt", self.tensor(base), self._span)
        return tensors.power(self.tensor(base), self.tensor(exponent), self._span)

    def _indexed(self, node: Any) -> Tensor:
        if not all(index.is_Integer for index in node.indices):
            raise CompileError(UnsupportedSympy(self._span, str(node), "indices are whole numbers"))
        return self._pick(str(node.base.label), [int(index) for index in node.indices])

    def _element(self, name: str) -> Tensor:
        if match := _ELEMENT.fullmatch(name):
            return self._pick(match[1], [int(index) for index in match[2].split(",")])
        return self._pick(name, [])

    def _pick(self, name: str, indices: list[int]) -> Tensor:
        known = self._problem.variables
        if name not in known:
            raise CompileError(UnknownName(self._span, name, did_you_mean(name, known)))
        variable = tensors.number(known[name], self._span)
        if not indices:
            return variable
        found = tensors.index(variable, [Item(constant(np.int64(i)), self._span) for i in indices], self._span)
        assert isinstance(found, Tensor)
        return found

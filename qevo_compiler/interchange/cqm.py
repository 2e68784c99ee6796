"""dimod's constrained quadratic models as stated problems: what a user built, or what an LP file says.

Labels become symbols; numbers, and names x0 .. x(n-1), that number all variables become one array. Terms are read
through dimod's own views, one at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.files import NotSupported
from qevo_compiler.diagnostics.interchange.models import ContinuousVariable
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.problem import Domain, Relation, Sense, VariableOp
from qevo_compiler.interchange.inputs import Floats, Ints
from qevo_compiler.interchange.problems import StatedProblem, assemble, bounded_integer, labelled, plain_variable
from qevo_compiler.ir import Array
from qevo_compiler.source import Span

Places = Callable[[str], Span | None]
_NUMBERED = re.compile(r"([A-Za-z_]+)(0|[1-9]\d*)")
_RELATIONS = {"==": Relation.EQ, "<=": Relation.LE, ">=": Relation.GE}
_PLAIN = {"BINARY": Domain.BINARY, "SPIN": Domain.SPIN}


def stated_problem(model: Any, sense: Sense, places: Places) -> StatedProblem:
    """The problem that a `dimod.ConstrainedQuadraticModel` states; `sense` says which way its objective was turned.

    A soft constraint with a quadratic penalty is one here too: its violation squared costs the weight. `places` says
    where a name stands. Raises `CompileError` for real variables, unbounded integers and linear soft penalties.
    """
    variables, order = _declared(model, places)
    place = {label: int(at) for label, at in zip(model.variables, order, strict=True)}
    bits = np.repeat([op.domain is Domain.BINARY for op in variables], [op.size for op in variables]).astype(bool)
    factor = -1.0 if sense is Sense.MAXIMIZE else 1.0
    objective = _polynomial(model.objective, place, bits, factor, 0.0)
    constraints = []
    for label, stated in model.constraints.items():
        body = _polynomial(stated.lhs, place, bits, 1.0, float(stated.rhs))
        indices = Array(np.zeros((1, 0), np.int64))
        name = label if isinstance(label, str) else f"c[{label}]"
        span = places(str(label))
        weight = _soft_weight(stated.lhs, name, span)
        constraints.append(poly.ConstraintOp(name, _RELATIONS[stated.sense.value], body, indices, weight, span=span))
    return StatedProblem(variables, objective, sense, tuple(constraints))


def _declared(model: Any, places: Places) -> tuple[tuple[VariableOp, ...], Ints]:
    """The variables, and the place of each label among them."""
    labels = list(model.variables)
    turns = np.arange(len(labels))
    kinds = {model.vartype(label).name for label in labels}
    if all(type(label) is int for label in labels) and len(kinds) == 1 and kinds <= _PLAIN.keys():
        domain = _PLAIN[kinds.pop()]
        variables, order = labelled(domain, labels, "s" if domain is Domain.SPIN else "x")
        return variables, turns if order is None else order
    found = [_NUMBERED.fullmatch(str(label)) for label in labels]
    stems, numbers = ({match[k] for match in found if match} for k in (1, 2))
    whole = all(found) and numbers == {str(turn) for turn in range(len(labels))}
    if kinds == {"BINARY"} and len(stems) == 1 and whole:
        order = np.array([int(match[2]) for match in found if match], np.int64)
        return (plain_variable(stems.pop(), Domain.BINARY, (len(labels),)),), order
    return tuple(_variable(model, label, places) for label in labels), turns


def _soft_weight(left: Any, name: str, span: Span | None) -> float | None:
    if not left.is_soft():
        return None
    if left.penalty() != "quadratic":
        instead = "use `penalty='quadratic'`, or no weight for a constraint that must hold"
        raise CompileError(NotSupported(span, f"the linear penalty of constraint `{name}`", "cqm", instead))
    return float(left.weight())


def _variable(model: Any, label: Any, places: Places) -> VariableOp:
    name, kind = str(label), model.vartype(label).name
    span = places(name)
    if kind in _PLAIN:
        return replace(plain_variable(name, _PLAIN[kind], ()), span=span)
    if kind != "INTEGER":
        raise CompileError(ContinuousVariable(span, name, "continuous"))
    lower, upper = (np.array([float(end(label))]) for end in (model.lower_bound, model.upper_bound))
    return replace(bounded_integer(name, (), lower, upper, span), span=span)


def _polynomial(
    view: Any, place: dict[Any, int], bits: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], factor: float, right: float
) -> poly.Polynomials:
    """`factor` times a quadratic expression of dimod, less `right`, as one row."""
    linear = [(place[name], bias) for name, bias in view.iter_linear()]
    pairs = [(place[a], place[b], bias) for a, b, bias in view.iter_quadratic()]
    names, biases = _columns(linear, 1)
    ends, products = _columns(pairs, 2)
    zeros = np.zeros(len(biases), np.int64), np.zeros(len(products), np.int64)
    constant = np.array([factor * float(view.offset) - right])
    first = (zeros[0], names[:, 0], factor * biases)
    return assemble(1, constant, first, (zeros[1], ends[:, 0], ends[:, 1], factor * products), bits)


def _columns(entries: list[Any], width: int) -> tuple[Ints, Floats]:
    found = np.array(entries, np.float64).reshape(len(entries), width + 1)
    return found[:, :width].astype(np.int64), found[:, width]

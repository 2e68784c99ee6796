"""A polynomial problem as sympy expressions and as LaTeX, for reading and as an independent oracle.

One sympy term is a Python object, so this view is for small problems: above `MAX_TERMS` it is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qevo_compiler.analyses.names import element_name, index_rows, instance_name
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.poly import TooLargeToShow
from qevo_compiler.dialects import poly, problem
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.problem import Domain, Relation, Sense
from qevo_compiler.ir import Func, Module

if TYPE_CHECKING:
    import sympy

MAX_TERMS = 2000
_RELATIONS = {Relation.EQ: "=", Relation.LE: r"\leq", Relation.GE: r"\geq"}


@dataclass(frozen=True)
class SymbolicProblem:
    """`objective` (None: find a feasible point) with its `sense`; relations by constraint; symbols by number."""

    objective: sympy.Expr | None
    sense: Sense
    constraints: dict[str, list[Any]]
    symbols: tuple[sympy.Symbol, ...]


def variable_names(func: Func) -> list[str]:
    """The names of the polynomial variables in order: `take[3]`, `op[2] == conv1` and `k == 4` for indicators."""
    names: list[str] = []
    for op in func.ops_of(problem.VariableOp):
        positions = None if op.positions is None else op.positions.values
        elements = [element_name(op.symbol, op.shape, k, positions, op.tensor_shape) for k in range(op.size)]
        if op.domain is Domain.CHOICE:
            names += [f"{element} == {label}" for element in elements for label in op.labels]
        elif isinstance(op, problem.ListedOp):
            names += [f"{elements[element]} == {value}" for element, value in _values(op)]
        else:
            names += elements
    return names


def to_sympy(func: Func) -> SymbolicProblem:
    """`func` at the polynomial stage as sympy expressions.

    Raises `CompileError` (Q0609) above `MAX_TERMS` terms or variables.
    """
    import sympy

    _check_size(func)
    symbols = tuple(sympy.Symbol(name, real=True) for name in variable_names(func))
    stated = func.first(poly.ObjectiveOp)
    objective = None if stated is None else _expressions(stated.polynomial, symbols)[0]
    compare = {Relation.EQ: sympy.Eq, Relation.LE: sympy.Le, Relation.GE: sympy.Ge}
    constraints = {
        op.symbol: [compare[op.relation](body, 0) for body in _expressions(op.body, symbols)]
        for op in func.ops_of(poly.ConstraintOp)
    }
    return SymbolicProblem(objective, Sense.MINIMIZE if stated is None else stated.sense, constraints, symbols)


def to_latex(module: Module) -> str:
    """The polynomial problem of `module` (its `@problem`, or `@main` at that stage) as one LaTeX `align*`.

    Raises `CompileError` (Q0609) above `MAX_TERMS` terms or variables.
    """
    func = module.find("problem") or module.main
    _check_size(func)
    symbols = _latex_symbols(func)
    lines = []
    stated = func.first(poly.ObjectiveOp)
    if stated is not None:
        verb = "min" if stated.sense is Sense.MINIMIZE else "max"
        lines.append(rf"\{verb} \quad & {_latex(_expressions(stated.polynomial, symbols)[0])}")
    for op in func.ops_of(poly.ConstraintOp):
        for indices, body in zip(op.indices.values, _expressions(op.body, symbols), strict=True):
            name = rf"\text{{{_escaped(instance_name(op.symbol, indices))}:}}"
            lines.append(rf"{name} \quad & {_latex(body)} {_RELATIONS[op.relation]} 0")
    lines += [rf"& {_domain(op)}" for op in func.ops_of(problem.VariableOp)]
    body = " \\\\\n".join(lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}\n"


def _values(op: problem.ListedOp) -> list[tuple[int, int]]:
    """The element and the value that each polynomial variable stands for."""
    element, place = op.places
    return list(zip(element.tolist(), (op.lowest[element] + place).astype(np.int64).tolist(), strict=True))


def _check_size(func: Func) -> None:
    terms = sum(len(op.polynomial) for op in func.ops_of(poly.ObjectiveOp))
    terms += sum(len(op.body) for op in func.ops_of(poly.ConstraintOp))
    size = max(terms, sum(op.width for op in func.ops_of(problem.VariableOp)))
    if size > MAX_TERMS:
        raise CompileError(TooLargeToShow(None, size, MAX_TERMS))


def _expressions(polynomials: Polynomials, symbols: tuple[Any, ...]) -> list[Any]:
    import sympy

    terms: list[list[Any]] = [[] for _ in range(polynomials.rows)]
    for block in polynomials.terms:
        columns = (block.row, block.variables, block.coefficients)
        for row, names, coefficient in zip(*(column.values.tolist() for column in columns), strict=True):
            terms[row].append(sympy.Mul(_number(coefficient), *(symbols[name] for name in names)))
    return [sympy.Add(*row) for row in terms]


def _number(value: float) -> Any:
    import sympy

    return sympy.Integer(int(value)) if value.is_integer() and abs(value) < 2**53 else sympy.Float(value)


def _latex(expression: Any) -> str:
    import sympy

    return str(sympy.latex(expression, order="none", full_prec=False))


def _latex_symbols(func: Func) -> tuple[Any, ...]:
    import sympy

    symbols = []
    for op in func.ops_of(problem.VariableOp):
        stems = [
            f"{_stem(op.symbol)}_{{{','.join(map(str, indices))}}}" if len(indices) else _stem(op.symbol)
            for indices in _index_rows(op)
        ]
        if isinstance(op, problem.ListedOp):
            symbols += [sympy.Symbol(f"[{stems[element]} = {value}]") for element, value in _values(op)]
            continue
        for stem in stems:
            labels = [f"[{stem} = \\text{{{_escaped(label)}}}]" for label in op.labels]
            symbols += [sympy.Symbol(name) for name in (labels or [stem])]
    return tuple(symbols)


def _index_rows(op: problem.VariableOp) -> list[tuple[int, ...]]:
    if op.positions is None:
        return [tuple(row) for row in index_rows(op.shape).tolist()]
    return list(zip(*(axis.tolist() for axis in np.unravel_index(op.positions.values, op.tensor_shape)), strict=True))


def _domain(op: problem.VariableOp) -> str:
    name = _stem(op.symbol)
    match op.domain:
        case Domain.BINARY:
            return rf"{name} \in \{{0, 1\}}"
        case Domain.SPIN:
            return rf"{name} \in \{{-1, 1\}}"
        case Domain.CHOICE:
            labels = ", ".join(rf"\text{{{_escaped(label)}}}" for label in op.labels)
            return rf"{name} \in \{{{labels}\}}"
    assert op.lower is not None
    assert op.upper is not None
    low = op.lower.values.astype(np.float64).min(initial=np.inf)
    high = op.upper.values.astype(np.float64).max(initial=-np.inf)
    if op.domain is Domain.INTEGER:
        return rf"{name} \in \{{{low:g}, \ldots, {high:g}\}}"
    return rf"{name} \in [{low:g}, {high:g}]"


def _stem(symbol: str) -> str:
    return symbol if len(symbol) == 1 else rf"\mathit{{{_escaped(symbol)}}}"


def _escaped(text: str) -> str:
    return text.replace("_", r"\_")

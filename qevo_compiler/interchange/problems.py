"""A problem read from a file: variables, objective and constraints as packed polynomials.

It becomes a module at the stage `polynomial`, as the language's front end leaves it after
`expand-polynomials`, so that everything after that pass, decoding and explaining work alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.models import NothingStated, RepeatedName, UnboundedVariable
from qevo_compiler.diagnostics.language.statements import EmptyDomain, NeverHolds
from qevo_compiler.diagnostics.poly import NotFinite
from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.dialects.poly.polynomials import Terms, pack
from qevo_compiler.dialects.problem import Domain, Relation, Sense, VariableOp
from qevo_compiler.interchange.inputs import InputFile
from qevo_compiler.ir import Array, Builder, Invalid, Module, Op
from qevo_compiler.source import Span

Floats = NDArray[np.float64]
Model = ising.ModelOp | ising.QuboOp
# What later passes may square and sum; see docs/reference/errors.md, Q0606.
LARGEST = 1e150


@dataclass(frozen=True)
class StatedProblem:
    """Polynomial variables are numbered through `variables` in order; the objective has one row."""

    variables: tuple[VariableOp, ...]
    objective: Polynomials
    sense: Sense = Sense.MINIMIZE
    constraints: tuple[poly.ConstraintOp, ...] = ()

    def module(self, file: InputFile) -> Module:
        """The module, named after the file; see `named`."""
        if not any(op.size for op in self.variables):
            raise CompileError(NothingStated(None, file.name))
        return self.named(file.stem, Span(file.name, 1, 1, 1, 2))

    def named(self, name: str, span: Span | None) -> Module:
        """The module of that name, stated at `span`. Raises `CompileError` for what no pass could work with."""
        _check_names((op.symbol for op in self.variables), "variables")
        _check_names((op.symbol for op in self.constraints), "constraints")
        _check_size(self.objective, "the objective", span)
        ops: list[Op] = [*self.variables, poly.ObjectiveOp(self.objective, self.sense)]
        for constraint in self.constraints:
            _check_size(constraint.body, f"constraint `{constraint.symbol}`", constraint.span or span)
            kept = without_constant_rows(constraint)
            ops += [] if kept is None else [kept]
        builder = Builder()
        builder.span = span
        for op in ops:
            builder.append(op)
        main = builder.finish()
        return Module(name, (main, replace(main, name="problem")))


def _check_names(symbols: Iterable[str], what: str) -> None:
    counts = Counter(symbols)
    repeated = [symbol for symbol, count in counts.items() if count > 1]
    if repeated:
        raise CompileError(RepeatedName(None, repeated[0], what))


def _check_size(polynomial: Polynomials, what: str, span: Span | None) -> None:
    with np.errstate(all="ignore"):
        total = sum(float(np.abs(block.coefficients.values).sum()) for block in polynomial.terms)
    if not total <= LARGEST:
        raise CompileError(NotFinite(span, what, LARGEST))


def without_constant_rows(op: poly.ConstraintOp) -> poly.ConstraintOp | None:
    """The constraint less rows without variables, None when none is left; raises `CompileError` for a false one."""
    body = op.body
    decided = np.zeros(body.rows, bool)
    for block in body.terms:
        if block.degree:
            decided[block.row.values] = True
    if decided.all():
        return op
    constants = body.constants()
    holds = {Relation.EQ: constants == 0, Relation.LE: constants <= 0, Relation.GE: constants >= 0}[op.relation]
    false = np.flatnonzero(~decided & ~holds)
    if len(false) and op.weight is not None:
        return op
    if len(false):
        value = constants[false[0]]
        raise CompileError(NeverHolds(op.span, op.symbol, f"{value:.15g}", op.relation.value, "0"))
    if not decided.any():
        return None
    rows = np.flatnonzero(decided)
    return replace(op, body=arithmetic.select(body, rows), indices=Array(op.indices.values[rows]))


def plain_variable(symbol: str, domain: Domain, shape: tuple[int, ...]) -> VariableOp:
    """An array of binary or spin variables."""
    return VariableOp(symbol, domain, shape)


def quadratic(
    offset: float, rows: NDArray[np.integer], columns: NDArray[np.integer], values: Floats, domain: Domain
) -> Polynomials:
    """One row `offset + sum values[k] v[rows[k]] v[columns[k]]` in any order, with repeats added up.

    An entry with equal indices is a linear term, as in every coordinate format for bits and spins.
    """
    assert domain in (Domain.BINARY, Domain.SPIN)
    single = rows == columns
    pairs = ~single
    names = np.stack([rows[pairs], columns[pairs]], axis=1)
    constant = (np.zeros(1, np.int32), np.zeros((1, 0), np.int32), np.array([offset], np.float64))
    linear = (np.zeros(int(single.sum()), np.int32), rows[single][:, None], values[single])
    with np.errstate(all="ignore"):
        return pack(1, [constant, linear, (np.zeros(len(names), np.int32), names, values[pairs])])


def labelled(
    domain: Domain, labels: Sequence[object], symbol: str
) -> tuple[tuple[VariableOp, ...], NDArray[np.int64] | None]:
    """Variables with the given labels, and where each label's variable comes among them (None: in order).

    Whole numbers from 0 on are one array, other numbers the elements of a larger one, in ascending order;
    names are symbols of their own.
    """
    size = len(labels)
    if all(type(label) is int and label >= 0 for label in labels):
        places = np.array(labels, np.int64)
        ordered = np.unique(places)
        if len(ordered) == size:
            order = None if (places == ordered).all() else np.searchsorted(ordered, places)
            whole = size == 0 or ordered[-1] == size - 1
            return (plain_variable(symbol, domain, (size,)) if whole else elements(symbol, domain, ordered),), order
    return tuple(plain_variable(str(label), domain, ()) for label in labels), None


def assemble(
    rows: int,
    constants: Floats,
    linear: tuple[NDArray[np.integer], NDArray[np.integer], Floats],
    pairs: tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.integer], Floats],
    bits: NDArray[np.bool_],
) -> Polynomials:
    """Rows of degree at most 2 from (row, variable, value) and (row, variable, variable, value) entries.

    `bits` [variables] says whose square is the variable itself.
    """
    row, first, second, values = pairs
    single = (first == second) & bits[first]
    two = np.stack([first[~single], second[~single]], axis=1)
    blocks = [
        (np.arange(rows), np.zeros((rows, 0), np.int64), constants),
        (linear[0], linear[1][:, None], linear[2]),
        (row[single], first[single][:, None], values[single]),
        (row[~single], two, values[~single]),
    ]
    with np.errstate(all="ignore"):
        return pack(rows, blocks)


def elements(symbol: str, domain: Domain, places: NDArray[np.int64]) -> VariableOp:
    """Variables that are the elements `places` of an array whose other elements do not take part."""
    extent = int(places.max()) + 1
    return VariableOp(symbol, domain, (len(places),), positions=Array(places), tensor_shape=(extent,))


def to_model(module: Module) -> Model:
    """The model that a module read from a file states when it has bits or spins only and no constraint.

    Raises `Invalid` for any other problem.
    """
    main = module.main
    domains = {op.domain for op in main.ops_of(VariableOp)}
    objective = main.only(poly.ObjectiveOp)
    if main.ops_of(poly.ConstraintOp) or objective.polynomial.degree > 2 or len(domains) != 1:
        raise Invalid("it has constraints or terms that a quadratic model has not")
    if not domains <= {Domain.BINARY, Domain.SPIN} or objective.sense is not Sense.MINIMIZE:
        raise Invalid("its variables are not all bits or all spins, or it maximises")
    size = sum(op.size for op in main.ops_of(VariableOp))
    polynomial = objective.polynomial
    _, single, linear = polynomial.block(1)
    _, pairs, values = polynomial.block(2)
    biases = np.bincount(single[:, 0], linear, size).astype(np.float64)
    cls = ising.QuboOp if domains == {Domain.BINARY} else ising.ModelOp
    return cls(
        float(polynomial.constants()[0]),
        Array(biases),
        Array(np.ascontiguousarray(pairs[:, 0])),
        Array(np.ascontiguousarray(pairs[:, 1])),
        Array(values),
    )


def arrays(model: Model) -> tuple[Floats, NDArray[np.int32], NDArray[np.int32], Floats]:
    """Linear coefficients [n], then rows, columns and values [m] of the pairs that are not zero."""
    linear = model.linear if isinstance(model, ising.QuboOp) else model.fields
    values = model.quadratic if isinstance(model, ising.QuboOp) else model.couplings
    kept = values.values != 0
    if kept.all():
        return linear.values, model.rows.values, model.columns.values, values.values
    return linear.values, model.rows.values[kept], model.columns.values[kept], values.values[kept]


def bounded_integer(symbol: str, shape: tuple[int, ...], lower: Floats, upper: Floats, span: Span | None) -> VariableOp:
    """Integers between two ends, [elements of `shape`], which are drawn in to whole numbers.

    Raises `CompileError` for an infinite end, one beyond 2^53, or a range without a whole number.
    """
    for end, values in (("lower", lower), ("upper", upper)):
        if not (np.abs(values) < 2.0**53 - 1).all():
            raise CompileError(UnboundedVariable(span, symbol, end))
    ends = np.ceil(lower), np.floor(upper)
    empty = np.flatnonzero(ends[0] > ends[1])
    if len(empty):
        raise CompileError(EmptyDomain(span, symbol, *(f"{end[empty[0]]:g}" for end in (lower, upper))))
    low, high = (Array(end.astype(np.int64).reshape(shape)) for end in ends)
    return VariableOp(symbol, Domain.INTEGER, shape, low, high)


def split_rows(body: Polynomials) -> list[Polynomials]:
    """The rows as polynomials of their own."""
    blocks = [(b.variables.values, b.coefficients.values, _row_starts(b, body.rows)) for b in body.terms]
    rows = []
    for row in range(body.rows):
        terms = []
        for names, values, starts in blocks:
            here = slice(starts[row], starts[row + 1])
            if here.stop > here.start:
                zero = np.zeros(here.stop - here.start, np.int32)
                terms.append(Terms(Array(zero), Array(names[here]), Array(values[here])))
        rows.append(Polynomials(1, tuple(terms)))
    return rows


def _row_starts(block: Terms, rows: int) -> list[int]:
    found: list[int] = np.searchsorted(block.row.values, np.arange(rows + 1)).tolist()
    return found

"""OMMX instances as protobuf bytes, where the package `ommx` is installed (the extra `ommx`).

Variables keep their names; a run of one name whose subscripts fill a grid becomes one array. Constraints
keep theirs, with their id where the name is missing or shared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.files import NotSupported, Unreadable
from qevo_compiler.diagnostics.interchange.models import ContinuousVariable
from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.poly.arithmetic import reduce_powers
from qevo_compiler.dialects.poly.polynomials import Polynomials, Vartype, pack
from qevo_compiler.dialects.problem import Domain, Relation, Sense, VariableOp
from qevo_compiler.interchange.inputs import Floats, InputFile, Ints
from qevo_compiler.interchange.problems import StatedProblem, arrays, bounded_integer, plain_variable
from qevo_compiler.ir import Array, Module
from qevo_compiler.packages import need

FORMAT = "ommx"
# The numbers of `Kind`, `Sense` and `Equality` in OMMX's protobuf schema, version 1.
_BINARY, _INTEGER = 1, 2
_KINDS = {0: "of no stated kind", 3: "continuous", 4: "semi-integer", 5: "semi-continuous"}
_MAXIMIZE = 2
_EQUAL, _AT_MOST = 1, 2
Block = tuple[Ints, Ints, Floats]


def need_package() -> Any:
    """The schema of an instance. Raises `CompileError` where `ommx` is not installed."""
    need("ommx", "an OMMX instance", "ommx")
    return need("ommx.v1.instance_pb2", "an OMMX instance", "ommx").Instance


def read(file: InputFile) -> Module:
    """The module that an instance states. Raises `CompileError` for damaged bytes and real variables."""
    instance = need_package()()
    try:
        instance.ParseFromString(file.content)
    except Exception as error:
        # The class of the error belongs to whichever protobuf implementation is installed.
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise CompileError(Unreadable(None, FORMAT, reason)) from None
    numbers = {variable.id: place for place, variable in enumerate(instance.decision_variables)}
    variables = tuple(_variables(instance.decision_variables))
    bits = np.array([variable.kind == _BINARY for variable in instance.decision_variables], bool)
    sense = Sense.MAXIMIZE if instance.sense == _MAXIMIZE else Sense.MINIMIZE
    objective = _polynomial(instance.objective, numbers, bits)
    return StatedProblem(variables, objective, sense, tuple(_constraints(instance, numbers, bits))).module(file)


def chunks(model: ising.QuboOp) -> Iterator[bytes]:
    """The model over binary variables `x` with ids and subscripts 0 .. n-1."""
    linear, rows, columns, values = arrays(model)
    instance = need_package()()
    for index in range(model.size):
        variable = instance.decision_variables.add()
        variable.id, variable.kind, variable.name = index, _BINARY, "x"
        variable.bound.lower, variable.bound.upper = 0.0, 1.0
        variable.subscripts.append(index)
    target = instance.objective.quadratic
    target.rows.extend(rows.tolist())
    target.columns.extend(columns.tolist())
    target.values.extend(values.tolist())
    target.linear.constant = model.offset
    for index in np.flatnonzero(linear).tolist():
        term = target.linear.terms.add()
        term.id, term.coefficient = index, float(linear[index])
    instance.sense = 1
    yield instance.SerializeToString(deterministic=True)


def _variables(stated: Any) -> Iterator[VariableOp]:
    """Arrays for runs of one name with subscripts in order, single variables for the rest."""
    counts = Counter(variable.name for variable in stated if len(variable.subscripts))
    for (name, kind, _), run in groupby(stated, key=lambda v: (v.name, v.kind, len(v.subscripts))):
        group = list(run)
        shape = _grid(group) if counts[name] == len(group) else None
        for part in [group] if shape is not None else [[one] for one in group]:
            yield _variable(part, kind, _symbol(part[0]) if shape is None else name, shape or ())


def _grid(group: list[Any]) -> tuple[int, ...] | None:
    """The shape that the subscripts of a run fill in row-major order, or None."""
    subscripts = np.array([list(variable.subscripts) for variable in group], np.int64)
    if subscripts.shape[1] == 0 or subscripts.min() < 0:
        return None
    shape = tuple((subscripts.max(axis=0) + 1).tolist())
    if np.prod(shape, dtype=np.float64) != len(group):
        return None
    ordered = np.ravel_multi_index(tuple(subscripts.T), shape)
    return shape if (ordered == np.arange(len(group))).all() else None


def _symbol(variable: Any) -> str:
    subscripts = f"[{', '.join(map(str, variable.subscripts))}]" if len(variable.subscripts) else ""
    return f"{variable.name}{subscripts}" if variable.name else f"x{variable.id}"


def _variable(group: list[Any], kind: int, symbol: str, shape: tuple[int, ...]) -> VariableOp:
    if kind == _BINARY:
        return plain_variable(symbol, Domain.BINARY, shape)
    if kind != _INTEGER:
        raise CompileError(ContinuousVariable(None, symbol, _KINDS.get(kind, "of an unknown kind")))
    given = [variable.HasField("bound") for variable in group]
    lower, upper = (
        np.array([getattr(v.bound, end) if has else np.inf for v, has in zip(group, given, strict=True)], np.float64)
        for end in ("lower", "upper")
    )
    return bounded_integer(symbol, shape, lower, upper, None)


def _constraints(
    instance: Any, numbers: dict[int, int], bits: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> Iterator[poly.ConstraintOp]:
    names = Counter(constraint.name for constraint in instance.constraints)
    for constraint in instance.constraints:
        if constraint.equality not in (_EQUAL, _AT_MOST):
            what = f"the relation of constraint {constraint.id}"
            raise CompileError(NotSupported(None, what, FORMAT, "`== 0` and `<= 0` are read"))
        relation = Relation.EQ if constraint.equality == _EQUAL else Relation.LE
        plain = constraint.name and names[constraint.name] == 1
        name = constraint.name if plain else f"{constraint.name or 'c'}[{constraint.id}]"
        body = _polynomial(constraint.function, numbers, bits)
        yield poly.ConstraintOp(name, relation, body, Array(np.zeros((1, 0), np.int64)))


def _polynomial(
    function: Any, numbers: dict[int, int], bits: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> Polynomials:
    """A function of the schema as one row over the variables' places, with x^2 = x for bits."""
    kind = function.WhichOneof("function")
    blocks: list[Block] = []
    try:
        if kind == "constant":
            blocks = [_block([], [function.constant], 0, numbers)]
        elif kind == "linear":
            blocks = _linear(function.linear, numbers)
        elif kind == "quadratic":
            stated = function.quadratic
            ids = np.stack([np.array(stated.rows, np.int64), np.array(stated.columns, np.int64)], axis=1)
            blocks = [*_linear(stated.linear, numbers), _block(ids, list(stated.values), 2, numbers)]
        elif kind == "polynomial":
            blocks = [
                _block([list(term.ids)], [term.coefficient], len(term.ids), numbers)
                for term in function.polynomial.terms
            ]
    except (KeyError, ValueError):
        reason = "a function names a variable that is not declared, or its columns differ in length"
        raise CompileError(Unreadable(None, FORMAT, reason)) from None
    return _without_squares(pack(1, blocks), bits)


def _linear(stated: Any, numbers: dict[int, int]) -> list[Block]:
    ids = [[term.id] for term in stated.terms]
    values = [term.coefficient for term in stated.terms]
    return [_block([], [stated.constant], 0, numbers), _block(ids, values, 1, numbers)]


def _block(ids: Any, values: list[float], degree: int, numbers: dict[int, int]) -> Block:
    flat = np.asarray(ids, np.int64).reshape(-1)
    distinct, place = np.unique(flat, return_inverse=True)
    known = np.array([numbers[number] for number in distinct.tolist()], np.int64)
    names = known[place].reshape(len(values), degree)
    coefficients = np.array(values, np.float64)
    if not np.isfinite(coefficients).all():
        raise CompileError(Unreadable(None, FORMAT, "a coefficient is not finite"))
    return np.zeros(len(values), np.int64), names, coefficients


def _without_squares(polynomial: Polynomials, bits: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Polynomials:
    """Powers of bits reduced; powers of integers stay. Terms are few where a file has both."""
    if bits.all():
        return reduce_powers(polynomial, Vartype.BINARY)
    blocks: list[Block] = []
    for block in polynomial.terms:
        for names, value in zip(block.variables.values.tolist(), block.coefficients.values.tolist(), strict=True):
            kept = [name for at, name in enumerate(names) if not (bits[name] and name in names[:at])]
            blocks.append((np.zeros(1, np.int64), np.array([kept], np.int64).reshape(1, -1), np.array([value])))
    return pack(polynomial.rows, blocks)

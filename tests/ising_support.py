"""Small polynomial modules for the Ising passes' tests, and their optimum by enumeration."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import ModelOp
from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.dialects.problem import Domain, Encoding, Relation, Sense, VariableOp
from qevo_compiler.ir import Array, Builder, Module, Op
from qevo_compiler.passes import Pipeline

TO_SPIN = "encode-variables,penalize-constraints,quadratize,binary-to-spin"


def variable(
    symbol: str,
    domain: Domain,
    shape: tuple[int, ...] = (),
    lower: float | None = None,
    upper: float | None = None,
    bits: int | None = None,
    labels: tuple[str, ...] = (),
    encoding: Encoding | None = None,
) -> VariableOp:
    bounds = [None if b is None else Array(np.float64(b)) for b in (lower, upper)]
    return VariableOp(symbol, domain, shape, bounds[0], bounds[1], bits, labels, encoding)


def polynomials(rows: Sequence[dict[tuple[int, ...], float]]) -> Polynomials:
    """Rows given as {variables: coefficient}."""
    blocks = []
    for row, terms in enumerate(rows):
        for names, coefficient in terms.items():
            blocks.append(
                (np.array([row], np.int32), np.array([names], np.int32).reshape(1, -1), np.array([float(coefficient)]))
            )
    return pack(len(rows), blocks)


def objective(terms: dict[tuple[int, ...], float], sense: Sense = Sense.MINIMIZE) -> poly.ObjectiveOp:
    return poly.ObjectiveOp(polynomials([terms]), sense)


def constraint(
    symbol: str, relation: Relation, *rows: dict[tuple[int, ...], float], weight: float | None = None
) -> poly.ConstraintOp:
    indices = np.arange(len(rows))[:, None] if len(rows) > 1 else np.zeros((1, 0), np.int64)
    return poly.ConstraintOp(symbol, relation, polynomials(rows), Array(indices), weight)


def problem_module(*ops: Op) -> Module:
    """`@main` with the ops, and the copy `@problem` that decoding uses."""
    main, problem = Builder(), Builder("problem")
    for op in ops:
        main.append(op)
        if not type(op).name.startswith("anneal"):
            problem.append(op)
    return Module("test", (main.finish(), problem.finish()))


def lower(module: Module, pipeline: str = TO_SPIN, **options: dict[str, object]) -> Module:
    given = {name.replace("_", "-"): values for name, values in options.items()}
    return Pipeline.parse(pipeline, given).run(module)


def domain_values(op: VariableOp) -> list[np.ndarray]:
    """Every assignment of one element, as its polynomial variables."""
    match op.domain:
        case Domain.BINARY:
            return [np.array([0.0]), np.array([1.0])]
        case Domain.SPIN:
            return [np.array([-1.0]), np.array([1.0])]
        case Domain.INTEGER:
            return [np.array([float(v)]) for v in range(int(op.lower.values), int(op.upper.values) + 1)]
        case Domain.REAL:
            step = (op.upper.values - op.lower.values) / (2**op.bits - 1)
            return [np.array([op.lower.values + step * k]) for k in range(2**op.bits)]
        case Domain.CHOICE:
            return list(np.eye(len(op.labels)))


def all_points(module: Module) -> np.ndarray:
    """All assignments of the problem's polynomial variables, [points, variables]."""
    elements = [domain_values(op) for op in module.func("problem").ops_of(VariableOp) for _ in range(op.size)]
    return np.array([np.concatenate(values) for values in itertools.product(*elements)])


def merits(module: Module, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is minimised at every point (objective in its sense, plus soft penalties), and feasibility."""
    problem = module.func("problem")
    op = problem.first(poly.ObjectiveOp)
    value = np.zeros(len(points))
    if op is not None:
        value = arithmetic.evaluate(op.polynomial, points)[:, 0]
        value = -value if op.sense is Sense.MAXIMIZE else value
    feasible = np.ones(len(points), bool)
    for family in problem.ops_of(poly.ConstraintOp):
        body = arithmetic.evaluate(family.body, points)
        violation = {
            Relation.EQ: np.abs(body),
            Relation.LE: np.maximum(body, 0),
            Relation.GE: np.maximum(-body, 0),
        }[family.relation]
        if family.weight is None:
            feasible &= (violation <= 1e-9).all(axis=1)
        else:
            value = value + family.weight * (violation**2).sum(axis=1)
    return value, feasible


def all_spins(count: int) -> np.ndarray:
    return (((np.arange(2**count)[:, None] >> np.arange(count)) & 1) * 2 - 1).astype(np.int8)


def ground_energies(model: ModelOp, keep: int | None = None) -> np.ndarray:
    """Energies of all states of the first `keep` spins, least over the others; state k has bit i in k >> i."""
    count = model.size
    spins = all_spins(count).astype(np.float64)
    dense = np.zeros((count, count))
    dense[model.rows.values, model.columns.values] = model.couplings.values
    energies = model.offset + spins @ model.fields.values + ((spins @ dense) * spins).sum(axis=1)
    return energies if keep is None else energies.reshape(-1, 2**keep).min(axis=0)

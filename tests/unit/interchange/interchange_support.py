"""Random models, all their energies, and readers of the written formats that share nothing with the package."""

from __future__ import annotations

import json

import dimod
import numpy as np
from dimod.serialization import coo
from hypothesis import strategies as st

from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import ModelOp, QuboOp
from qevo_compiler.dialects.poly import arithmetic
from qevo_compiler.dialects.problem import Sense
from qevo_compiler.interchange import InputFile, read_problem
from qevo_compiler.ir import Array, Module

BITS = ("coo", "qubo", "bqpjson", "qplib", "lp", "bqm", "bqm-json")
SPINS = ("coo", "bqpjson", "bqm", "bqm-json")

sizes = st.floats(-1e12, 1e12, allow_subnormal=False).filter(lambda value: value == 0 or abs(value) > 1e-12)


@st.composite
def models(draw: st.DrawFn, kind: type[QuboOp] | type[ModelOp] = QuboOp) -> QuboOp | ModelOp:
    """A model of 1 to 6 variables with any pairs and coefficients of very different sizes."""
    size = draw(st.integers(1, 6))
    pairs = [(i, j) for i in range(size) for j in range(i + 1, size) if draw(st.booleans())]
    values = [draw(sizes.filter(bool)) for _ in pairs]
    ends = np.array(pairs, np.int32).reshape(-1, 2)
    linear = np.array([draw(sizes) for _ in range(size)]) + 0.0
    return kind(
        draw(sizes) + 0.0, Array(linear), Array(ends[:, 0].copy()), Array(ends[:, 1].copy()), Array(np.array(values))
    )


def states(size: int, low: int = 0) -> np.ndarray:
    """All states of `size` variables with values `low` and 1."""
    bits = (np.arange(2**size)[:, None] >> np.arange(size)) & 1
    return np.where(bits == 1, 1, low)


def energies(model: QuboOp | ModelOp) -> np.ndarray:
    """Energies of all states, term by term."""
    bits = isinstance(model, QuboOp)
    linear, values = (model.linear, model.quadratic) if bits else (model.fields, model.couplings)
    points = states(model.size, 0 if bits else -1)
    pairs = points[:, model.rows.values] * points[:, model.columns.values]
    return model.offset + points @ linear.values + pairs @ values.values


def independent_energies(content: bytes, format: str, size: int, low: int) -> np.ndarray:
    """Energies of all states as dimod, or plain loops over the format's definition, read the file."""
    points = states(size, low)
    if format == "coo":
        text = content.decode()
        offset = float(next(line for line in text.split("\n") if "offset" in line).split("=")[1])
        return offset + _dimod_energies(coo.loads(text), range(size), points)
    if format == "bqm":
        return _dimod_energies(dimod.BinaryQuadraticModel.from_file(content), range(size), points)
    if format == "bqm-json":
        model = dimod.BinaryQuadraticModel.from_serializable(json.loads(content))
        return _dimod_energies(model, range(size), points)
    if format == "lp":
        model = dimod.lp.loads(content.decode()).objective
        return _dimod_energies(model, [f"x{i}" for i in range(size)], points)
    reader = {"qubo": _qubo, "bqpjson": _bqpjson, "qplib": _qplib}[format]
    return np.array([reader(content.decode(), point) for point in points.tolist()])


def _dimod_energies(model, labels, points: np.ndarray) -> np.ndarray:
    assert set(labels) == set(model.variables)
    return model.energies((points, list(labels)))


def _qubo(text: str, point: list[int]) -> float:
    total = 0.0
    for line in text.strip().split("\n"):
        if line.startswith("c offset="):
            total += float(line.partition("=")[2])
        elif line[0] not in "cp":
            i, j, value = line.split()
            total += float(value) * point[int(i)] * point[int(j)]
    return total


def _bqpjson(text: str, point: list[int]) -> float:
    found = json.loads(text)
    assert found["variable_ids"] == list(range(len(point)))
    total = found["offset"] + sum(term["coeff"] * point[term["id"]] for term in found["linear_terms"])
    products = (t["coeff"] * point[t["id_tail"]] * point[t["id_head"]] for t in found["quadratic_terms"])
    return found["scale"] * (total + sum(products))


def _qplib(text: str, point: list[int]) -> float:
    """1/2 x'Hx + b'x + q from the first sections of a file of type QBN or LBN."""
    lines = [line.partition("#")[0].split() for line in text.strip().split("\n")]
    hessian = np.zeros((len(point), len(point)))
    at = 4
    if lines[1][0][0] == "Q":
        count = int(lines[at][0])
        for i, j, value in lines[at + 1 : at + 1 + count]:
            hessian[int(i) - 1, int(j) - 1] = hessian[int(j) - 1, int(i) - 1] = float(value)
        at += 1 + count
    linear = np.full(len(point), float(lines[at][0]))
    count = int(lines[at + 1][0])
    for i, value in lines[at + 2 : at + 2 + count]:
        linear[int(i) - 1] = float(value)
    x = np.array(point, float)
    return x @ hessian @ x / 2 + linear @ x + float(lines[at + 2 + count][0])


def stated(content: str | bytes, name: str, format: str | None = None) -> Module:
    """The module of a file's content."""
    return read_problem(InputFile(name, content.encode() if isinstance(content, str) else content), format)


def objective(module: Module, points: np.ndarray) -> np.ndarray:
    """The objective at points of the polynomial variables, in the sense of minimising."""
    op = module.main.only(poly.ObjectiveOp)
    value = arithmetic.evaluate(op.polynomial, np.atleast_2d(points))[:, 0]
    return -value if op.sense is Sense.MAXIMIZE else value

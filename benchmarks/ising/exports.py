"""From a way's compiled form to a dimod model, as its user would write that, and to arrays for the check."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ising.loads import Load


@dataclass(frozen=True)
class Model:
    """E = offset + linear . x + sum quadratic x_i x_j; the load's bits come first, in its order."""

    linear: NDArray[np.float64]
    rows: NDArray[np.integer]
    columns: NDArray[np.integer]
    quadratic: NDArray[np.float64]
    offset: float


def export_ours(op: Any) -> Any:
    from qevo_compiler.targets.dwave import to_dimod

    return to_dimod(op)


def read_ours(load: Load, op: Any) -> Model:
    arrays = (op.linear.values, op.rows.values, op.columns.values, op.quadratic.values)
    return Model(*arrays, op.offset)


def export_pyqubo(model: Any) -> Any:
    return model.to_bqm()


def read_pyqubo(load: Load, model: Any) -> Model:
    return read_bqm(load, export_pyqubo(model), [f"x{i}" for i in range(load.bits)])


def export_amplify(compiled: Any) -> Any:
    """Its polynomial hands over a dictionary and nothing quicker."""
    import dimod

    terms = compiled[0].as_dict()
    bqm = dimod.BinaryQuadraticModel("BINARY")
    bqm.add_linear_from({k[0]: v for k, v in terms.items() if len(k) == 1})
    bqm.add_quadratic_from((*k, v) for k, v in terms.items() if len(k) == 2)
    bqm.offset = terms.get((), 0.0)
    return bqm


def read_amplify(load: Load, compiled: Any) -> Model:
    _, mapping, x = compiled
    names: list[Hashable] = []
    for i, variable in enumerate(list(x.flatten())):
        try:
            names.append(mapping[variable].as_variable().id)
        except (KeyError, RuntimeError, ValueError):  # a variable that no term uses
            names.append(("unused", i))
    return read_bqm(load, export_amplify(compiled), names)


def export_ommx(compiled: Any) -> Any:
    import dimod

    return dimod.BinaryQuadraticModel.from_qubo(*compiled)


def read_ommx(load: Load, compiled: Any) -> Model:
    return read_bqm(load, export_ommx(compiled))


def read_bqm(load: Load, bqm: Any, names: Sequence[Hashable] | None = None) -> Model:
    first = list(range(load.bits)) if names is None else list(names)
    for name in first:
        bqm.add_variable(name)
    known = set(first)
    order = first + [v for v in bqm.variables if v not in known]
    vectors = bqm.to_numpy_vectors(variable_order=order)
    rows, columns, values = vectors.quadratic
    return Model(
        np.asarray(vectors.linear_biases, float), rows, columns, np.asarray(values, float), float(vectors.offset)
    )

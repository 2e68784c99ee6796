"""Objective and constraint families of a compiled model as separate coefficient vectors over one pattern.

The model is their weighted sum; other weights, or another objective of the same shape, need no pass again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.decode.projection import Projection
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.poly import ObjectiveOp, Polynomials, Vartype
from qevo_compiler.ir import Array, Module
from qevo_compiler.passes.binary_to_spin import spin_model
from qevo_compiler.passes.penalty.rounding_dust import is_dust

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Key = tuple[str, bool]


@dataclass(frozen=True)
class Vector:
    """One source of weight 1, unscaled: `places` are the positions of its `couplings` in the common pattern."""

    offset: float
    fields: Floats
    places: Integers
    couplings: Floats


class CoefficientTable:
    """The sources of a module with `@problem` and, in `@main`, registers, penalties and a spin model.

    `keys` are (symbol, implied) of the penalised families in order. `energies` are the families' polynomials of
    weight 1 over bits, `objective` that of the objective. `quadratic` says that no source has a term of degree 3 or
    more; only then is the model the sum of the `vectors`. Cost of building: that of lowering the problem once.
    """

    def __init__(self, module: Module) -> None:
        self._projection = Projection(module)
        penalties = module.main.ops_of(ising.PenaltyOp)
        self.keys: tuple[Key, ...] = tuple((op.symbol, op.implied) for op in penalties)
        self.objective = self._projection.objective_bits()
        self.energies = tuple(self._projection.penalty_total(op) for op in penalties)
        self.quadratic = all(p.degree <= 2 for p in (self.objective, *self.energies))
        if self.quadratic:
            self._build()

    def _build(self) -> None:
        models = [self._spins(p) for p in (self.objective, *self.energies)]
        size = max(self._projection.size, 1)
        keys = [m.rows.values.astype(np.int64) * size + m.columns.values for m in models]
        pattern = np.sort(np.concatenate(keys))
        pattern = pattern[np.diff(pattern, prepend=-1) > 0]
        self._rows, self._columns = (part.astype(np.int32) for part in np.divmod(pattern, size))
        places = [np.searchsorted(pattern, key) for key in keys]
        self.vectors = tuple(
            Vector(m.offset, m.fields.values, place, m.couplings.values)
            for m, place in zip(models, places, strict=True)
        )
        met = np.zeros(len(pattern), np.int64)
        for place in places:
            met[place] += 1
        self._shared = np.flatnonzero(met > 1)

    def model(self, weights: Sequence[float], objective: ObjectiveOp | None = None) -> ising.ModelOp | None:
        """The model for a weight a family, and for another objective if one is given.

        None when that objective has couplings outside the pattern. Cost: one weighted sum of the vectors.
        """
        first = self.vectors[0] if objective is None else self._vector(objective)
        if first is None:
            return None
        parts = [(1.0, first), *zip(weights, self.vectors[1:], strict=True)]
        fields, sizes = np.zeros(self._projection.size), np.zeros(self._projection.size)
        couplings = np.zeros(len(self._rows))
        for weight, vector in parts:
            scaled = weight * vector.fields
            fields += scaled
            sizes += np.abs(scaled)
            couplings[vector.places] += weight * vector.couplings
        fields[is_dust(fields, sizes)] = 0
        self._clean(couplings, parts)
        offset = float(sum(weight * vector.offset for weight, vector in parts))
        keep = np.flatnonzero(couplings)
        if len(keep) == len(couplings):
            return ising.ModelOp(offset, Array(fields), Array(self._rows), Array(self._columns), Array(couplings))
        rows, columns = Array(self._rows[keep]), Array(self._columns[keep])
        return ising.ModelOp(offset, Array(fields), rows, columns, Array(couplings[keep]))

    def covers(self, model: ising.ModelOp) -> bool:
        """Whether every coupling of a model over the same spins is in the pattern."""
        return self.quadratic and self._places(model) is not None

    def objective_bits(self, objective: ObjectiveOp) -> Polynomials:
        """Another objective over the same variables, over bits and to be minimised."""
        return self._projection.objective_bits(objective)

    def _clean(self, couplings: Floats, parts: Sequence[tuple[float, Vector]]) -> None:
        """Set to zero what is nothing but rounding of parts that cancel."""
        if not len(self._shared):
            return
        sizes = np.zeros(len(couplings))
        for weight, vector in parts:
            sizes[vector.places] += np.abs(weight * vector.couplings)
        dust = self._shared[is_dust(couplings[self._shared], sizes[self._shared])]
        couplings[dust] = 0

    def _vector(self, objective: ObjectiveOp) -> Vector | None:
        polynomial = self._projection.objective_bits(objective)
        if polynomial.degree > 2:
            return None
        model = self._spins(polynomial)
        places = self._places(model)
        return None if places is None else Vector(model.offset, model.fields.values, places, model.couplings.values)

    def _places(self, model: ising.ModelOp) -> Integers | None:
        """Where the couplings of a model stand in the pattern; None where one does not."""
        size = max(self._projection.size, 1)
        pattern = self._rows.astype(np.int64) * size + self._columns
        keys = model.rows.values.astype(np.int64) * size + model.columns.values
        places: Integers = np.minimum(np.searchsorted(pattern, keys), max(len(pattern) - 1, 0))
        if len(keys) and (not len(pattern) or (pattern[places] != keys).any()):
            return None
        return places

    def _spins(self, energy: Polynomials) -> ising.ModelOp:
        fixed = float(energy.constants()[0])
        _, names, single = energy.block(1)
        _, pairs, quadratic = energy.block(2)
        linear = Array(np.bincount(names[:, 0], single, self._projection.size).astype(np.float64))
        rows, columns = Array(pairs[:, 0]), Array(pairs[:, 1])
        if self._projection.vartype is Vartype.SPIN:
            return ising.ModelOp(fixed, linear, rows, columns, Array(quadratic))
        return spin_model(ising.QuboOp(fixed, linear, rows, columns, Array(quadratic)))


def same_model(left: ising.ModelOp, right: ising.ModelOp, tolerance: float = 1e-9) -> bool:
    """Whether two models agree up to rounding, `right` times its scale."""
    if left.size != right.size or left.couplings.size != right.couplings.size:
        return False
    if not (
        np.array_equal(left.rows.values, right.rows.values)
        and np.array_equal(left.columns.values, right.columns.values)
    ):
        return False
    pairs = [(left.fields.values, right.fields.values), (left.couplings.values, right.couplings.values)]
    size = max((float(np.abs(a).max(initial=0.0)) for a, _ in pairs), default=0.0)
    return all(bool((np.abs(a * right.scale - b) <= tolerance * size * right.scale).all()) for a, b in pairs)

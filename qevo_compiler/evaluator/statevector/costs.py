"""Quadratic costs of spins, and their tables for work tile by tile.

C(s) = constant + sum f_i s_i + sum J_ij s_i s_j with s_i = +1 where bit i of the state's number is 0. No table has
an entry for every state: a tile's own couplings (the same in every tile) and, for each tile, the fields that the
fixed qubits above put on it are enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.ising import ModelOp
from qevo_compiler.evaluator.statevector.layout import Layout

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Tables:
    """`inner` [tile]: cost of the couplings within a tile; `fields` [tiles, 1 + tile_bits]: constant, then fields."""

    inner: NDArray[Any]
    fields: NDArray[Any]


@dataclass(frozen=True)
class Cost:
    """Fields [n] and a symmetric matrix of couplings [n, n] with zero diagonal, each coupling in both places."""

    constant: float
    fields: Floats
    couplings: Floats

    @staticmethod
    def of_model(model: ModelOp) -> Cost:
        """The model's energies."""
        return Cost.of_edges(
            model.fields.values, model.rows.values, model.columns.values, model.couplings.values, model.offset
        )

    @staticmethod
    def of_edges(
        fields: NDArray[Any], rows: NDArray[Any], columns: NDArray[Any], weights: NDArray[Any], constant: float = 0.0
    ) -> Cost:
        """Couplings `weights[k]` of spins `rows[k]` and `columns[k]`; repeated pairs add up."""
        matrix = np.zeros((len(fields), len(fields)))
        np.add.at(matrix, (rows, columns), weights)
        if np.diagonal(matrix).any():
            raise ValueError("a coupling of a spin with itself")
        return Cost(float(constant), np.asarray(fields, np.float64).copy(), matrix + matrix.T)

    @property
    def size(self) -> int:
        return len(self.fields)

    @cached_property
    def symmetric(self) -> bool:
        """Whether flipping all spins keeps every cost."""
        return not self.fields.any()

    @cached_property
    def bound(self) -> float:
        """No cost lies farther from the constant."""
        return float(np.abs(self.fields).sum() + np.abs(self.couplings).sum() / 2)

    def folded(self) -> Cost:
        """The cost of the other spins with the last one fixed at +1."""
        n = self.size - 1
        fields = self.fields[:n] + self.couplings[:n, n]
        return Cost(self.constant + float(self.fields[n]), fields, np.ascontiguousarray(self.couplings[:n, :n]))

    def values(self, states: Ints) -> Floats:
        """Costs [k] of states given by number: the definition, for checks and for samples."""
        spins = 1.0 - 2.0 * ((states[:, None] >> np.arange(self.size)) & 1)
        found: Floats = self.constant + spins @ self.fields + ((spins @ self.couplings) * spins).sum(axis=1) / 2
        return found

    def tables(self, layout: Layout) -> Tables:
        """Tables in the layout's precision. O(tile + tiles * n * tile_bits)."""
        low = layout.tile_bits
        spins = 1.0 - 2.0 * ((np.arange(layout.tiles)[:, None] >> np.arange(layout.bits - low)) & 1)
        upper = self.couplings[low:, low:]
        fields = np.empty((layout.tiles, low + 1))
        fields[:, 0] = self.constant + spins @ self.fields[low:] + ((spins @ upper) * spins).sum(axis=1) / 2
        fields[:, 1:] = self.fields[:low] + spins @ self.couplings[low:, :low]
        return Tables(_inner(self.couplings[:low, :low]).astype(layout.dtype), fields.astype(layout.dtype))


def all_costs(cost: Cost) -> Floats:
    """Costs [2^n] of every state by doubling. O(2^n)."""
    return cost.constant + _inner(cost.couplings) + linear_form(cost.fields)


def linear_form(fields: Floats) -> Floats:
    """sum f_i s_i for every state of the spins, [2^k]."""
    table = np.zeros(1)
    for field in fields:
        table = np.concatenate([table + field, table - field])
    return table


def _inner(couplings: Floats) -> Floats:
    table = np.zeros(1)
    for q in range(len(couplings)):
        pull = linear_form(couplings[q, :q])
        table = np.concatenate([table + pull, table - pull])
    return table

"""Bulk data of the lifted system: sparse matrices in canonical CSR form and step maps in packed polynomials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly.polynomials import Floats, Polynomials
from qevo_compiler.ir import Array, Attribute, Invalid

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SparseMatrix(Attribute):
    """A real matrix [rows, columns] in compressed rows: row i is `starts[i] .. starts[i + 1]`.

    Canonical: column numbers rise inside a row (so no entry stands twice) and no stored value is zero.
    """

    name: ClassVar[str] = "csr"
    rows: int
    columns: int
    starts: Array
    indices: Array
    values: Array

    @property
    def nonzeros(self) -> int:
        """How many entries are stored."""
        return self.values.size

    def dense(self) -> Floats:
        """The whole matrix [rows, columns]; for small ones."""
        matrix = np.zeros((self.rows, self.columns))
        matrix[np.repeat(np.arange(self.rows), np.diff(self.starts.values)), self.indices.values] = self.values.values
        return matrix

    def check(self) -> None:
        """Raise `Invalid` where the form is not canonical."""
        starts, indices, values = self.starts.values, self.indices.values, self.values.values
        if len(starts) != self.rows + 1 or starts[0] != 0 or starts[-1] != len(indices) or len(indices) != len(values):
            raise Invalid("row starts, column numbers and values do not fit")
        if bool((np.diff(starts) < 0).any()):
            raise Invalid("row starts fall")
        if len(indices) and (indices.min() < 0 or indices.max() >= self.columns):
            raise Invalid("a column number is out of range")
        row = np.repeat(np.arange(self.rows), np.diff(starts))
        if bool(((np.diff(indices) <= 0) & (np.diff(row) == 0)).any()):
            raise Invalid("column numbers do not rise inside a row")
        if not np.isfinite(values).all() or bool((values == 0).any()):
            raise Invalid("a stored value is zero or not finite")


@dataclass(frozen=True)
class Stages(Attribute):
    """`count` sub-steps make one step. After variant i only the coordinates `live[i]` [n] hold a value.

    The others are at the pivot, where their next value does not depend on them; their rows of the variant are empty.
    """

    name: ClassVar[str] = "stages"
    count: int
    live: Array


@dataclass(frozen=True)
class StepMap(Attribute):
    """`u(t + 1) = f_t(u(t))`: step t applies `variants[which[t]]`, a family of n polynomials in n variables.

    Equal steps share a variant (`from_steps`), variants stand in order of first use, and every one is used. With
    `stages` these are sub-steps of the optimizer's steps.
    """

    name: ClassVar[str] = "steps"
    variants: tuple[Polynomials, ...]
    which: Array
    stages: Stages | None = None

    @staticmethod
    def from_steps(steps: Sequence[Polynomials], live: Sequence[NDArray[np.bool_]] = (), stages: int = 1) -> StepMap:
        """The map of a sequence of steps, or of sub-steps with the coordinates that are `live` after each.

        Equal ones are found by content.
        """
        found: dict[tuple[object, ...], int] = {}
        chosen: list[int] = []
        which = np.empty(len(steps), np.int64)
        for t, step in enumerate(steps):
            key = (step.rows, *((b.row.digest, b.variables.digest, b.coefficients.digest) for b in step.terms))
            key = (*key, live[t].tobytes()) if live else key
            if key not in found:
                found[key] = len(chosen)
                chosen.append(t)
            which[t] = found[key]
        masks = Stages(stages, Array(np.array([live[t] for t in chosen]))) if live else None
        return StepMap(tuple(steps[t] for t in chosen), Array(which), masks)

    @property
    def steps(self) -> int:
        """The horizon T, in sub-steps where there are stages."""
        return self.which.size

    @property
    def stage_count(self) -> int:
        """How many sub-steps make one step of the optimizer."""
        return self.stages.count if self.stages else 1

    @property
    def updates(self) -> int:
        """The horizon in steps of the optimizer."""
        return self.steps // self.stage_count

    @property
    def resting(self) -> NDArray[np.bool_]:
        """Which coordinates [n] hold a value between two steps of the optimizer."""
        if self.stages is None:
            return np.ones(self.size, bool)
        last = int(self.which.values[self.stages.count - 1])
        return np.asarray(self.stages.live.values[last] > 0)

    @property
    def size(self) -> int:
        """The dimension n of the state."""
        return self.variants[0].rows

    @property
    def degree(self) -> int:
        """The highest degree of a step."""
        return max(variant.degree for variant in self.variants)

    def window(self, start: int, stop: int) -> StepMap:
        """The (sub-)steps `start .. stop` as a map of their own."""
        chosen = self.which.values[start:stop]
        used, first = np.unique(chosen, return_index=True)
        order = used[np.argsort(first)]
        renumbered = np.zeros(len(self.variants), np.int64)
        renumbered[order] = np.arange(len(order))
        stages = self.stages and Stages(self.stages.count, Array(self.stages.live.values[order]))
        return StepMap(tuple(self.variants[i] for i in order.tolist()), Array(renumbered[chosen]), stages)

    def check(self) -> None:
        """Raise `Invalid` where the map is none."""
        if not self.variants or not self.steps:
            raise Invalid("a step map needs at least one step")
        which = self.which.values
        if which.ndim != 1 or sorted(set(which.tolist())) != list(range(len(self.variants))):
            raise Invalid("the steps do not use exactly the variants that there are")
        for variant in self.variants:
            largest = max((int(b.variables.values.max(initial=-1)) for b in variant.terms), default=-1)
            if variant.rows != self.size or largest >= self.size:
                raise Invalid("a step does not map the state space to itself")
            if not all(np.isfinite(b.coefficients.values).all() for b in variant.terms):
                raise Invalid("a coefficient of a step is not finite")
        if self.stages:
            self._check_stages(self.stages)

    def _check_stages(self, stages: Stages) -> None:
        if stages.count < 1 or self.steps % stages.count:
            raise Invalid("the sub-steps are no whole number of steps")
        if stages.live.shape != (len(self.variants), self.size):
            raise Invalid("the live coordinates of every variant are not listed")
        for variant, live in zip(self.variants, stages.live.values, strict=True):
            if any(not live[b.row.values].all() for b in variant.terms):
                raise Invalid("a sub-step gives a value to a coordinate that holds none")

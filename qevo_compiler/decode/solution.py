"""Decoded samples: all reads as arrays, and single reads in the problem's names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.names import instance_name
from qevo_compiler.dialects.problem import Sense

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Residuals:
    """One constraint family over all reads.

    `body` [reads, rows] is left minus right side in the source's sign; `satisfied` [reads, rows] judges
    it with a tolerance for rounding (see `judging`). `indices` [rows, k] name the rows. `weights` [rows] are
    what a soft family's violations cost when they are squared, None for a hard one.
    """

    body: Floats
    satisfied: Flags
    indices: NDArray[np.int64]
    weights: Floats | None

    @staticmethod
    def joined(parts: Sequence[Residuals]) -> Residuals:
        """The reads of all parts, which are of one family."""
        body = np.concatenate([part.body for part in parts])
        satisfied = np.concatenate([part.satisfied for part in parts])
        return Residuals(body, satisfied, parts[0].indices, parts[0].weights)

    @property
    def soft(self) -> bool:
        return self.weights is not None

    @property
    def costs(self) -> Floats:
        """What the violations of a soft family cost [reads]; 0 for a hard one."""
        if self.weights is None:
            return np.zeros(len(self.body))
        missed = ((row * row) @ np.where(met, 0.0, self.weights) for row, met in self._reads())
        return np.fromiter(missed, np.float64, len(self.body))

    @property
    def violated(self) -> Floats:
        """By how much the rows are violated in sum [reads]."""
        missed = (np.abs(row[~met]).sum() for row, met in self._reads())
        return np.fromiter(missed, np.float64, len(self.body))

    def _reads(self) -> Iterator[tuple[Floats, Flags]]:
        """Read by read, so that nothing as large as `body` is made of it."""
        return zip(self.body, self.satisfied, strict=True)


@dataclass(frozen=True)
class Solution:
    """One read.

    `values` by symbol: arrays of the declared shape (labels as strings), scalars for shape (). The
    `objective` is in the source's own sense. `violations` holds each family's signed residuals, left
    minus right side. `codes_valid` is False when a one-hot or domain-wall code had to be repaired;
    values, objective and feasibility are those after the repair. `energy` is that of the emitted model;
    `energy_split` divides energy / scale over its sources, and sums to it.
    """

    values: Mapping[str, Any]
    objective: float
    feasible: bool
    violations: Mapping[str, Floats]
    codes_valid: bool
    broken_auxiliaries: int
    energy: float | None
    energy_split: Mapping[str, float]
    families: Mapping[str, Residuals]
    read: int

    def __repr__(self) -> str:
        values = ", ".join(f"{symbol}={_shown(value)}" for symbol, value in self.values.items())
        return f"Solution(objective={self.objective:.12g}, feasible={self.feasible}, {values})"

    def residuals(self) -> Iterator[tuple[str, float, bool]]:
        """Every constraint instance: its name, signed residual, and whether it holds."""
        for symbol, family in self.families.items():
            body, satisfied = family.body[self.read], family.satisfied[self.read]
            for row in range(len(body)):
                yield instance_name(symbol, family.indices[row]), float(body[row]), bool(satisfied[row])

    def values_json(self) -> dict[str, Any]:
        """The values as plain lists, numbers and strings."""
        return {symbol: np.asarray(value).tolist() for symbol, value in self.values.items()}

    def violations_json(self) -> dict[str, float]:
        """The signed residual of every instance that does not hold."""
        return {name: residual for name, residual, satisfied in self.residuals() if not satisfied}


@dataclass(frozen=True)
class Solutions(Sequence[Solution]):
    """All reads. Arrays have the reads along their first axis; see `Solution` for their meaning.

    `broken_auxiliaries` counts auxiliaries that differ from what their members make them stand for.
    """

    sense: Sense
    values: Mapping[str, NDArray[Any]]
    objective: Floats
    feasible: Flags
    families: Mapping[str, Residuals]
    codes_valid: Flags
    broken_auxiliaries: NDArray[np.int64]
    energy: Floats | None
    energy_split: Mapping[str, Floats]

    @staticmethod
    def joined(parts: Sequence[Solutions]) -> Solutions:
        """The reads of all parts, which are decoded by one program, one after the other."""
        if len(parts) == 1:
            return parts[0]
        first = parts[0]
        return Solutions(
            sense=first.sense,
            values={symbol: np.concatenate([part.values[symbol] for part in parts]) for symbol in first.values},
            objective=np.concatenate([part.objective for part in parts]),
            feasible=np.concatenate([part.feasible for part in parts]),
            families={name: Residuals.joined([part.families[name] for part in parts]) for name in first.families},
            codes_valid=np.concatenate([part.codes_valid for part in parts]),
            broken_auxiliaries=np.concatenate([part.broken_auxiliaries for part in parts]),
            energy=None if first.energy is None else np.concatenate([p.energy for p in parts if p.energy is not None]),
            energy_split={
                name: np.concatenate([part.energy_split[name] for part in parts]) for name in first.energy_split
            },
        )

    def __len__(self) -> int:
        return len(self.objective)

    def __repr__(self) -> str:
        best = f", best={self.best!r}" if len(self) else ""
        return f"Solutions({len(self)} reads, {int(self.feasible.sum())} feasible{best})"

    @overload
    def __getitem__(self, index: int) -> Solution: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Solution, ...]: ...
    def __getitem__(self, index: int | slice) -> Solution | tuple[Solution, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        read = range(len(self))[index]
        return Solution(
            values={symbol: _plain(array[read]) for symbol, array in self.values.items()},
            objective=float(self.objective[read]),
            feasible=bool(self.feasible[read]),
            violations={symbol: family.body[read] for symbol, family in self.families.items()},
            codes_valid=bool(self.codes_valid[read]),
            broken_auxiliaries=int(self.broken_auxiliaries[read]),
            energy=None if self.energy is None else float(self.energy[read]),
            energy_split={source: float(energy[read]) for source, energy in self.energy_split.items()},
            families=self.families,
            read=read,
        )

    def order(self) -> NDArray[np.intp]:
        """Reads from best to worst: feasible ones first, by what the constraints leave violated, then by objective.

        What is minimised is the objective in its sense plus the soft penalties. Ties keep their order.
        """
        merit = self.objective if self.sense is Sense.MINIMIZE else -self.objective
        violated = np.zeros(len(self))
        for family in self.families.values():
            if family.soft:
                merit = merit + family.costs
            else:
                violated += family.violated
        return np.lexsort([merit, violated, ~self.feasible])

    @property
    def best(self) -> Solution:
        """The first of `order`; raises `IndexError` when there are no reads."""
        return self[int(self.order()[0])]

    def ranked(self) -> tuple[Solution, ...]:
        """All reads from best to worst."""
        return tuple(self[int(read)] for read in self.order())


def _plain(value: NDArray[Any]) -> Any:
    """An array as it is, a scalar as Python's own number or string."""
    return value if np.ndim(value) else np.asarray(value).item()


def _shown(value: Any) -> str:
    """A value on a line, large arrays shortened."""
    array = np.asarray(value)
    if not array.ndim:
        return repr(value)
    text = np.array2string(array, threshold=64, edgeitems=4, separator=", ", max_line_width=10**6)
    return " ".join(text.split())

"""Reading the solution of a history system: from amplitudes, from sampled variables, in the source's coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.analyses.carleman.history import HistorySystem
from qevo_compiler.analyses.carleman.least_squares import LeastSquares
from qevo_compiler.analyses.carleman.lift import lift_of_op
from qevo_compiler.diagnostics import InternalError
from qevo_compiler.dialects import linear
from qevo_compiler.ir import Module
from qevo_compiler.passes.history_least_squares import monomial_names
from qevo_compiler.passes.linear.request import history_of

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True)
class HistoryReader:
    """The history system of a module with what says where its solution stands.

    Histories are y [T + P + 1, D] in the rescaled coordinates of the system; states are x [T + 1, n] in the
    coordinates of the source, after every step of the optimizer.
    """

    system: HistorySystem
    map: linear.MapOp
    read_out: linear.ReadOutOp | None
    names: tuple[str, ...]

    @staticmethod
    def of(module: Module) -> HistoryReader:
        """The reader of a module of the Carleman route, at the stage `history` or later."""
        func = history_of(module)
        if func is None:
            raise InternalError("the module holds no history system")
        asked = func.only(linear.HistoryOp)
        system = HistorySystem(lift_of_op(func.only(linear.LiftOp)), asked.padding, asked.gamma)
        names = tuple(monomial_names(func))
        return HistoryReader(system, func.only(linear.MapOp), func.first(linear.ReadOutOp), names)

    @property
    def steps(self) -> int:
        """How many steps of the optimizer the system covers."""
        return self.system.steps // self.map.map.stage_count

    def states(self, history: Floats) -> Floats:
        """x = pivot + gamma y_1, whose weights are 1. Copies of the final block are no further states."""
        between = history[: self.system.steps + 1 : self.map.map.stage_count, self.system.lift.first_block]
        return np.asarray(self.map.pivot.values + self.system.gamma * between)[:, self.map.map.resting]

    def kept(self, amplitudes: ArrayLike) -> Complexes:
        """The amplitudes [2^n] of the system from those [2^m] of all bits, where the post-selected read 0.

        A flag's bit, which comes last, follows from the others, so its two values are added.
        """
        op = self._read_out()
        bits = np.asarray(amplitudes, np.complex128).reshape(1 << op.post_select.size, 1 << op.system.size, -1)
        return np.asarray(bits[0].sum(axis=-1))

    def history(self, kept: ArrayLike) -> Floats:
        """y [T + P + 1, D] from the system's amplitudes [2^n] and the scale that the compiler computed.

        The global phase is the one that makes the first block, which is known, agree with its value.
        """
        op = self._read_out()
        found = np.asarray(kept, np.complex128)[op.positions.values] * op.factors.values
        overlap = np.vdot(self.system.initial, found[0])
        phase = overlap / abs(overlap) if abs(overlap) > 0 else 1.0
        return np.asarray((found / phase).real * op.scale, np.float64)

    def from_values(self, values: Mapping[str, ArrayLike]) -> Floats:
        """y [T + P + 1, D] from decoded variables of the least squares, one array [T + P] a monomial."""
        problem = LeastSquares.of(self.system)
        y = problem.known.copy()
        for column, name in enumerate(self.names):
            if name in values:
                y[1:, column] = np.asarray(values[name], np.float64)
        return y

    def _read_out(self) -> linear.ReadOutOp:
        if self.read_out is None:
            raise InternalError("the program has no circuit whose bits hold a history")
        return self.read_out

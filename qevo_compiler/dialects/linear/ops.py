"""Ops of the Carleman route: the step map, its lift, the history system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qevo_compiler.dialects.linear.attributes import SparseMatrix, StepMap
from qevo_compiler.ir import Array, Invalid, Op


@dataclass(frozen=True)
class MapOp(Op):
    """The training dynamics u(t + 1) = f_t(u(t)) of the shifted state u = x - pivot, from x(0) = `start`.

    `symbols` names the n coordinates of x; the first `parameters` of them are trained parameters, the
    others optimizer state (velocities `v:NAME`). `pivot` [n] and `start` [n] are in the coordinates of x.
    """

    name: ClassVar[str] = "linear.map"
    pure: ClassVar[bool] = False
    symbols: tuple[str, ...]
    parameters: int
    start: Array
    pivot: Array
    map: StepMap

    def verify(self) -> None:
        self.map.check()
        n = self.map.size
        if len(self.symbols) != n or self.start.shape != (n,) or self.pivot.shape != (n,):
            raise Invalid(f"names, start and pivot do not all have the {n} coordinates of the map")
        if not 0 < self.parameters <= n:
            raise Invalid("the parameters are not a leading part of the state")


@dataclass(frozen=True)
class LiftOp(Op):
    """The Carleman lift of order N: y(t + 1) = M_t y(t) over the monomials of u of degree at most N.

    `monomials` [D, N] lists each basis monomial as ascending variable numbers padded with -1 at the end,
    ordered by degree, then lexicographically; a first row of -1 alone is the constant. `weights` [D] are
    w = sqrt(|a|! / a!), and y_a = w_a u^a, so that 2-norms are those of the tensor powers of u. Step t
    multiplies by `matrices[which[t]]`; `initial` [D] is y(0). With `moments` there is one matrix, the
    expectation over a random step, and y holds expectations of the monomials.
    """

    name: ClassVar[str] = "linear.lift"
    pure: ClassVar[bool] = False
    order: int
    monomials: Array
    weights: Array
    matrices: tuple[SparseMatrix, ...]
    which: Array
    initial: Array
    moments: bool = False

    @property
    def size(self) -> int:
        """The dimension D of the lifted state."""
        return self.weights.size

    @property
    def steps(self) -> int:
        """The horizon T."""
        return self.which.size

    def verify(self) -> None:
        shape = (self.size, self.order)
        if self.order < 1 or self.monomials.shape != shape or self.initial.shape != (self.size,):
            raise Invalid(f"the basis does not list {shape[0]} monomials of degree at most {self.order}")
        if not self.matrices or not set(self.which.values.tolist()) <= set(range(len(self.matrices))):
            raise Invalid("a step uses no matrix of the lift")
        for matrix in self.matrices:
            matrix.check()
            if (matrix.rows, matrix.columns) != (self.size, self.size):
                raise Invalid(f"a lifted step is not {self.size} by {self.size}")
        if not np.isfinite(self.initial.values).all():
            raise Invalid("the initial vector is not finite")


@dataclass(frozen=True)
class HistoryOp(Op):
    """The linear system L y = b over T + `padding` + 1 blocks of the lift before it.

    Block t + 1 is M_t times block t for t < T and a copy after that; `gamma` rescales u = gamma u', which
    multiplies the monomials of degree k by gamma^-k. L is never stored: it follows from the lift. `unknowns`
    and `nonzeros` are its sizes.
    """

    name: ClassVar[str] = "linear.history"
    pure: ClassVar[bool] = False
    steps: int
    padding: int
    gamma: float
    unknowns: int
    nonzeros: int

    def verify(self) -> None:
        if self.steps < 1 or self.padding < 0 or not (np.isfinite(self.gamma) and self.gamma > 0):
            raise Invalid("steps, padding and rescaling have to be positive")


@dataclass(frozen=True)
class ReadOutOp(Op):
    """Where the solution of the history system before it stands among the bits of the program's circuit.

    A shot counts when the bits `post_select` read 0 and, if there is one, the bit `flag` reads 1. The bits `system`,
    most significant first, are then a basis index: monomial i of block t stands at `positions[t, i]`, [T + P + 1, D],
    with amplitude y[t, i] / (`scale` `factors[i]`). Bits `time`, where they are apart, read the block, most
    significant first; `degree` the degree in unary. The bit `test`, if there is one, is that of an interference
    with the start in every block: P(0, k) - P(1, k) is the product of the two amplitudes of k. The solution is
    relative to the rescaled state u / gamma. `solver` and `encoding` name how it was made, `error` bounds or
    estimates its relative error, `success` is the probability that a shot counts (the flag aside).
    """

    name: ClassVar[str] = "linear.read_out"
    pure: ClassVar[bool] = False
    solver: str
    encoding: str
    post_select: Array
    system: Array
    time: Array
    degree: Array
    positions: Array
    factors: Array
    scale: float
    error: float
    success: float
    flag: int | None = None
    test: int | None = None

    def verify(self) -> None:
        positions = self.positions.values
        if positions.ndim != 2 or self.factors.shape != (positions.shape[1],):
            raise Invalid("positions and factors do not list the same monomials")
        if positions.min() < 0 or positions.max() >= 1 << self.system.size:
            raise Invalid("a monomial stands outside the system's bits")
        if not self.scale > 0:
            raise Invalid("the scale has to be positive")

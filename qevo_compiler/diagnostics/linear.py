"""Wording for training dynamics as a linear system (Q061x)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error, Warn, counted


class LinearizeRefused(Error):
    """`linearize` asks for the Carleman system of the training dynamics, and this pipeline lowers the loss itself.

    A program with `linearize` has a pipeline of its own for every target: it becomes a history system, and that a
    circuit or least squares over spins. Only a pipeline given by `--passes` can lead elsewhere. To minimise the loss
    over spins, leave the line out and give the parameters ranges and bits, so that they become decision variables.

    Bad:   linearize carleman(order = 5, pivot = start)
    Good:  param theta: real[2] = [0.1, 0.05] in [-1, 1] bits 6
    """

    code: ClassVar[str] = "Q0610"
    title: ClassVar[str] = "`linearize` cannot be lowered to spins"
    label: ClassVar[str] = "this asks for a Carleman system"
    help: ClassVar[str] = "remove the line and give the parameters `in [lo, hi] bits b`, or leave `--passes` out"


class NothingToLinearize(Error):
    """A step map needs the steps of an optimizer and parameters that it moves.

    param theta: real[2] = [0.1, 0.05]
    minimize sum((X @ theta - y)^2)
    train sgd(rate = 0.2, steps = 30)
    linearize carleman(order = 3)
    """

    code: ClassVar[str] = "Q0611"
    title: ClassVar[str] = "there are no training steps to linearize"
    note: ClassVar[str] = "the program has no {what}"
    help: ClassVar[str] = "declare a `param` and add `train sgd(rate = .., steps = ..)`"

    what: str


class OrderNotReached(Error):
    """No truncation order up to the limit has a proved error within the tolerance.

    The order is chosen by bound A, the truncation error of a scalar majorant of the dynamics; it is proved,
    so it can be larger than the true error. A pivot nearer to the trajectory, weight decay and a shorter
    chunk between re-uploads all make it smaller.
    """

    code: ClassVar[str] = "Q0612"
    title: ClassVar[str] = "no order up to {most} is proved to reach the tolerance {tolerance:g}"
    label: ClassVar[str] = "asked for here"
    note: ClassVar[str] = "{shown}"
    help: ClassVar[str] = "add `reupload = k`, choose another `pivot`, raise `weight_decay`, or give an `order`"

    tolerance: float
    most: int
    best: int
    bound: float

    @property
    def shown(self) -> str:
        if self.bound < float("inf"):
            return f"the smallest bound is {self.bound:.3g}, at order {self.best}"
        return "every bound is infinite: the majorant of the dynamics diverges from this start"


class NoOrder(Error):
    """The lift needs an order: the degree above which monomials of the state are cut off.

    `linearize carleman(order = 5)` gives it; `linearize carleman(tolerance = 1e-4)` has `select-order` find
    it; `carleman-truncation{order=5}` sets it as an option of the pass.
    """

    code: ClassVar[str] = "Q0613"
    title: ClassVar[str] = "the truncation order is not known"
    help: ClassVar[str] = "write `linearize carleman(order = ..)` or run `select-order` before"


class LiftTooLarge(Error):
    """The lifted state has one coordinate a monomial: C(n + N, N) for n coordinates and order N.

    Parity, decoupled parts and unused variables make the kept basis smaller, but a dense model fills it.
    Fewer parameters or a lower order with more frequent re-uploads are what helps.
    """

    code: ClassVar[str] = "Q0614"
    title: ClassVar[str] = "the lift of {coordinates} at order {order} is too large"
    note: ClassVar[str] = "the full basis has {size:,} monomials; {most:,} are allowed"
    help: ClassVar[str] = "lower the order and re-upload more often, or raise `carleman-truncation.max-size`"

    dimension: int
    order: int
    size: int
    most: int

    @property
    def coordinates(self) -> str:
        return counted(self.dimension, "coordinate")


class DivergentLift(Error):
    """The kept products of this lift grow without a useful bound, so its results would be worthless.

    Two things are true at once: a mode of the step is divergent (negative curvature) or unstable (a step
    beyond 2 over the curvature), amplified through N times T factors; and the proved bound on the truncation
    error is not below the size of the trajectory itself. Moving the pivot to where curvature is positive,
    weight decay, a smaller rate or a shorter chunk can each repair it. `force` lifts all the same and says so
    in the ledger.
    """

    code: ClassVar[str] = "Q0615"
    title: ClassVar[str] = "the lift diverges: a kept product can grow by a factor of e^{amplification:.3g}"
    label: ClassVar[str] = "asked for here"
    note: ClassVar[str] = "{modes}; F_1 has spectral radius {radius:.6g} over {steps} steps at order {order}"
    help: ClassVar[str] = "{advice}; `carleman-truncation.force=true` lifts all the same"

    amplification: float
    divergent: int
    unstable: int
    radius: float
    steps: int
    order: int
    chunk: int

    @property
    def modes(self) -> str:
        return _modes(self.divergent, self.unstable)

    @property
    def advice(self) -> str:
        chunk = f"`reupload = {self.chunk}`" if self.chunk else "a shorter horizon"
        decay = "a smaller `rate`" if self.unstable and not self.divergent else "a larger `weight_decay`"
        return f"try `pivot = minimiser`, {decay} or {chunk}"


class NotCertified(Warn):
    """The bounds prove nothing about the truncation error of this lift.

    The scalar majorant of the dynamics grows beyond the trajectory itself. The lift may still be accurate: the
    ledger holds the error measured from the exact defect where that was affordable. A pivot nearer to the
    trajectory or a shorter chunk usually brings the proof back.
    """

    code: ClassVar[str] = "Q0616"
    title: ClassVar[str] = "the truncation error is not certified"
    label: ClassVar[str] = "asked for here"
    note: ClassVar[str] = "bound A is {shown}, and the trajectory stays within {size:.3g} of the pivot"
    help: ClassVar[str] = "rely on the measured error in the ledger, or shorten the chunk with `reupload = k`"

    bound: float
    size: float

    @property
    def shown(self) -> str:
        return f"{self.bound:.3g}" if self.bound < float("inf") else "infinite"


class UnsteadyModes(Warn):
    """Some directions of the step at the pivot do not contract.

    A divergent mode has negative curvature; an unstable one has curvature beyond 2 over the rate, where
    descent itself oscillates and grows; a flat one neither grows nor shrinks. The first two are amplified in
    every kept product, so they limit how many steps one lift can cover.
    """

    code: ClassVar[str] = "Q0617"
    title: ClassVar[str] = "the step at the pivot amplifies: {modes}"
    note: ClassVar[str] = "the spectral radius of F_1 is {radius:.6g}"
    help: ClassVar[str] = "choose another `pivot`, raise `weight_decay` or lower `rate` for a lift over many steps"

    divergent: int
    unstable: int
    radius: float

    @property
    def modes(self) -> str:
        return _modes(self.divergent, self.unstable)


class BadPivot(Error):
    """The pivot is a point of the state space: one number a parameter, then one a velocity where there is momentum.

    `pivot = minimiser` follows descent from the start to a point at rest; where descent runs away or does not
    settle there is none.
    """

    code: ClassVar[str] = "Q0618"
    title: ClassVar[str] = "no pivot: {why}"
    label: ClassVar[str] = "asked for here"
    help: ClassVar[str] = "use `pivot = start`, or give the point as `pivot{{at=x:y:..}}`"

    why: str


class NotTrainable(Error):
    """Training steps are linearized of an objective of parameters alone.

    Decision variables and constraints have no gradient step. With `batch` the objective must be a sum or a
    mean over samples (perhaps plus terms without data), so that a step can leave samples out:

        minimize mean((X @ theta - y)^2) + 0.01 * sum(theta^2)
    """

    code: ClassVar[str] = "Q0619"
    title: ClassVar[str] = "these training steps are not a polynomial map of the parameters: {why}"
    help: ClassVar[str] = "keep parameters, a sum over samples and terms without data in the objective"

    why: str


def _modes(divergent: int, unstable: int) -> str:
    parts = []
    if divergent:
        parts.append(counted(divergent, "divergent mode"))
    if unstable:
        parts.append(counted(unstable, "unstable mode"))
    return " and ".join(parts) or "no single mode"

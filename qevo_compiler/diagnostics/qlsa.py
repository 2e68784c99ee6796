"""Wording for what a history system is lowered to: circuits and least squares over bits (Q0628 to Q0634)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error


class CircuitTooLarge(Error):
    """The circuit that solves a history system is estimated before it is built, and it is over a limit.

    The number of queries to the block encoding grows as kappa, which grows with the horizon and with the copies of
    the final block; one query grows with the lifted dimension. Files of more than a million two-qubit gates help
    nobody; `history-to-circuit{max_cx=..,max_qubits=..}` moves the limits.

        train sgd(rate = 0.1, steps = 5)
        linearize carleman(order = 3)
    """

    code: ClassVar[str] = "Q0628"
    title: ClassVar[str] = "the circuit for this history system is too large"
    label: ClassVar[str] = "{unknowns} unknowns over {steps} steps"
    note: ClassVar[str] = "{estimate}, which is over the limit of {limit}"
    help: ClassVar[str] = (
        "take a shorter horizon (`reupload = k` lifts k steps), a lower order, a larger `tolerance`, or "
        "`history-system{{padding=0}}`"
    )

    unknowns: int
    steps: int
    estimate: str
    limit: str


class NoCircuitForSystem(Error):
    """The chosen solver or block encoding does not take this history system.

    `hhl` is a reference for at most 8 unknowns. `carleman` needs one step for the whole horizon, no constant term
    and an order of at most 4. `system` encodings know no time register, which `read = final` needs. Sparse access
    takes 64 rows, dilations 128.
    """

    code: ClassVar[str] = "Q0629"
    title: ClassVar[str] = "`{solver}` with the encoding `{encoding}` does not take this history system"
    note: ClassVar[str] = "{reason}"
    help: ClassVar[str] = "leave `encoding` at `auto`, or make the system smaller: fewer steps or a lower order"

    solver: str
    encoding: str
    reason: str


class NoBox(Error):
    """The least-squares route needs a range for every unknown, and the optimizer itself leaves every range.

    The range of a monomial of degree k is r^k with r a bound on the size of the state: from the scalar majorant of
    the dynamics, or, where that blows up, twice the optimizer's path. Here the path goes beyond 1e9: lower the rate, or
    give the radius that is meant, `history-least-squares{radius=2}`.
    """

    code: ClassVar[str] = "Q0630"
    title: ClassVar[str] = "the unknowns of this history system have no range"
    label: ClassVar[str] = "the optimizer reaches {radius:.3g} over the horizon"
    help: ClassVar[str] = (
        "lower the rate, or set `history-least-squares{{radius=r}}` with r at least the size of the shifted state"
    )

    radius: float


class NotLinear(Error):
    """An option was given that only programs with `train` and `linearize` understand.

    `--shots` reads the lifted system's solution out, `--force` lifts what diverges.

        train sgd(rate = 0.1, steps = 5)
        linearize carleman(order = 3)
    """

    code: ClassVar[str] = "Q0634"
    title: ClassVar[str] = "`{option}` needs a program with `linearize`"
    help: ClassVar[str] = "leave the option out, or add `train` and `linearize` to the program"

    option: str

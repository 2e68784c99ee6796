"""Search for small penalty weights: sample, check the constraints, rescale, again; what it finds is measured.

While the best sample is feasible all weights shrink; families that it violates grow again and are then not
shrunk as far. Weights that were proved are never exceeded; where reads are infeasible at those, weights so large keep
the sampler from moving, and all shrink until some read is feasible. Families with a multiplier (the augmented
Lagrangian, with a bounded weight: Yonaga, Miyama and Ohzeki, arXiv:2012.06119) move it by the residual instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.backends.select import select_backend
from qevo_compiler.decode import Solutions
from qevo_compiler.decode.coefficients import CoefficientTable
from qevo_compiler.decode.projection import Projection
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.penalties import BadTuning
from qevo_compiler.dialects.ising import PenaltyOp, PenaltyRule
from qevo_compiler.dialects.problem import Sense
from qevo_compiler.ir import Array, Evidence, Func, LedgerEntry
from qevo_compiler.passes.base import Progress
from qevo_compiler.reweighting import reweighted

if TYPE_CHECKING:
    from qevo_compiler.program import CompiledProgram

STAGE = "tune"
GROWTH_CAP = 8.0
DAMPING = 0.5
# Weights whose bracket is this narrow are settled.
SETTLED = 1.1


@dataclass(frozen=True)
class TuneOptions:
    """`rounds` of `reads` samples; weights shrink by `shrink` and grow by `grow`; all draws follow from `seed`."""

    rounds: int = 12
    reads: int = 50
    sweeps: int | None = None
    seed: int = 0
    shrink: float = 0.6
    grow: float = 1.6
    backend: str | None = "local"

    def check(self) -> None:
        """Raises `CompileError` for values that make no search."""
        tests = (
            ("rounds", self.rounds >= 1, "a number of at least 1"),
            ("reads", self.reads >= 1, "a number of at least 1"),
            ("shrink", 0 < self.shrink < 1, "a factor between 0 and 1"),
            ("grow", 1 < self.grow <= 1e3, "a factor above 1"),
        )
        for option, fine, expected in tests:
            if not fine:
                raise CompileError(BadTuning(None, option, f"{getattr(self, option)}", expected))


@dataclass(frozen=True)
class TuneStep:
    """One round: the weights by family, the share of feasible reads, the best feasible objective (None: none)."""

    weights: dict[str, float]
    feasible: float
    objective: float | None
    violated: tuple[str, ...]


@dataclass(frozen=True)
class Tuned:
    """The program with the weights that were chosen, and every round; `steps[chosen]` is the one kept."""

    program: CompiledProgram
    steps: tuple[TuneStep, ...]
    chosen: int | None

    def lines(self) -> list[str]:
        """The rounds in words."""
        found = []
        for k, step in enumerate(self.steps):
            weights = ", ".join(f"{name} {weight:.4g}" for name, weight in step.weights.items())
            best = "none feasible" if step.objective is None else f"best {step.objective:.8g}"
            broken = f", violated: {', '.join(step.violated)}" if step.violated else ""
            mark = " <- chosen" if k == self.chosen else ""
            found.append(f"round {k + 1}: {weights}; {step.feasible:.0%} feasible, {best}{broken}{mark}")
        return found


def tuned(program: CompiledProgram, options: TuneOptions | None = None, progress: Progress | None = None) -> Tuned:
    """Weights that gave feasible samples, as small as the rounds went; the ledger entry is a measurement.

    A program without hard constraints comes back as it is. Deterministic for a seed (on a local backend).
    """
    options = options or TuneOptions()
    options.check()
    hard = [op for op in program.module.main.ops_of(PenaltyOp) if op.rule is not PenaltyRule.SOFT]
    if not hard:
        return Tuned(program, (), None)
    search = _Search(program, hard, options)
    for number in range(options.rounds):
        if progress is not None:
            progress("tuning penalties", number / options.rounds)
        if not search.round(number):
            break
    return search.result()


class _Search:
    """Weights between a floor that failed and what worked last, for each family."""

    def __init__(self, program: CompiledProgram, hard: Sequence[PenaltyOp], options: TuneOptions) -> None:
        self._start, self._options = program, options
        self._program = program
        self._names = [op.symbol for op in hard]
        self._weights = {op.symbol: op.weight for op in hard}
        self._caps = {op.symbol: op.weight * (1.0 if op.rule.proved else GROWTH_CAP) for op in hard}
        self._floors = dict.fromkeys(self._names, 0.0)
        self._sloped = {op.symbol for op in hard if op.rule is PenaltyRule.LAGRANGIAN}
        self._sign = 1.0
        self._steps: list[TuneStep] = []
        self._kept: list[CompiledProgram] = []

    def round(self, number: int) -> bool:
        """Sample, note, rescale; False when there is nothing left to try."""
        options = self._options
        backend = select_backend(options.backend)
        samples = backend.sample(self._program.module, options.reads, options.seed + number, options.sweeps)
        solutions = self._program.decoder.decode(samples.spins)
        violated = self._violated(solutions)
        best = solutions.best
        objective = best.objective if best.feasible else None
        self._steps.append(TuneStep(dict(self._weights), float(solutions.feasible.mean()), objective, violated))
        self._kept.append(self._program)
        self._sign = 1.0 if solutions.sense is Sense.MINIMIZE else -1.0
        slopes = self._moved_slopes(samples.spins[0]) if self._sloped else {}
        return self._rescale(set(violated), bool(slopes), slopes)

    def _violated(self, solutions: Solutions) -> tuple[str, ...]:
        """Hard families with a violated row in the read of least energy; encodings too where codes are broken."""
        families = solutions.families
        broken = {name for name, family in families.items() if not family.satisfied[0].all()}
        if not solutions.codes_valid[0]:
            broken |= set(self._names) - set(families)
        return tuple(name for name in self._names if name in broken)

    def _rescale(self, violated: set[str], moved: bool, slopes: dict[str, NDArray[np.float64]]) -> bool:
        weights = dict(self._weights)
        soften = bool(violated) and self._freezes(violated)
        for name in self._names:
            if soften:
                weights[name] *= self._options.shrink
            elif name in violated:
                self._floors[name] = max(self._floors[name], weights[name])
                weights[name] = min(weights[name] * self._options.grow, self._caps[name])
            elif not violated and name not in self._sloped:
                least = max(weights[name] * self._options.shrink, self._floors[name] * SETTLED)
                weights[name] = min(weights[name], least)
        if weights == self._weights and not moved:
            return False
        changed = {name: weight for name, weight in weights.items() if weight != self._weights[name]}
        self._weights = weights
        base = self._with_slopes(slopes) if slopes else self._program
        self._program = reweighted(base, {}, changed, PenaltyRule.TUNED)
        if not slopes:
            vars(self._program)["coefficients"] = base.coefficients
        return True

    def _freezes(self, violated: set[str]) -> bool:
        """Whether no read was feasible so far, though the weights of what is violated were once as large as allowed."""
        if any(step.objective is not None for step in self._steps):
            return False
        return all(any(step.weights[name] >= self._caps[name] for step in self._steps) for name in violated)

    def _moved_slopes(self, state: NDArray[np.int8]) -> dict[str, NDArray[np.float64]]:
        """Slopes after a step of the multipliers: the derivative of w u^2 over w, damped."""
        projection = Projection(self._program.module)
        bits = (state + np.int8(1)) // np.int8(2)
        found = {}
        for op in self._program.module.main.ops_of(PenaltyOp):
            if op.symbol in self._sloped and op.slopes is not None and not op.implied:
                step = DAMPING * 2.0 * projection.residuals(op, bits)
                if step.any():
                    found[op.symbol] = op.slopes.values + step
        return found

    def _with_slopes(self, slopes: dict[str, NDArray[np.float64]]) -> CompiledProgram:
        module = self._program.module
        ops = tuple(
            replace(op, slopes=Array(slopes[op.symbol])) if isinstance(op, PenaltyOp) and op.symbol in slopes else op
            for op in module.main.ops
        )
        program = replace(self._program, module=module.with_main(Func("main", (), ops)))
        # The model is not this sum before it has been weighted anew, which the caller does next.
        vars(program)["coefficients"] = CoefficientTable(program.module)
        return program

    def result(self) -> Tuned:
        """Among rounds with feasible reads the one with the best objective, then with most of them feasible."""
        scored = [
            (self._sign * step.objective, -step.feasible, k)
            for k, step in enumerate(self._steps)
            if step.objective is not None
        ]
        if not scored:
            note = f"no read of {len(self._steps)} rounds was feasible; weights are those of the rules"
            entry = LedgerEntry(STAGE, "feasible reads", 0.0, Evidence.MEASURED, "", note)
            return Tuned(replace(self._start, module=self._start.module.record(entry)), tuple(self._steps), None)
        chosen = min(scored)[2]
        step, program = self._steps[chosen], self._kept[chosen]
        listed = ", ".join(f"{name} {weight:.6g}" for name, weight in step.weights.items())
        note = (
            f"round {chosen + 1} of {len(self._steps)}, {self._options.reads} reads each from seed "
            f"{self._options.seed}: weights {listed}"
        )
        entry = LedgerEntry(STAGE, "feasible reads", step.feasible, Evidence.MEASURED, "", note)
        return Tuned(replace(program, module=program.module.record(entry)), tuple(self._steps), chosen)

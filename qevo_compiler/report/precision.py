"""What an annealer's control makes of a model's coefficients, and what can be done about it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from qevo_compiler.dialects.ising import ModelOp, PenaltyOp, PenaltyRule, RegisterOp, Role
from qevo_compiler.dialects.problem import Domain, Encoding
from qevo_compiler.ir import LedgerEntry
from qevo_compiler.passes.binary_to_spin import spin_view
from qevo_compiler.passes.scale_coefficients import bits_needed
from qevo_compiler.program import CompiledProgram
from qevo_compiler.report.coefficients import CONTROL_BITS, lost_share
from qevo_compiler.report.markup import Content, Markup, element, join, number, table
from qevo_compiler.targets.dwave.limits import COUPLING_LIMIT, FIELD_LIMIT

Advice = tuple[str, str]


def precision_section(program: CompiledProgram, model: ModelOp) -> Markup:
    """Bits needed against bits of control, the factor of auto-scaling, and what to change, as a table."""
    facts: list[list[Content]] = [[what, value] for what, value in _facts(program, model)]
    parts = [table("Needed and available", ["what", "value"], facts, [])]
    found = list(advice(program, model))
    if found:
        rows: list[list[Content]] = [[why, element("code", what) if what else ""] for why, what in found]
        parts.append(table("What can be done", ["why", "with"], rows, []))
    else:
        parts.append(element("p", "The model fits the control: nothing needs to change."))
    return join(parts)


def precision_lines(program: CompiledProgram) -> Iterator[str]:
    """The same as lines of text; nothing for a program without a spin model or for another target."""
    model = spin_view(program.module)
    if model is None or program.target.name != "dwave":
        return
    yield from (f"{what}: {value}" for what, value in _facts(program, model))
    yield from (f"{why}: {what}" if what else why for why, what in advice(program, model))


def _facts(program: CompiledProgram, model: ModelOp) -> list[tuple[str, str]]:
    return [
        ("bits needed by fields and couplings together", f"{bits_needed(model):.1f}"),
        ("bits needed by couplings alone", f"{_bits(model.couplings.values):.1f}"),
        ("bits of control, about", str(CONTROL_BITS)),
        ("coefficients below one step of control", f"{lost_share(model):.1%}"),
        ("factor of auto-scaling", _factor_text(model, program.ledger)),
    ]


def scaling_factor(model: ModelOp) -> float:
    """What multiplies the energy so that fields reach at most 4 and couplings 1; chains can only make it smaller."""
    field = float(np.abs(model.fields.values).max(initial=0.0)) / FIELD_LIMIT
    coupling = float(np.abs(model.couplings.values).max(initial=0.0)) / COUPLING_LIMIT
    pressure = max(field, coupling)
    return 1.0 / pressure if pressure else 1.0


def advice(program: CompiledProgram, model: ModelOp) -> Iterator[Advice]:
    """What makes the coefficients wide, in words, each with the option that changes it; none where the model fits."""
    if bits_needed(model) <= CONTROL_BITS:
        return
    yield from _codes(program.provenance)
    yield from _weights(program.module.main.ops_of(PenaltyOp))
    what = f"--set round-coefficients.bits={CONTROL_BITS}"
    yield "Rounding here makes what is programmed what is written; the ledger proves what it may cost", what
    said = (
        "Gauges (spin-reversal transforms) flip the sign of control errors, which average out over samples; "
    )
    yield f"{said}they add no bits to a single sample", ""


def _codes(registers: tuple[RegisterOp, ...]) -> Iterator[Advice]:
    """Codes whose weights double, with the ones that are narrower."""
    for register in registers:
        widest = _widest(register)
        if widest < 4:
            continue
        bits = 2 * math.log2(widest)
        span = f"weights of bits reach {number(widest)}: their products span {bits:.0f} bits"
        if register.role is Role.SLACK:
            yield (
                f"Slack of {register.symbol}: {span}; a bounded code takes more bits of small weight",
                ("--set penalize-constraints.slack=bounded"),
            )
            yield (
                f"Slack of {register.symbol} left out: satisfied rows are then no longer all alike",
                (f"--set penalize-constraints.methods={register.symbol}=unbalanced"),
            )
        elif register.domain is Domain.REAL:
            yield f"{register.symbol}: {span}; fewer bits are a coarser step", f"var {register.symbol}: ... bits N"
        elif register.encoding in (Encoding.LOG, Encoding.BOUNDED):
            yield (
                f"{register.symbol}: {span}; a bounded or unary code has smaller weights",
                (f"var {register.symbol}: ... encoded as bounded"),
            )


def _widest(register: RegisterOp) -> float:
    """The largest over the smallest weight of the code's bits; 1 for registers without weights."""
    if register.affine is None:
        return 1.0
    weights = np.abs(register.affine.weights.values)
    weights = weights[weights > 0]
    return float(weights.max() / weights.min()) if len(weights) else 1.0


def _weights(penalties: tuple[PenaltyOp, ...]) -> Iterator[Advice]:
    given = (PenaltyRule.SOFT, PenaltyRule.GIVEN, PenaltyRule.TUNED)
    hard = [op for op in penalties if op.rule not in given]
    if not hard:
        return
    largest = max(hard, key=lambda op: op.weight)
    said = f"The penalty of {largest.symbol} weighs {number(largest.weight)} ({largest.rule.value} rule); "
    yield f"{said}sampling may find a smaller one, which is then measured and not proved", 'penalties="tune"'


def _bits(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    sizes = np.abs(values[values != 0])
    return float(np.log2(sizes.max() / sizes.min())) if len(sizes) else 0.0


def _factor_text(model: ModelOp, ledger: tuple[LedgerEntry, ...]) -> str:
    programmed = [entry.value for entry in ledger if entry.quantity == "programmed scale"]
    if programmed:
        return f"{programmed[0]:.4g}, with the chains of the embedding"
    return f"{scaling_factor(model):.4g} before embedding; chains can only make it smaller"

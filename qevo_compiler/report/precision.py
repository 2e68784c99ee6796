"""What an annealer's control makes of a model's coefficients, and what can be done about it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import ModelOp, PenaltyOp, PenaltyRule, RegisterOp, Role
from qevo_compiler.dialects.problem import Domain, Encoding
from qevo_compiler.ir import Array, LedgerEntry
from qevo_compiler.passes.binary_to_spin import spin_view
from qevo_compiler.passes.quantities import PENALTY_GAP
from qevo_compiler.passes.scale_coefficients import bits_needed
from qevo_compiler.program import CompiledProgram
from qevo_compiler.report.coefficients import lost_share
from qevo_compiler.report.markup import Content, Markup, element, join, number, table
from qevo_compiler.targets.dwave.limits import CONTROL_BITS, COUPLING_LIMIT, FIELD_LIMIT

WIDE_MARGIN = 0.25

Advice = tuple[str, str]
Floats = NDArray[np.float64]


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
        ("bits needed by couplings alone", f"{_bits(model.couplings):.1f}"),
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
    yield from _codes(program)
    yield from _weights(program.module.main.ops_of(PenaltyOp))
    yield from _margin(program, model)
    what = f"--set round-coefficients.bits={CONTROL_BITS}"
    yield "Rounding here makes what is programmed what is written; the ledger proves what it may cost", what
    said = "Gauges (spin-reversal transforms) flip the sign of control errors, which average out over samples; "
    yield f"{said}they add no bits to a single sample", ""


def _doubling(register: RegisterOp, weights: Floats) -> Iterator[Advice]:
    """What to do about a code whose weights double."""
    bits = 2 * math.log2(weights.max() / weights.min())
    span = f"{register.symbol}: products of the weights of its bits span {bits:.0f} bits"
    if register.domain is Domain.REAL:
        yield f"{span}; fewer bits are a coarser step", f"var {register.symbol}: ... bits N"
    elif register.encoding in (Encoding.LOG, Encoding.BOUNDED):
        yield f"{span}; a bounded or unary code has smaller weights", f"var {register.symbol}: ... encoded as bounded"


def _codes(program: CompiledProgram) -> Iterator[Advice]:
    """Codes whose weights double, and rows with wide coefficients, with what is narrower."""
    problem = program.module.find("problem")
    families = problem.ops_of(poly.ConstraintOp) if problem else ()
    caps = {op.symbol: op.caps.values for op in program.module.main.ops_of(PenaltyOp) if op.caps and not op.implied}
    rows = {op.symbol: _row_sizes(op.body, caps.get(op.symbol)) for op in families}
    for register in program.provenance:
        weights = np.ones(1) if register.affine is None else _sizes(register.affine.weights)
        if register.role is Role.SLACK:
            yield from _slack(register.symbol, weights, rows.get(register.symbol, np.ones(1)))
        elif len(weights) and weights.max() >= 4 * weights.min():
            yield from _doubling(register, weights)
    for symbol, sizes in rows.items():
        if len(sizes) and sizes.max() >= 8 * sizes.min():
            span = f"Coefficients of {symbol} reach from {number(sizes.min())} to {number(sizes.max())}"
            yield f"{span}: squared, that is twice the bits; divide and round them in the data", ""


def _slack(symbol: str, weights: Floats, row: Floats) -> Iterator[Advice]:
    """A slack is told of where its weights lie outside of what the row's coefficients span anyway."""
    if not len(weights) or not len(row):
        return
    if weights.max() > row.max():
        said = f"Slack of {symbol} has bits of weight {number(weights.max())}, more than any coefficient"
        bound = max(int(row.max() / weights.min()), 1)
        what = f"--set penalize-constraints.slacks={symbol}=bounded --set penalize-constraints.slack-bound={bound}"
        yield f"{said}; a bounded code takes more bits of small weight", what
    if weights.min() < row.min():
        said = f"Slack of {symbol} has bits of weight {number(weights.min())}, less than any coefficient"
        what = f"--set penalize-constraints.methods={symbol}=unbalanced"
        yield f"{said}; without slack (unbalanced, not proved) they go", what


def _sizes(*arrays: Array) -> Floats:
    values = np.abs(np.concatenate([np.zeros(0), *(array.values for array in arrays)]))
    return np.asarray(values[values > 0], np.float64)


def _row_sizes(body: poly.Polynomials, caps: Floats | None) -> Floats:
    """Sizes of the coefficients, as cut by `ising.penalty`."""
    sizes = [np.abs(block.coefficients.values) for block in body.terms if block.degree]
    if caps is not None:
        owners = [block.row.values for block in body.terms if block.degree]
        sizes = [np.minimum(size, caps[row]) for size, row in zip(sizes, owners, strict=True)]
    return _sizes(*map(Array, sizes))


def _weights(penalties: tuple[PenaltyOp, ...]) -> Iterator[Advice]:
    given = (PenaltyRule.SOFT, PenaltyRule.GIVEN, PenaltyRule.TUNED)
    hard = [op for op in penalties if op.rule not in given]
    if not hard:
        return
    largest = max(hard, key=lambda op: op.weight)
    said = f"Hard penalties weigh up to {number(largest.weight)} ({largest.rule.value} rule); "
    yield f"{said}sampling may find smaller ones, which are then measured and not proved", "qevoc run --penalties tune"


def _margin(program: CompiledProgram, model: ModelOp) -> Iterator[Advice]:
    """Told where the smallest coefficient is less than what weights exceed their proof's need by, hence made by it."""
    gaps = [entry.value for entry in program.ledger if entry.quantity == PENALTY_GAP and entry.value > 0]
    sizes = _sizes(model.fields, model.couplings)
    if gaps and len(sizes) and sizes.min() < min(gaps) * model.scale:
        said = f"Weights exceed what is needed by {number(min(gaps))}, and the smallest coefficient is less than that; "
        what = f"--set penalize-constraints.margin={WIDE_MARGIN}"
        yield f"{said}a wider margin may take bits away, and samplers find somewhat worse states", what


def _bits(values: Array) -> float:
    sizes = _sizes(values)
    return float(np.log2(sizes.max() / sizes.min())) if len(sizes) else 0.0


def _factor_text(model: ModelOp, ledger: tuple[LedgerEntry, ...]) -> str:
    programmed = [entry.value for entry in ledger if entry.quantity == "programmed scale"]
    if programmed:
        return f"{programmed[0]:.4g}, with the chains of the embedding"
    return f"{scaling_factor(model):.4g} before embedding; chains can only make it smaller"

"""Say in words where a coupling comes from, what became of a constraint, and which spins an element has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from qevo_compiler.analyses.names import element_name, instance_name
from qevo_compiler.analyses.symbolic import variable_names
from qevo_compiler.decode.explain import explain_bit
from qevo_compiler.decode.model_sums import coupling_of
from qevo_compiler.decode.numbering import Numbering
from qevo_compiler.decode.projection import Projection
from qevo_compiler.decode.row_text import MAX_PARTS, row_text, tightened_texts
from qevo_compiler.decode.sources import SourceKind, sources_of
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import FORMS, PenaltyForm, PenaltyOp, PenaltyRule, RegisterOp, Role, SettledOp
from qevo_compiler.dialects.poly import arithmetic
from qevo_compiler.dialects.problem import Domain, Encoding, Relation
from qevo_compiler.ir import LedgerEntry, Module
from qevo_compiler.passes.quantities import PENALTY_GAP

MAX_INSTANCES = 20
_INSTANCE = re.compile(r"(.+?)\[\s*(-?\d+(?:\s*,\s*-?\d+)*)\s*\]")
_FORMS = {
    PenaltyForm.SQUARE: "u^2",
    PenaltyForm.LINEAR: "u (never negative)",
    PenaltyForm.TRIANGLE: "u (u + 1) / 2",
    PenaltyForm.LOGIC: "the number of violated clauses",
    PenaltyForm.SLOPED: "(u^2 + slope u)",
    PenaltyForm.MIXED: "a form by row",
}


def split_instance(name: str) -> tuple[str, tuple[int, ...]]:
    """`x[0, 2]` as its symbol and indices; a name without brackets has none."""
    found = _INSTANCE.fullmatch(name.strip())
    return (found[1], tuple(int(i) for i in found[2].split(","))) if found else (name.strip(), ())


def explain_element(registers: Sequence[RegisterOp], name: str, numbering: Numbering) -> list[str]:
    """The spins of one element of a symbol (`take[3]`), a line each; empty when no symbol has it."""
    symbol, indices = split_instance(name)
    for register in registers:
        element = _element(register, indices) if register.symbol == symbol and register.domain else None
        if element is not None:
            return list(_element_lines(registers, register, element, numbering))
    return []


def shape_hint(registers: Sequence[RegisterOp], name: str) -> str:
    """What to say of an element (`take[9]`) that its symbol does not have; empty when there is no such symbol."""
    symbol, indices = split_instance(name)
    register = next((register for register in registers if register.symbol == symbol), None)
    if register is None or not register.domain or not indices:
        return ""
    whole = _whole_shape(register)
    if register.positions is not None and len(indices) == len(whole) and all(map(int.__lt__, indices, whole)):
        return f"it is held fixed: {register.positions.size} of the {prod(whole)} elements of `{symbol}` are decided"
    shape = f"the shape {_written(whole)}, counted from 0" if whole else "no indices"
    return f"`{symbol}` has {shape}"


def explain_register(register: RegisterOp, numbering: Numbering) -> Iterator[str]:
    """What the spins of a symbol are and where it was declared."""
    found = numbering.of_register(register)
    spins = f"s{found[0]}..s{found[-1]}" if len(found) > 1 else f"s{found[0]}" if len(found) else "no spins"
    if len(found) < register.count:
        spins += f" ({register.count - len(found)} eliminated by presolve)"
    if register.positions is not None:
        spins = f"{register.positions.size} of {prod(register.tensor_shape)} elements decided, {spins}"
    shape = _written(_whole_shape(register))
    kind = register.domain.value if register.domain else register.role.value
    encoding = f", {register.encoding.value} encoded" if register.encoding else ""
    place = f", declared at {register.span}" if register.span else ""
    yield f"{register.symbol}{shape}: {kind}{encoding}, {spins}{place}"


def _whole_shape(register: RegisterOp) -> tuple[int, ...]:
    """The shape of the symbol itself, also where only some of its elements are decided."""
    return register.shape if register.positions is None else register.tensor_shape


def _written(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]" if shape else ""


def explain_coupling(module: Module, i: int, j: int) -> Iterator[str]:
    """The coupling of spins i and j, then what each source adds to it, then what the two spins are.

    Constraints with several instances name those that hold both spins. The parts add up to the coupling.
    """
    i, j = sorted((i, j))
    projection = Projection(module)
    whole = coupling_of(projection.model, i, j)
    scale = projection.model.scale
    scaled = "" if scale == 1 else f" (the problem's times the scale {scale:g})"
    yield f"coupling of s{i} and s{j} = {whole:.10g}{scaled}" if whole else f"s{i} and s{j} are not coupled"
    for source in sources_of(projection):
        part = coupling_of(source.model, i, j)
        if part:
            yield f"  {part:+.10g} from {source.title}{_why(projection, source.kind, source.symbol)}"
            yield from _instances(projection, source.kind, source.symbol, i, j)
    for spin in (i, j):
        yield from explain_bit(projection.registers, projection.numbering.bit(spin), projection.numbering.name)


def explain_constraint(module: Module, name: str) -> list[str]:
    """A constraint or one instance of it: what it says, its penalty with rule and weight, slack spins, gap.

    Empty when the problem has no such constraint or instance.
    """
    by_symbol = {op.symbol: op for op in module.func("problem").ops_of(poly.ConstraintOp)}
    # A symbol may look like an instance: `c[0]` is a constraint without a name in a file of another tool.
    symbol, indices = (name, ()) if name in by_symbol else split_instance(name)
    op = by_symbol.get(symbol)
    if op is None:
        return []
    rows = np.flatnonzero((op.indices.values == indices).all(axis=1)) if indices else np.arange(op.body.rows)
    if indices and (len(indices) != op.indices.shape[1] or not len(rows)):
        return []
    return list(_constraint_lines(module, op, rows.tolist()))


def _why(projection: Projection, kind: SourceKind, symbol: str) -> str:
    if kind is SourceKind.REST:
        return ": the gadgets of products of three and more bits" if "auxiliaries" in symbol else ""
    if kind is SourceKind.OBJECTIVE:
        return ""
    op = _penalty(projection.penalties, symbol, kind is SourceKind.ENCODING)
    return "" if op is None else f", penalty weight {op.weight:g} ({op.rule.value} rule)"


def _instances(projection: Projection, kind: SourceKind, symbol: str, i: int, j: int) -> Iterator[str]:
    """Which instances of a constraint with several add how much."""
    op = _penalty(projection.penalties, symbol, kind is SourceKind.ENCODING)
    indices = projection.indices(symbol)
    if kind is not SourceKind.CONSTRAINT or op is None or len(indices) < 2:
        return
    rows = projection.rows_with(op, (projection.numbering.bit(i), projection.numbering.bit(j)))
    for row in rows[:MAX_INSTANCES]:
        model = projection.in_spins(arithmetic.total(projection.penalty_rows(op, [row])))
        part = coupling_of(model, i, j)
        if part:
            yield f"    {part:+.10g} from {instance_name(symbol, indices[row])}"
    if len(rows) > MAX_INSTANCES:
        yield f"    and {len(rows) - MAX_INSTANCES} more instances"


def _penalty(penalties: Sequence[PenaltyOp], symbol: str, implied: bool) -> PenaltyOp | None:
    return next((op for op in penalties if op.symbol == symbol and op.implied == implied), None)


def _constraint_lines(module: Module, op: poly.ConstraintOp, rows: list[int]) -> Iterator[str]:
    main = module.main
    names = dict(enumerate(variable_names(module.func("problem"))))
    place = "" if op.span is None else f", declared at {op.span}"
    penalty = _penalty(main.ops_of(PenaltyOp), op.symbol, False)
    tightened = {} if penalty is None else tightened_texts(module, penalty, op.relation, rows[:MAX_INSTANCES])
    for row in rows[:MAX_INSTANCES]:
        stated = row_text(arithmetic.select(op.body, np.array([row])), names)
        yield f"{instance_name(op.symbol, op.indices.values[row])}: {stated} {op.relation.value} 0{place}"
        if row in tightened:
            yield f"  {tightened[row]}"
    if len(rows) > MAX_INSTANCES:
        yield f"and {len(rows) - MAX_INSTANCES} more instances"
    settled = main.first(SettledOp)
    always = "always holds at the settled bits' values" if settled is not None and settled.weight else "always holds"
    if penalty is None:
        yield f"  no penalty: it {always}, or other constraints imply it"
        return
    slack = next((r for r in main.ops_of(RegisterOp) if r.role is Role.SLACK and r.symbol == op.symbol), None)
    yield from _penalty_lines(penalty, op.relation, rows, _has_slack(slack, rows[0]), always)
    yield from _slack_lines(slack, rows, Numbering(main))
    yield from _ledger_lines(module.ledger, op.symbol, penalty.rule)


def _has_slack(slack: RegisterOp | None, row: int) -> bool:
    return slack is not None and slack.affine is not None and bool(np.diff(slack.affine.starts.values)[row])


def _penalty_lines(op: PenaltyOp, relation: Relation, rows: list[int], has_slack: bool, always: str) -> Iterator[str]:
    known = "proved" if op.rule.proved else "not proved"
    known = "the program's own weight" if op.rule is PenaltyRule.SOFT else known
    form = op.form
    if form is PenaltyForm.MIXED and len(rows) == 1:
        form = FORMS[int(op.row_forms(0)[rows[0]])]
    weights = op.row_weights(rows[-1] + 1 if op.factors is None else len(op.factors))[rows]
    several = "" if (weights == weights[0]).all() else f" to {weights.max():g}, by instance,"
    yield f"  penalty {weights.min():g}{several} * {_FORMS[form]}, weight by the {op.rule.value} rule: {known}"
    if len(rows) == 1:
        unit = 1.0 if op.units is None else float(op.units.values[rows[0]])
        shift = 0.0 if op.shifts is None else float(op.shifts.values[rows[0]])
        side = "right side - left side" if relation is Relation.GE else "left side - right side"
        moved = f" {shift:+g}" if shift else ""
        slack = " + slack" if has_slack else ""
        stated = f"u = ({side}{moved}{slack}) / {unit:g}" if unit != 1 else f"u = {side}{moved}{slack}"
        if op.caps is not None and np.isfinite(op.caps.values[rows[0]]):
            stated += ", sides as tightened"
        yield f"  {stated}" if unit else f"  this instance {always}, or another one implies it, and adds nothing"


def _slack_lines(slack: RegisterOp | None, rows: list[int], numbering: Numbering) -> Iterator[str]:
    if slack is None or slack.affine is None:
        yield "  no slack spins"
        return
    starts, bits, weights = (getattr(slack.affine, name).values for name in ("starts", "bits", "weights"))
    parts = np.concatenate([np.arange(starts[row], starts[row + 1]) for row in rows[:MAX_INSTANCES]])
    listed = [f"{numbering.name(slack.first + int(bits[k]))} (weight {weights[k]:g})" for k in parts[:MAX_PARTS]]
    more = f" and {len(parts) - MAX_PARTS} more" if len(parts) > MAX_PARTS else ""
    yield f"  slack spins: {', '.join(listed)}{more}" if listed else "  no slack spins"


def _ledger_lines(ledger: Sequence[LedgerEntry], symbol: str, rule: PenaltyRule) -> Iterator[str]:
    for entry in ledger:
        gap = entry.quantity == PENALTY_GAP and entry.subject in ("", symbol) and rule is not PenaltyRule.SOFT
        if gap or (entry.subject == symbol and entry.stage == "penalize-constraints"):
            yield f"  {entry.quantity} {entry.value:g} ({entry.kind.value}): {entry.note}"


def _element(register: RegisterOp, indices: tuple[int, ...]) -> int | None:
    """The flat number of an element of a register's own variable, or None when it is not in it."""
    shape = _whole_shape(register)
    if len(indices) != len(shape) or any(not 0 <= i < n for i, n in zip(indices, shape, strict=True)):
        return None
    flat = int(np.ravel_multi_index(indices, shape)) if shape else 0
    if register.positions is None:
        return flat
    found = np.flatnonzero(register.positions.values.reshape(-1) == flat)
    return int(found[0]) if len(found) else None


def _element_lines(
    registers: Sequence[RegisterOp], register: RegisterOp, element: int, numbering: Numbering
) -> Iterator[str]:
    positions = None if register.positions is None else register.positions.values
    name = element_name(register.symbol, register.shape, element, positions, register.tensor_shape)
    bits = element_bits(register, element)
    kind = register.domain.value if register.domain else register.role.value
    coded = f", {register.encoding.value} encoded" if register.encoding else ""
    place = f", declared at {register.span}" if register.span else ""
    spins = sum(not numbering.reason(register.first + bit) for bit in bits)
    count = "1 spin" if spins == 1 else f"{spins} spins"
    yield f"{name}: {kind}{coded}, {count}{place}"
    for bit in bits:
        line = next(explain_bit(registers, register.first + bit, numbering.name))
        reason = numbering.reason(register.first + bit)
        yield f"  {line.partition(', declared at')[0]}{reason and f' ({reason})'}"


def element_bits(register: RegisterOp, element: int) -> list[int]:
    """The bits of one element of a decision register, numbered from the block's start."""
    assert register.affine is not None
    starts, bits = register.affine.starts.values, register.affine.bits.values
    if register.domain is Domain.CHOICE:
        labels = len(register.labels)
        return [int(bit) for bit in np.unique(bits[starts[element * labels] : starts[(element + 1) * labels]])]
    if register.encoding is Encoding.ONE_HOT:
        # The bit of the lowest value has no weight: a group has one bit more than the map.
        spans = np.diff(starts)
        ends = np.cumsum(np.where(spans > 0, spans + 1, 0))
        return list(range(int(ends[element - 1]) if element else 0, int(ends[element])))
    return [int(bit) for bit in bits[starts[element] : starts[element + 1]]]

"""The tables of the report: passes, symbols, sources of couplings, penalties, ledger, gates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.circuit_depth import circuit_depth
from qevo_compiler.decode.numbering import Numbering
from qevo_compiler.decode.sources import Source
from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.dialects.ising import PenaltyOp, PenaltyRule, RegisterOp
from qevo_compiler.ir import LedgerEntry
from qevo_compiler.passes.quantities import PENALTY_GAP
from qevo_compiler.report.coefficients import legend
from qevo_compiler.report.markup import Content, Markup, element, join, number, table
from qevo_compiler.report.sizes import ModelSize, SizeLog

# A traced model may have one register a tensor; more lines than this say nothing that the manifest does not.
MAX_LINES = 60


def passes_section(log: SizeLog) -> Markup:
    """One line a pass with the size that it left."""
    assert log.start is not None
    head = [
        "after",
        "variables",
        "slack",
        "auxiliary",
        "constraints",
        "linear",
        "quadratic",
        "higher",
        "gates",
        "terms",
    ]
    largest = max([log.start.all_terms, *(step.size.all_terms for step in log.steps)])
    rows = [_size_row("source", log.start, largest)]
    for step in log.steps:
        name: Content = step.name if step.changed else element("span", step.name, class_="same")
        rows.append(_size_row(name, step.size, largest) if step.changed else [name, *_unchanged(head)])
    said = "Terms by degree, over the source's variables before encode-variables and over bits or spins after it. "
    said += "A dash: the pass had nothing to do."
    keys = legend([("d1", "linear"), ("d2", "quadratic"), ("d3", "higher")])
    return join([table(said, head, rows, range(1, 9)), keys])


def symbols_section(registers: Sequence[RegisterOp], numbering: Numbering) -> Markup:
    """Which symbol every spin comes from."""
    total = numbering.spins
    spins = [numbering.of_register(register) for register in registers[:MAX_LINES]]
    rows: list[list[Content]] = [
        [
            element("code", register.symbol + _shape(register)),
            register.domain.value if register.domain else register.role.value,
            register.encoding.value if register.encoding else "",
            _spins(found),
            number(len(found)),
            bar([(register.role.value, len(found))], total),
            "" if register.span is None else str(register.span),
        ]
        for register, found in zip(registers[:MAX_LINES], spins, strict=True)
    ]
    head = ["symbol", "kind", "code", "spins", "count", "share", "declared at"]
    used = {register.role.value for register in registers if len(numbering.of_register(register))}
    keys = legend([(role, said) for role, said in _ROLES if role in used])
    return join([table(_shown("Spins by symbol", len(registers)), head, rows, [4]), keys])


def sources_section(sources: Sequence[Source]) -> Markup:
    """How many couplings every line of the source causes, and how strong they are."""
    total = sum(_weight(source) for source in sources)
    rows: list[list[Content]] = [
        [
            element("code", source.title),
            source.kind.value,
            number(source.model.couplings.size),
            number(int(np.count_nonzero(source.model.fields.values))),
            number(float(np.abs(source.model.couplings.values).max(initial=0))),
            number(source.products) if source.products else "",
            bar([("whole", _weight(source))], total),
        ]
        for source in sources[:MAX_LINES]
    ]
    head = ["source", "kind", "couplings", "fields", "largest coupling", "products", "share of all |J|"]
    caption = _shown(
        "Couplings and fields by source, in the final model's units; they add up to the model", len(sources)
    )
    return table(caption, head, rows, [2, 3, 4, 5])


def penalties_section(penalties: Sequence[PenaltyOp], ledger: Sequence[LedgerEntry]) -> Markup:
    """Every penalty with its weight and the rule that found it."""
    rows: list[list[Content]] = [
        [
            element("code", f"encoding of {op.symbol}" if op.implied else op.symbol),
            number(op.weight, 8),
            op.rule.value,
            _MEANING.get(op.rule, ""),
            op.form.value,
        ]
        for op in penalties[:MAX_LINES]
    ]
    gaps = [entry for entry in ledger if entry.quantity == PENALTY_GAP]
    said = [element("p", f"{entry.note.capitalize()} ({entry.kind.value}).") for entry in gaps]
    caption = _shown("Penalty weights before scaling", len(penalties))
    return join([*said, table(caption, ["constraint", "weight", "rule", "which means", "form"], rows, [1])])


def ledger_section(ledger: Sequence[LedgerEntry]) -> Markup:
    """The error ledger as `qevoc compile` prints it."""
    if not ledger:
        return element("p", "Empty: the program is exact.")
    rows: list[list[Content]] = [
        [
            element("span", entry.stage, class_="nowrap"),
            entry.quantity,
            element("code", entry.subject),
            number(entry.value, 6),
            entry.kind.value,
            entry.note,
        ]
        for entry in ledger
    ]
    head = ["stage", "quantity", "of", "value", "known how", "note"]
    return table("Every lossy step between the source and this program", head, rows, [3])


def circuit_section(circuit: CircuitOp) -> Markup:
    """Gates by kind, and how deep they are."""
    counts = np.bincount(circuit.opcodes.values, minlength=max(gate.opcode for gate in Gate) + 1)
    found = [(gate, int(counts[gate.opcode])) for gate in Gate if counts[gate.opcode]]
    rows: list[list[Content]] = [
        [element("code", gate.name.lower()), str(gate.arity), number(count), bar([("whole", count)], len(circuit))]
        for gate, count in found
    ]
    pairs = int((circuit.qubits.values[:, 1] >= 0).sum())
    depth, pair_depth = circuit_depth(circuit), circuit_depth(circuit, two_qubit_only=True)
    caption = (
        f"{len(circuit):,} gates on {circuit.qubit_count:,} qubits, depth {depth:,}; "
        f"{pairs:,} of two qubits, depth {pair_depth:,}"
    )
    return table(caption, ["gate", "qubits", "count", "share"], rows, [1, 2])


def bar(parts: Iterable[tuple[str, float]], total: float) -> Markup:
    """A bar of coloured parts, each as wide as its share of `total`."""
    pieces = [element("i", class_=name, style=f"width:{100 * value / total:.4g}%") for name, value in parts if value]
    return element("div", *pieces, class_="bar", aria_hidden="true")


def _size_row(name: Content, size: ModelSize, largest: int) -> list[Content]:
    counts = (size.variables, size.slacks, size.auxiliaries, size.constraints, size.degree(1), size.degree(2))
    numbers = [number(count) if count else "" for count in (*counts, size.above(2), size.gates)]
    parts = [("d1", size.degree(1)), ("d2", size.degree(2)), ("d3", size.above(2))]
    drawn = bar(parts, largest) if size.all_terms else element("span", size.words, class_="same")
    return [name, *numbers, drawn]


def _unchanged(head: Sequence[str]) -> list[Content]:
    return [element("span", "-", class_="same"), *[""] * (len(head) - 2)]


def _spins(found: NDArray[np.int64]) -> str:
    if not len(found):
        return "none"
    return f"s{found[0]}" if len(found) == 1 else f"s{found[0]} to s{found[-1]}"


def _shape(register: RegisterOp) -> str:
    shape = register.tensor_shape or register.shape
    return f"[{', '.join(map(str, shape))}]" if shape else ""


def _weight(source: Source) -> float:
    return float(np.abs(source.model.couplings.values).sum())


def _shown(caption: str, count: int) -> str:
    return caption if count <= MAX_LINES else f"{caption} (the first {MAX_LINES} of {count:,})"


_ROLES = (("decision", "decision"), ("slack", "slack of a constraint"), ("auxiliary", "auxiliary of a product"))
_MEANING = {
    PenaltyRule.RANGE: "proved: it outweighs all that the objective can gain",
    PenaltyRule.INCUMBENT: "proved: it outweighs the gain over a feasible point that was found",
    PenaltyRule.REPAIR: "proved: repairing a broken row never costs more",
    PenaltyRule.RAISE: "proved: raising what a broken row bounds always pays",
    PenaltyRule.FLIP: "proved: undoing one literal of a broken row always pays",
    PenaltyRule.SOFT: "the program's own weight",
    PenaltyRule.GIVEN: "given by the user, not checked",
    PenaltyRule.VLM: "not proved: the objective's largest change by one flip",
    PenaltyRule.MOMC: "not proved: the objective's largest change by one flip over the row's least",
    PenaltyRule.UNBALANCED: "not proved: no slack, satisfied rows may cost or gain",
    PenaltyRule.LAGRANGIAN: "not proved: a square beside a multiplier",
    PenaltyRule.TUNED: "measured: found by sampling and rescaling",
    PenaltyRule.HEURISTIC: "not proved: it may be too small",
}

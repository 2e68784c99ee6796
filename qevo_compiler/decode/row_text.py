"""Rows of constraints in words: as they are stated, and as their penalties take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from qevo_compiler.analyses.structure import cut_rows
from qevo_compiler.decode.explain import explain_bit
from qevo_compiler.decode.projection import Projection
from qevo_compiler.dialects.ising import PenaltyOp
from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.dialects.problem import Relation
from qevo_compiler.ir import Module

# Longer rows are cut in the text, never in the numbers.
MAX_PARTS = 12


def tightened_texts(module: Module, op: PenaltyOp, relation: Relation, rows: Sequence[int]) -> dict[int, str]:
    """For each of `rows` whose coefficients were cut: from what to what, and the row over bits that is left."""
    if op.caps is None:
        return {}
    projection = Projection(module)
    cut = [row for row in rows if np.isfinite(op.caps.values[row])]
    stated = projection.stated(op)[0]
    tight = cut_rows(stated, op.caps.values, None if op.shared is None else op.shared.values)
    stated, tight = (arithmetic.select(body, np.array(cut, np.int64)) for body in (stated, tight))
    tight = arithmetic.scale(tight, -1.0) if relation is Relation.GE else tight
    names = _bit_names(projection, np.unique(tight.block(1)[1]).tolist())
    owner, _, coefficients = stated.block(1)
    texts = {}
    for k, row in enumerate(cut):
        largest = np.abs(coefficients[owner == k]).max()
        said = f"tightened from {largest:g} to {op.caps.values[row]:g}, which no value notices"
        texts[row] = f"{said}: {row_text(arithmetic.select(tight, np.array([k])), names)} {relation.value} 0"
    return texts


def _bit_names(projection: Projection, bits: Sequence[int]) -> dict[int, str]:
    """What bits are called in rows: the element that a bit is, else its spin."""
    names = {}
    for bit in bits:
        spin, _, text = next(explain_bit(projection.registers, bit, projection.numbering.name)).partition(" = ")
        element = text.partition(", declared at")[0]
        names[bit] = spin if element.startswith("bit ") or "(" in element else element
    return names


def row_text(row: Polynomials, names: Mapping[int, str]) -> str:
    """One row in the source's names, its first `MAX_PARTS` terms and its constant."""
    parts = [
        (coefficient, " ".join(_bracketed(names[v]) for v in variables))
        for block in row.terms
        if block.degree
        for variables, coefficient in zip(
            block.variables.values[:MAX_PARTS].tolist(), block.coefficients.values[:MAX_PARTS].tolist(), strict=True
        )
    ]
    total = sum(len(block) for block in row.terms if block.degree)
    written = " ".join(_signed(c, name, first=k == 0) for k, (c, name) in enumerate(parts[:MAX_PARTS]))
    if total > MAX_PARTS:
        written += f" + ... ({total - MAX_PARTS} more terms)"
    constant = float(row.constants()[0])
    return f"{written} {_signed(constant, '', first=not written)}".strip() if constant else written or "0"


def _signed(coefficient: float, name: str, first: bool = False) -> str:
    sign = "-" if coefficient < 0 else "" if first else "+"
    size = f"{abs(coefficient):g}"
    text = f"{size} {name}" if name and size != "1" else name or size
    return f"{sign}{text}" if first else f"{sign} {text}"


def _bracketed(name: str) -> str:
    return f"({name})" if " == " in name else name

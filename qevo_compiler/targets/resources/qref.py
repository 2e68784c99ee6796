"""The cost record as a QREF document (schema v1, https://github.com/PsiQ/qref): plain YAML, written by hand.

One routine holds preparation, query and solver as children; figures become resources, their provenance goes into
`meta`. Counts that depend on others are expressions of them, so that a tool such as bartiq keeps the symbols.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from qevo_compiler.dialects.linear import Figure
from qevo_compiler.targets.resources.record import number

_CHILDREN = {"preparation": "prepare_right_side", "query": "query_block_encoding", "solver": "solve", "readout": "read"}
# What the schema calls additive adds up over a routine's children; everything else is of the routine itself.
_ADDITIVE = ("_cnot", "_one_qubit", "_t_fixed", "_rotations")


def to_qref(name: str, figures: Iterable[Figure]) -> bytes:
    """The document; the program's name becomes an identifier."""
    return ("\n".join(_lines(name, tuple(figures))) + "\n").encode()


def _lines(name: str, figures: tuple[Figure, ...]) -> Iterator[str]:
    yield "version: v1"
    yield "program:"
    yield f"  name: {identifier(name)}"
    yield "  type: linear_system_solver"
    yield from _ports(figures, "  ")
    own = [figure for figure in figures if figure.group not in _CHILDREN]
    yield from _resources(own, "  ")
    yield "  children:"
    for group, child in _CHILDREN.items():
        members = [figure for figure in figures if figure.group == group]
        yield f"    - name: {child}"
        yield f"      type: {group}"
        yield from _resources(members, "      ")
    yield "  meta:"
    for figure in figures:
        text = f"{figure.known.value}; {figure.note}" if figure.note else figure.known.value
        yield f"    {figure.quantity}: {json.dumps(text)}"


def _ports(figures: tuple[Figure, ...], indent: str) -> Iterator[str]:
    width = next(int(figure.value) for figure in figures if figure.quantity == "logical_qubits")
    yield f"{indent}ports:"
    for port, direction in (("in_0", "input"), ("out_0", "output")):
        yield f"{indent}  - {{name: {port}, direction: {direction}, size: {width}}}"


def _resources(figures: Iterable[Figure], indent: str) -> Iterator[str]:
    yield f"{indent}resources:"
    for figure in figures:
        kind = "qubits" if figure.quantity.endswith("_qubits") else "other"
        kind = "additive" if figure.quantity.endswith(_ADDITIVE) else kind
        value = json.dumps(number(figure.value))
        yield f"{indent}  - {{name: {figure.quantity}, type: {kind}, value: {value}}}"


def identifier(name: str) -> str:
    """A name of letters, digits and underscores that does not start with a digit."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    return plain if plain and not plain[0].isdigit() else f"_{plain}"

"""Say in words what a spin of the emitted model stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from qevo_compiler.analyses.names import element_name
from qevo_compiler.dialects.ising import RegisterOp, Role
from qevo_compiler.dialects.ising.auxiliaries import DIGIT, Auxiliaries, digits_of
from qevo_compiler.dialects.poly import AffineMap, Vartype
from qevo_compiler.dialects.problem import Domain, Encoding
from qevo_compiler.ir import format_float


def spin_name(bit: int) -> str:
    """The name of a bit where every bit has a spin."""
    return f"s{bit}"


def explain_bit(registers: Sequence[RegisterOp], index: int, name: Callable[[int], str] = spin_name) -> Iterator[str]:
    """The lines for bit `index` of the registers; an auxiliary is followed by the lines of its members, indented."""
    register = next(r for r in registers if r.first <= index < r.first + r.count)
    bit = index - register.first
    match register.role:
        case Role.DECISION:
            yield f"{name(index)} = {_decision(register, bit)}{_place(register)}"
        case Role.SLACK:
            yield f"{name(index)} = {_slack(register, bit)}{_place(register)}"
        case Role.AUXILIARY:
            assert register.auxiliaries is not None
            yield f"{name(index)} = auxiliary, {_auxiliary(register.auxiliaries, bit, name)}"
            for member in register.auxiliaries.members_of(bit).tolist():
                yield from (f"  {line}" for line in explain_bit(registers, member, name))


def _auxiliary(auxiliaries: Auxiliaries, bit: int, name: Callable[[int], str]) -> str:
    """`product of s0 and s1`, `1 where at least 2 of ...`, or `digit of weight 2 of ...`."""
    names = [name(member) for member in auxiliaries.members_of(bit).tolist()]
    listed = f"{', '.join(names[:-1])} and {names[-1]}"
    size, parameter = len(names), int(auxiliaries.parameters.values[bit])
    if auxiliaries.kinds.values[bit] == DIGIT:
        top = 1 << int(digits_of(np.array([size]))[0])
        shifted = f" plus {top - size}" if top != size else ""
        return f"digit of weight {1 << parameter} of how many of {listed} are 1{shifted}, at most {top - 1}"
    return f"product of {listed}" if parameter == size else f"1 where at least {parameter} of {listed} are 1"


def _place(register: RegisterOp) -> str:
    return "" if register.span is None else f", declared at {register.span}"


def _decision(register: RegisterOp, bit: int) -> str:
    assert register.affine is not None
    if register.encoding is Encoding.ONE_HOT and register.domain is not Domain.CHOICE:
        return _one_hot_value(register, register.affine, bit)
    parts = np.flatnonzero(register.affine.bits.values == bit)
    elements = np.searchsorted(register.affine.starts.values, parts, "right") - 1
    weights = register.affine.weights.values[parts]
    if register.domain is Domain.CHOICE:
        return _choice(register, elements.tolist(), weights.tolist())
    element, part = int(elements[0]), int(parts[0])
    name = _name(register, element)
    if register.vartype is Vartype.SPIN or register.domain in (Domain.BINARY, Domain.SPIN):
        return name
    place = part - int(register.affine.starts.values[element])
    coded = "" if register.encoding is None else f", {register.encoding.value} code"
    return f"bit {place} of {name} (weight {format_float(weights[0])}{coded})"


def _one_hot_value(register: RegisterOp, affine: AffineMap, bit: int) -> str:
    spans = np.diff(affine.starts.values)
    starts = np.cumsum(np.where(spans > 0, spans + 1, 0))
    element = int(np.searchsorted(starts, bit, "right"))
    place = bit - (int(starts[element - 1]) if element else 0)
    value = affine.offsets.values[element] + place
    return f"{_name(register, element)} == {value:g} (onehot code)"


def _choice(register: RegisterOp, elements: list[int], weights: list[float]) -> str:
    labels = len(register.labels)
    named = [
        (_name(register, e // labels), register.labels[e % labels], w) for e, w in zip(elements, weights, strict=True)
    ]
    if register.encoding is Encoding.ONE_HOT:
        return f"{named[0][0]} == {named[0][1]}"
    # In a domain wall a bit says that the label comes at or after the one it adds to.
    name, label = next((name, label) for name, label, weight in named if weight > 0)
    return f"{name} is {label} or a later label (domainwall code)"


def _slack(register: RegisterOp, bit: int) -> str:
    assert register.affine is not None
    part = int(np.flatnonzero(register.affine.bits.values == bit)[0])
    row = int(np.searchsorted(register.affine.starts.values, part, "right")) - 1
    rows = f", row {row}" if register.affine.size > 1 else ""
    return f"slack of constraint {register.symbol}{rows} (weight {format_float(register.affine.weights.values[part])})"


def _name(register: RegisterOp, element: int) -> str:
    positions = None if register.positions is None else register.positions.values
    return element_name(register.symbol, register.shape, element, positions, register.tensor_shape)

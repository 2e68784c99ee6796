"""The polynomial over bits before quadratization: objective and penalties of any degree, to be minimised.

Its text form is one JSON object with packed arrays, written in pieces:

    {"qevo_hubo": 1, "program": NAME, "vartype": "BINARY" or "SPIN", "variables": [NAME, ...], "offset": NUMBER,
     "terms": [{"degree": D, "variables": [...], "coefficients": [...]}, ...]}

Term k of a block of degree D is `coefficients[k]` times the product of the variables numbered
`variables[D * k : D * (k + 1)]`, which are ascending. Blocks ascend by degree, terms by their variables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.names import element_name
from qevo_compiler.decode.projection import Projection
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import RegisterOp, Role
from qevo_compiler.dialects.poly import Polynomials, Vartype
from qevo_compiler.dialects.problem import Domain
from qevo_compiler.ir import Module
from qevo_compiler.packages import need

if TYPE_CHECKING:
    import dimod

VERSION = 1
_CHUNK = 1 << 15
_OWN_BIT = (Domain.BINARY, Domain.SPIN)


@dataclass(frozen=True)
class Hubo:
    """`polynomial` is one row over the bits that `names` names; they are 0/1 or -1/+1 by `vartype`."""

    program: str
    names: tuple[str, ...]
    vartype: Vartype
    polynomial: Polynomials

    def chunks(self) -> Iterator[bytes]:
        """The text form, in pieces; the same bytes each time."""
        head = {"qevo_hubo": VERSION, "program": self.program, "vartype": self.vartype.value.upper()}
        yield json.dumps(head, indent=1)[:-2].encode()
        yield b',\n "variables": '
        yield from _array(self.names)
        yield f',\n "offset": {float(self.polynomial.constants()[0])!r},\n "terms": ['.encode()
        for index, block in enumerate(b for b in self.polynomial.terms if b.degree):
            yield f'{"," if index else ""}\n  {{"degree": {block.degree}, "variables": '.encode()
            yield from _array(block.variables.values.reshape(-1))
            yield b', "coefficients": '
            yield from _array(block.coefficients.values)
            yield b"}"
        yield b"\n ]\n}\n"

    def to_dimod(self) -> dimod.BinaryPolynomial:
        """The polynomial as a dimod object, which has a Python object a term: for small models.

        Raises `CompileError` when dimod is not installed.
        """
        cls = need("dimod", "a binary polynomial", "dwave").BinaryPolynomial
        terms = {
            tuple(self.names[i] for i in members): coefficient
            for block in self.polynomial.terms
            for members, coefficient in zip(
                block.variables.values.tolist(), block.coefficients.values.tolist(), strict=True
            )
        }
        return cls(terms, self.vartype.value.upper())


def hubo_of(module: Module) -> Hubo:
    """The polynomial of a module at the stage `unconstrained`: after the penalties, before quadratization."""
    registers = module.main.ops_of(RegisterOp)
    op = module.main.first(poly.ObjectiveOp)
    polynomial = Polynomials(1, ()) if op is None else op.polynomial
    return Hubo(module.name, bit_names(registers), _vartype(registers), polynomial)


def hubo_of_model(module: Module) -> Hubo:
    """The polynomial that a module with registers, penalties, a spin model and `@problem` was lowered from."""
    projection = Projection(module)
    kept = [register for register in projection.registers if register.role is not Role.AUXILIARY]
    return Hubo(module.name, bit_names(kept), _vartype(kept), projection.polynomial())


def bit_names(registers: Sequence[RegisterOp]) -> tuple[str, ...]:
    """A name for each bit: its element (`x[0, 2]`), or the register and its number there (`k.3`, `fits.slack.0`)."""
    names: list[str] = []
    for register in registers:
        if register.role is Role.DECISION and register.domain in _OWN_BIT:
            shape, positions = register.shape, register.positions
            where = None if positions is None else positions.values
            names += [
                element_name(register.symbol, shape, k, where, register.tensor_shape) for k in range(register.count)
            ]
        else:
            role = "" if register.role is Role.DECISION else f".{register.role.value}"
            names += [f"{register.symbol}{role}.{k}" for k in range(register.count)]
    return tuple(names)


def _vartype(registers: Sequence[RegisterOp]) -> Vartype:
    return registers[0].vartype if registers else Vartype.BINARY


def _array(values: Sequence[str] | NDArray[Any]) -> Iterator[bytes]:
    yield b"["
    for start in range(0, len(values), _CHUNK):
        piece = values[start : start + _CHUNK]
        numbers = piece.tolist() if isinstance(piece, np.ndarray) else list(piece)
        yield (", " if start else "").encode() + json.dumps(numbers)[1:-1].encode()
    yield b"]"

"""Whatever a name of a compiled program stands for: spins, couplings, qubits, variables and constraints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

import numpy as np

from qevo_compiler.decode.decoder import Decoder
from qevo_compiler.decode.explain_model import (
    explain_constraint,
    explain_coupling,
    explain_element,
    explain_register,
    shape_hint,
    split_instance,
)
from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.sources import NoSpinModel, NoSuchSpin, UnknownSymbol
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.gate import CircuitOp, ReadoutOp
from qevo_compiler.dialects.ising import RegisterOp
from qevo_compiler.ir import Module
from qevo_compiler.passes.binary_to_spin import spin_view

_SPIN = re.compile(r"s(\d+)")
_PAIR = re.compile(r"(\w+)\s*,\s*(\w+)")
_QUBIT = re.compile(r"(q|\$|c)(?:(\d+)|\[(\d+)\])")


def explain_name(module: Module, decoder: Decoder, target: str, name: str) -> list[str]:
    """The lines about a name, as `CompiledProgram.explain` lists them."""
    name = name.strip()
    if pair := _PAIR.fullmatch(name):
        return _coupling(module, decoder.size, target, pair[1], pair[2])
    spin = _SPIN.fullmatch(name)
    lines = decoder.explain_spin(int(spin[1])) if spin and int(spin[1]) < decoder.size else []
    # A model of another tool may call its variables s0, s1 and so on: both are said.
    lines += [*explain_constraint(module, name), *_of_symbol(module, decoder, name)]
    lines = lines or _of_circuit(module, decoder, name)
    if not lines:
        raise CompileError(_unknown(module, decoder, name))
    return lines


def _coupling(module: Module, size: int, target: str, first: str, second: str) -> list[str]:
    if spin_view(module) is None:
        raise CompileError(NoSpinModel(None, target))
    known = [_SPIN.fullmatch(name) for name in (first, second)]
    spins = sorted({int(match[1]) for match in known if match and int(match[1]) < size})
    if len(spins) != 2:
        raise CompileError(NoSuchSpin(None, f"{first},{second}", size - 1))
    return list(explain_coupling(module, *spins))


def _of_symbol(module: Module, decoder: Decoder, name: str) -> list[str]:
    registers = module.main.ops_of(RegisterOp)
    found = [register for register in registers if register.symbol == name]
    if found:
        return list(chain.from_iterable(explain_register(register, decoder.numbering) for register in found))
    return explain_element(registers, name, decoder.numbering)


def _of_circuit(module: Module, decoder: Decoder, name: str) -> list[str]:
    """A qubit (`q[3]`, `q3`, or `$3` on a device) or a classical bit (`c[3]`) of the program's circuit."""
    circuit = module.main.first(CircuitOp) or module.main.first(ReadoutOp)
    found = _QUBIT.fullmatch(name)
    if circuit is None or found is None:
        return []
    place = int(found[2] or found[3])
    measured = circuit.measured
    if found[1] == "c":
        bits = [place] if place < len(measured) else []
    else:
        bits = np.flatnonzero(measured == place).tolist()
        if not bits and place < circuit.qubit_count:
            return [f"qubit {place} is not measured: the circuit only passes spins through it, or leaves it out"]
    return [line for bit in bits for line in _bit_lines(decoder, bit, int(measured[bit]))]


def _bit_lines(decoder: Decoder, bit: int, qubit: int) -> Iterator[str]:
    yield f"qubit {qubit} holds s{bit} at the end and is measured into c[{bit}]: 0 for spin +1, 1 for spin -1"
    yield from decoder.explain_spin(bit)


def _unknown(module: Module, decoder: Decoder, name: str) -> UnknownSymbol:
    registers = module.main.ops_of(RegisterOp)
    symbols = list(dict.fromkeys(register.symbol for register in registers if register.domain))
    problem = module.find("problem")
    families = [] if problem is None else problem.ops_of(poly.ConstraintOp)
    constraints = [op.symbol for op in families]
    instances = {op.symbol: op for op in families}.get(split_instance(name)[0])
    if instances is None:
        hint = shape_hint(registers, name) or did_you_mean(name, [*symbols, *constraints])
    else:
        hint = f"`{instances.symbol}` has no such instance"
    known = "variables: " + ", ".join(f"`{symbol}`" for symbol in symbols)
    if constraints:
        known += "; constraints: " + ", ".join(f"`{symbol}`" for symbol in constraints)
        known += " (one without decisions holds always and is left out)"
    return UnknownSymbol(None, name, decoder.size - 1, known, hint)

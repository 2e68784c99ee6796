"""What the recognisers see in a problem's rows, noted while it is compiled."""

from __future__ import annotations

from dataclasses import dataclass

from qevo_compiler.analyses.structure import Structure, recognise
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import RegisterOp
from qevo_compiler.dialects.poly import Polynomials, Vartype
from qevo_compiler.ir import Module
from qevo_compiler.passes.base import Pass
from qevo_compiler.passes.encode_variables import EncodeVariables
from qevo_compiler.report.markup import Markup, element

NOTHING = Polynomials(1, ())


@dataclass
class StructureLog:
    """An `after` hook for the driver: the structure of the hard constraints once variables are bits, else None."""

    structure: Structure | None = None

    def __call__(self, step: Pass, before: Module, result: Module) -> None:
        """Look once, after `encode-variables`. Cost: some sorts of the constraints' terms."""
        if step.name != EncodeVariables.name:
            return
        main = result.main
        registers = main.ops_of(RegisterOp)
        if not registers or any(register.vartype is not Vartype.BINARY for register in registers):
            return
        objective = main.first(poly.ObjectiveOp)
        bits = sum(register.count for register in registers)
        polynomial = NOTHING if objective is None else objective.polynomial
        self.structure = recognise(main.ops_of(poly.ConstraintOp), polynomial, bits)


def structure_section(structure: Structure) -> Markup:
    """The recognised rows, redundant rows, fixed bits, chains and components, a line each."""
    return element("ul", *(element("li", f"{line}.") for line in structure.lines()))

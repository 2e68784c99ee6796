"""A program whose products of three and more bits are annealed as they are, without their auxiliary bits.

A gadget that stands for a product freezes a single-flip annealer: a bit and the auxiliaries of all its products would
have to turn together. Without them the energy is the polynomial before quadratization; the auxiliaries are then set to
what they stand for, where the emitted model has the same energy.
"""

from __future__ import annotations

from dataclasses import dataclass

from qevo_compiler.backends.free_bits import FreeBits, Spins
from qevo_compiler.decode.projection import Projection
from qevo_compiler.dialects.ising import RegisterOp, Role
from qevo_compiler.evaluator.annealing import PolynomialModel
from qevo_compiler.ir import Module


@dataclass(frozen=True)
class ProductProgram:
    """`model` over the bits `moved.free`, and how its states become samples."""

    model: PolynomialModel
    moved: FreeBits

    def samples(self, states: Spins) -> Spins:
        """Samples [reads, spins] of the emitted model from the polynomial's own values [reads, free]."""
        return self.moved.samples(self.moved.ones(states))


def product_program(module: Module) -> ProductProgram | None:
    """None where no product was replaced."""
    registers = module.main.ops_of(RegisterOp)
    if module.find("problem") is None or not any(op.role is Role.AUXILIARY and op.count for op in registers):
        return None
    projection = Projection(module)
    moved = FreeBits(module, (Role.DECISION, Role.SLACK))
    energy = moved.over(projection.polynomial())
    return ProductProgram(PolynomialModel.of(energy, projection.vartype, len(moved.free)), moved)

"""Find bits that have one value at every feasible point; `presolve` takes them out of the model.

before: poly.constraint {symbol = "clue", a - 1 == 0}; poly.constraint {symbol = "row", a + b + c - 1 == 0}
after:  the same and ising.settled {a = 1, b = 0, c = 0}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qevo_compiler.analyses.bounds import Groups
from qevo_compiler.analyses.structure.propagation import settled_bits
from qevo_compiler.diagnostics import Diagnostics
from qevo_compiler.diagnostics.constraints import Contradiction
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import RegisterOp, SettledOp
from qevo_compiler.dialects.poly import Vartype
from qevo_compiler.ir import Array, Builder, Legal, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.limits import check_numbers
from qevo_compiler.passes.penalty.family_rows import RowOptions
from qevo_compiler.passes.penalty.penalty_rows import penalty_rows
from qevo_compiler.passes.stages import ENCODED


@dataclass(frozen=True)
class SettleBits(Pass):
    """Bounds of hard linear rows, gone through up to `rounds` times (0: not at all).

    Constraints that leave no value for a bit are warned of, and then nothing is settled.
    """

    name: ClassVar[str] = "settle-bits"
    takes: ClassVar[Legal] = ENCODED
    leaves: ClassVar[Legal] = ENCODED

    rounds: int = 50

    def run(self, module: Module, context: Context = SILENT) -> Module:
        check_numbers(self, "rounds", least=0)
        main = module.main
        registers, constraints = main.ops_of(RegisterOp), main.ops_of(poly.ConstraintOp)
        if not constraints or registers[0].vartype is Vartype.SPIN or main.first(SettledOp) is not None:
            return module
        bits = sum(register.count for register in registers)
        settled = settled_bits(constraints, bits, self.rounds)
        if settled.broken is not None:
            broken = constraints[settled.broken]
            # One whose rows are wrong by themselves is an error of the next pass.
            if not _is_wrong(broken, bits):
                alone = settled_bits((broken,), bits, self.rounds).broken is not None
                context.warn(Contradiction(broken.span, broken.symbol, alone))
            return module
        if not len(settled.bits):
            return module
        builder = Builder()
        for op in main.ops:
            builder.append(op)
        builder.append(SettledOp(Array(settled.bits), Array(settled.values)))
        return module.with_main(builder.finish())


def _is_wrong(op: poly.ConstraintOp, bits: int) -> bool:
    found = Diagnostics()
    penalty_rows(op, Groups.none(bits), RowOptions(), found)
    return bool(found.errors)

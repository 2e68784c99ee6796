"""Write `max`, `min`, `abs` and `relu` of decisions as rows, and as variables where rows alone do not do.

before: %2 = nn.extreme(%1) {which = Extreme.max}; problem.objective(%2)
after:  %2 = problem.variable() {symbol = "max1", domain = Domain.int}; %3 = nn.sub(%1, %2)
        problem.constraint(%3) {symbol = "max1_entries", relation = Relation.<=}; problem.objective(%2)

Exact where entries have a common unit; elsewhere the variable has `bits` bits, and the ledger says how far apart its
values are. A bound on a largest value is a bound on each entry, without a variable. The func `@stated` keeps the
problem without the new variables and rows, to decode and judge samples by.
"""

from __future__ import annotations

from dataclasses import dataclass

from qevo_compiler.analyses.intervals import intervals
from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn import Function
from qevo_compiler.ir import Func, Module, remove_dead
from qevo_compiler.passes.approximate_functions import ApproximateFunctions
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.bounding.atoms import atoms
from qevo_compiler.passes.bounding.split_rows import split_rows
from qevo_compiler.passes.bounding.variables import Bounding
from qevo_compiler.passes.limits import check_numbers
from qevo_compiler.passes.stages import PRIMITIVE
from qevo_compiler.passes.stated import stated

# Functions of so few values are polynomials.
_FEW = ApproximateFunctions.degree + 1


@dataclass(frozen=True)
class BoundExtremes(Pass):
    """`bits` are those of a variable for entries without a common unit."""

    name = "bound-extremes"
    takes = PRIMITIVE
    leaves = PRIMITIVE
    bits: int = 10

    def run(self, module: Module, context: Context = SILENT) -> Module:
        check_numbers(self, "bits", least=1, most=52)
        main = module.main
        if not any(map(_may_be_bounded, main.ops)) or not atoms(main, _FEW):
            return module
        main = _with_split_rows(main)
        left = atoms(main, _FEW)
        if not left:
            return module.with_main(main)
        work = Bounding(main, left, self.bits)
        lowered = module.with_main(work.run()).record(*work.ledger)
        return lowered.with_func(stated(main))


def _may_be_bounded(op: object) -> bool:
    return isinstance(op, nn.ExtremeOp) or (isinstance(op, nn.ApplyOp) and op.function in (Function.ABS, Function.RELU))


def _with_split_rows(main: Func) -> Func:
    """Extremes of extremes are split from the outside in."""
    while True:
        split = split_rows(main, atoms(main, _FEW), intervals(main))
        if split is main:
            return remove_dead(main)
        main = remove_dead(split)

"""Number the model's bits without those that a presolve eliminated.

before: ising.reduction {eliminated = [0]}; ising.qubo {linear = [0.0, 1.0, 2.0], quadratic = {(1, 2) = 3.0}}
after:  ising.reduction {eliminated = [0]}; ising.qubo {linear = [1.0, 2.0], quadratic = {(0, 1) = 3.0}}
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qevo_compiler.dialects import ising
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.ir import Array, Builder, Legal, Module, Op, Value, rewrite
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.stages import QUADRATIC


@dataclass(frozen=True)
class DropEliminated(Pass):
    """Registers keep the numbers of all bits; a model's spins are the bits that are left, in ascending order."""

    name: ClassVar[str] = "drop-eliminated"
    takes: ClassVar[Legal] = QUADRATIC
    leaves: ClassVar[Legal] = QUADRATIC

    def run(self, module: Module, context: Context = SILENT) -> Module:
        main = module.main
        reduction = main.first(ising.ReductionOp)
        if reduction is None:
            return module
        bits = sum(register.count for register in main.ops_of(ising.RegisterOp))
        kept = reduction.kept(bits)
        place = np.full(bits, -1, np.int32)
        place[kept] = np.arange(len(kept))
        models = [op for op in main.ops if isinstance(op, (ising.QuboOp, ising.ModelOp))]
        shorter = any(op.size != len(kept) for op in models)

        def rule(found: Op, builder: Builder) -> tuple[Value, ...] | None:
            if isinstance(found, ProductsOp) and shorter:
                return builder.append(found.renumbered(Array(place)))
            if not isinstance(found, (ising.QuboOp, ising.ModelOp)) or found.size == len(kept):
                return None
            rows, columns = Array(place[found.rows.values]), Array(place[found.columns.values])
            if isinstance(found, ising.QuboOp):
                return builder.append(
                    replace(found, linear=Array(found.linear.values[kept]), rows=rows, columns=columns)
                )
            return builder.append(replace(found, fields=Array(found.fields.values[kept]), rows=rows, columns=columns))

        return module.with_main(rewrite(main, rule))

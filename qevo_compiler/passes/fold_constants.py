"""Evaluate what depends on data only, and with `norms` fold eval-mode batch norm into the layer before it.

before: %0 = nn.constant() {value = f64<2>(1.0, 2.0), symbol = "w"}; %1 = nn.mul(%0, %0)
after:  %0 = nn.constant() {value = f64<2>(1.0, 4.0), symbol = ""}

Exact. In a traced model named constants (inputs, targets, buffers) stay as they are, so that the func
can still be evaluated on other data; in a program they are data and fold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qevo_compiler.dialects import nn
from qevo_compiler.evaluator.reference import apply_op
from qevo_compiler.ir import Array, Builder, Func, Legal, Module, Op, Value, remove_dead
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.batch_norms import fold_batch_norms
from qevo_compiler.passes.stages import TENSOR

_COMPUTED = (nn.PRIMITIVES | nn.LAYERS) - {nn.ConstantOp, nn.ParameterOp, nn.OutputOp}


@dataclass(frozen=True)
class FoldConstants(Pass):
    """`norms` folds batch norms, which gives other values to the parameters of two layers that are one then."""

    name: ClassVar[str] = "fold-constants"
    takes: ClassVar[Legal] = TENSOR
    leaves: ClassVar[Legal] = TENSOR

    norms: bool = False

    def run(self, module: Module, context: Context = SILENT) -> Module:
        func = fold_batch_norms(module.main) if self.norms else module.main
        return module.with_main(remove_dead(_Folding(func).run()))


class _Folding:
    """One walk over a func: values known from data are computed and only written out where needed."""

    def __init__(self, func: Func) -> None:
        self._func = func
        self._keep_named = func.first(nn.OutputOp) is not None
        self._builder = Builder(func.name)
        self._names: dict[Value, Value] = {arg: self._builder.argument(arg.type) for arg in func.arguments}
        self._values: dict[Value, Array] = {}

    def run(self) -> Func:
        known = self._known()
        if all(map(_stays, known.values())):
            return self._func
        for op in self._func.ops:
            self._builder.span = op.span
            is_known = bool(op.results) and op.result in known
            if is_known:
                self._values[op.result] = self._evaluate(op)
            if not is_known or _stays(op):
                results = self._builder.append(op.map_operands(self._name))
                self._names.update(zip(op.results, results, strict=True))
        return self._builder.finish(*map(self._name, self._func.returns))

    def _known(self) -> dict[Value, Op]:
        """The values that follow from data, by the op that computes them."""
        known: dict[Value, Op] = {}
        for op in self._func.ops:
            if isinstance(op, nn.ConstantOp):
                if not (op.symbol and self._keep_named):
                    known[op.result] = op
            elif type(op) in _COMPUTED and all(map(known.__contains__, op.operands)):
                known[op.result] = op
        return known

    def _evaluate(self, op: Op) -> Array:
        if isinstance(op, nn.ConstantOp):
            return op.value
        return Array(apply_op(op, [self._values[value].values for value in op.operands])[0])

    def _name(self, value: Value) -> Value:
        if value not in self._names:
            self._names[value] = self._builder.add(nn.ConstantOp(self._values[value]))
        return self._names[value]


def _stays(op: Op) -> bool:
    # Broadcasts stay ops: a scalar spread over a million elements need not be stored.
    return isinstance(op, nn.ConstantOp | nn.BroadcastOp)

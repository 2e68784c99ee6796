"""Models on the linear route: the traced loss with training steps to lift, exactly or as a Taylor polynomial.

`linearized` appends `problem.train`, `problem.linearize` and `problem.approximate` to the func of `import_model`;
everything after that is the route of any program. A loss that is no polynomial is refused here, by the name of the
function and its line, unless a replacement or a Taylor expansion (`jet.py`) was asked for.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qevo_compiler.analyses.hessian.masks import Mask, magnitude_mask
from qevo_compiler.diagnostics import Diagnostics
from qevo_compiler.diagnostics.resources import NotPolynomialStep
from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn import Function
from qevo_compiler.frontend.linearization import Linearization
from qevo_compiler.frontend.torch.capture import import_model
from qevo_compiler.frontend.torch.estimate import estimated_module
from qevo_compiler.frontend.torch.jet import jet_module
from qevo_compiler.frontend.torch.load import TracedModel
from qevo_compiler.frontend.torch.state import parameter_values
from qevo_compiler.ir import Array, Builder, Func, Module, Op, Value, rewrite
from qevo_compiler.passes.decompose_layers import DecomposeLayers

STAGE = "import"


def linearized(traced: TracedModel, name: str) -> Module:
    """The module of a traced model with the training that its `linearize` asks for.

    Raises `CompileError` for another optimizer than plain SGD, wrong settings, and a loss that is no polynomial.
    """
    span = traced.places.top_level("linearize")
    request = Linearization.of(traced.training, span)
    train = request.directives(traced.optimizer, traced.schedule, traced.places.top_level("optimizer"))
    if request.estimate:
        return estimated_module(traced, name, request, train)
    if request.jet:
        return jet_module(traced, name, request, train)
    module = import_model(traced, name)
    if request.density < 1:
        module = module.with_main(_pruned(module.main, magnitude_mask(parameter_values(traced), request.density)))
    _check_polynomial(module, request)
    asked = [problem.ApproximateOp(function, *stated, span=span) for function, stated in request.approximate.items()]
    main = module.main
    return module.with_main(replace(main, ops=(*main.ops, *asked, train, request.linearize_op(span))))


def _pruned(func: Func, live: dict[str, Mask]) -> Func:
    """Only live weights as parameters `NAME.live` [k]; the tensor is gathered from them, zero elsewhere."""

    def only_live(op: Op, builder: Builder) -> tuple[Value, ...] | None:
        if not isinstance(op, nn.ParameterOp):
            return None
        mask = live[op.symbol]
        if not mask.any():
            return (builder.add(nn.ConstantOp(Array(np.zeros(mask.shape)))),)
        values = np.asarray(op.value.values, np.float64)[mask]
        flat = builder.add(nn.ParameterOp(f"{op.symbol}.live", Array(values)))
        places = np.where(mask, np.cumsum(mask.reshape(-1)).reshape(mask.shape) - 1, -1)
        return (builder.add(nn.GatherOp(flat, Array(places.astype(np.int64)))),)

    return rewrite(func, only_live)


def _check_polynomial(module: Module, request: Linearization) -> None:
    """Every function between weights and loss is one that will be replaced."""
    func = DecomposeLayers().run(module).main
    trained: set[Value] = set()
    found = Diagnostics()
    for op in func.ops:
        if isinstance(op, nn.ParameterOp) or not trained.isdisjoint(op.operands):
            trained.update(op.results)
            name = _function(op, trained)
            if name and not (isinstance(op, nn.ApplyOp) and op.function in request.approximate):
                found.add(NotPolynomialStep(op.span, name))
    found.raise_if_any()


def _function(op: Op, trained: set[Value]) -> str:
    """The name of what an op of weights does that is no polynomial; empty for polynomials."""
    match op:
        case nn.ApplyOp():
            return str(Function(op.function).value)
        case nn.LogSoftmaxOp():
            return "log_softmax"
        case nn.DivOp() if op.y in trained:
            return "division"
        case nn.PowerOp() if op.exponent < 0:
            return "a negative power"
    return ""

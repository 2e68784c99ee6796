"""Import a PyTorch model: one tensor func from parameters and data to the loss.

`torch.export` captures `loss(model(inputs), targets)` of a copy in double precision and evaluation
mode, and lowers it to core ATen; importers, registered by family of operations, translate that into
`nn` ops. Trainable parameters become `nn.parameter` with the names of the state dict, everything
else is data. Attention is captured in its mathematical form: the fused kernels of PyTorch have a
decomposition whose gradient is wrong. Every import ends with a check of its gradient (`check.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor
from torch.export.graph_signature import InputKind
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._pytree import tree_leaves

from qevo_compiler.diagnostics import CompileError, Diagnostic
from qevo_compiler.diagnostics.torch.models import (
    CaptureFailed,
    DynamicShape,
    LossNotScalar,
    LossReadsModel,
    MutatedBuffers,
    NonFiniteTensor,
    NoParameters,
)
from qevo_compiler.dialects import nn, problem
from qevo_compiler.frontend.torch.check import check_gradient
from qevo_compiler.frontend.torch.guard import exactly, silenced
from qevo_compiler.frontend.torch.load import TracedModel
from qevo_compiler.frontend.torch.scope import Operand, Scope
from qevo_compiler.frontend.torch.translate import Translator
from qevo_compiler.frontend.torch.userfile import first_line, innermost
from qevo_compiler.ir import Array, Builder, Func, Module, Value, remove_dead

# Kept whole: a linear layer is asked for its inputs, and these functions have ops of their own.
_KEPT = ("linear", "silu", "leaky_relu", "softplus", "hardtanh", "_safe_softmax", "detach", "logsumexp", "logaddexp")


def import_model(traced: TracedModel, name: str, check: bool = True) -> Module:
    """The module of a traced model: `@main` at the tensor stage, layers whole.

    Its ops are `nn.parameter` a trainable parameter in the order of the state dict, `nn.constant` for
    data (`inputs`, `targets`, buffers and derived values), `nn.output` on what the model returns, and
    `problem.objective` on the loss. `check` compares loss and gradient with eager autograd.
    Raises `CompileError`, with every unsupported operation at once.
    """
    with exactly():
        program = export(traced)
        _refuse_mutations(program, traced)
        func = _translate(program, traced)
        module = Module(name, (func,))
        if check:
            check_gradient(module, traced)
    return module


def export(traced: TracedModel) -> torch.export.ExportedProgram:
    """The exported program in core ATen, gradients not yet taken."""
    whole, parts = traced.whole, traced.batch.parts
    try:
        _refuse_loss(whole(*parts)[1], traced)
        with silenced(), sdpa_kernel(SDPBackend.MATH):
            program: torch.export.ExportedProgram = torch.export.export(whole, parts)
            program = program.run_decompositions(_decompositions())
    except CompileError:
        raise
    except Exception as error:
        raise CompileError(_failure(error, traced)) from error
    return program


def _decompositions() -> Any:
    table: Any = torch.export.default_decompositions()
    for name in _KEPT:
        packet = getattr(torch.ops.aten, name, None)
        for overload in () if packet is None else packet.overloads():
            table.pop(getattr(packet, overload), None)
    return table


def _failure(error: Exception, traced: TracedModel) -> Diagnostic:
    errors = _chain(error)
    spans = [span for e in errors if (span := innermost(e.__traceback__, traced.sources))]
    span, reason = (spans[-1] if spans else None), first_line(error)
    if "data-dependent" in str(error) or any("DataDependent" in type(e).__name__ for e in errors):
        return DynamicShape(span, "" if span else f"{type(error).__name__}: {reason}")
    if "target" in reason and "Long" in reason:
        span, reason = traced.places.top_level("targets"), f"{reason}: `targets.long()`"
    return CaptureFailed(span, "the model and its loss", type(error).__name__, reason, "" if span else reason)


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _refuse_loss(loss: Any, traced: TracedModel) -> None:
    span = traced.places.top_level("loss")
    if not isinstance(loss, Tensor):
        raise CompileError(LossNotScalar(span, f"a `{type(loss).__name__}`"))
    if loss.numel() != 1 or not loss.is_floating_point():
        raise CompileError(LossNotScalar(span, f"a tensor of shape {list(loss.shape)} and type {loss.dtype}"))
    if not bool(torch.isfinite(loss).all()):
        raise CompileError(NonFiniteTensor(span, "loss", 1, 1, "[]"))
    known = {id(p) for p in traced.parameters().values()}
    if any(id(tensor) not in known for tensor in _trained(loss)):
        raise CompileError(LossReadsModel(span))


def _trained(result: Tensor) -> list[Tensor]:
    """The tensors that a result could be differentiated with respect to: the leaves of its recorded graph."""
    waiting, seen, found = [result.grad_fn], set(), []
    while waiting:
        step = waiting.pop()
        if step is None or step in seen:
            continue
        seen.add(step)
        if hasattr(step, "variable"):
            found.append(step.variable)
        waiting += [before for before, _ in step.next_functions]
    return found


def _refuse_mutations(program: torch.export.ExportedProgram, traced: TracedModel) -> None:
    signature = program.graph_signature
    changed = [name.removeprefix("model.") for name in signature.buffers_to_mutate.values()]
    changed += ["inputs"] if signature.user_inputs_to_mutate else []
    if changed:
        listed = ", ".join(f"`{name}`" for name in sorted(changed))
        raise CompileError(MutatedBuffers(traced.places.top_level("model"), listed))


def _translate(program: torch.export.ExportedProgram, traced: TracedModel) -> Func:
    scope = Scope(Builder())
    known = _placeholders(program, scope, traced)
    results = program.graph_signature.user_outputs
    translator = Translator(scope, traced.places, known, outputs=frozenset(map(str, results[:-1])))
    with torch.no_grad():
        translator.run(program.graph)
    loss = translator.environment[str(results[-1])]
    if not isinstance(loss, Value):
        raise CompileError(NoParameters(traced.places.top_level("loss")))
    scope.builder.append(problem.ObjectiveOp(scope.reshape(loss, ())))
    return remove_dead(scope.builder.finish())


def _placeholders(
    program: torch.export.ExportedProgram, scope: Scope, traced: TracedModel
) -> Mapping[str, Operand | None]:
    """What every input of the graph is: a parameter's value, or data under its name in the source."""
    used = {node.name for node in program.graph.nodes if node.op == "placeholder" and node.users}
    symbols = _trainable(traced)
    parameters = _parameters(program, scope, traced, used)
    symbol_of = {id(tensor): symbol for symbol, tensor in traced.batch.named.items()}
    batch = iter(tree_leaves(traced.batch.parts))
    found: dict[str, Operand | None] = {}
    for spec in program.graph_signature.input_specs:
        name = spec.arg.name
        if spec.kind is InputKind.USER_INPUT:
            found[name] = tensor = next(batch)
            scope.name(tensor, symbol_of[id(tensor)])
        elif name in used and spec.target in symbols:
            found[name] = parameters[symbols[spec.target]]
        elif name in used and spec.kind is not InputKind.TOKEN:
            found[name] = stored = _stored(program, str(spec.target))
            scope.name(stored, str(spec.target).removeprefix("model."))
    return found


def _parameters(
    program: torch.export.ExportedProgram, scope: Scope, traced: TracedModel, used: set[str]
) -> dict[str, Value]:
    """The values of the parameters that the graph uses, by symbol, in the model's order."""
    symbols = _trainable(traced)
    specs = program.graph_signature.input_specs
    wanted = {symbols[str(spec.target)] for spec in specs if spec.target in symbols and spec.arg.name in used}
    return {
        name: scope.add(nn.ParameterOp(name, Array(tensor.detach().clone().numpy())))
        for name, tensor in traced.parameters().items()
        if name in wanted
    }


def _trainable(traced: TracedModel) -> dict[str, str]:
    """The symbol of a trainable parameter by each of its names in model and loss: a shared one has several."""
    symbols = {id(p): name for name, p in traced.parameters().items()}
    named = traced.whole.named_parameters(remove_duplicate=False)
    return {name: symbols[id(p)] for name, p in named if id(p) in symbols}


def _stored(program: torch.export.ExportedProgram, name: str) -> Tensor:
    found = program.state_dict.get(name)
    return cast(Tensor, program.constants[name] if found is None else found)

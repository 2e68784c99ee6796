"""Walk an exported graph node by node and have each operation imported.

Operations on data alone are computed at once with torch; the others go to the importer registered for
them. What has none is noted and the walk goes on, so that one run reports every unsupported operation.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from qevo_compiler.diagnostics import Diagnostics, InternalError
from qevo_compiler.diagnostics.torch.models import DynamicShape, RandomOp, TrainingBatchNorm, UnsupportedOp
from qevo_compiler.dialects import nn
from qevo_compiler.frontend.torch import importers  # noqa: F401  registers the importers
from qevo_compiler.frontend.torch.importers.layers import BatchStatistics
from qevo_compiler.frontend.torch.places import Places
from qevo_compiler.frontend.torch.scope import IMPORTERS, Operand, Scope, Unsupported, shape
from qevo_compiler.ir import TensorType, Value
from qevo_compiler.source import Span

_SUPPORTED = (
    "supported are linear and convolutional layers, batch and layer norm, average and max pooling, arithmetic, "
    "whole powers, relu, gelu, silu, tanh, sigmoid, exp, log, sqrt, softmax, sums, means, products, maxima, "
    "comparisons, matrix products, layout changes, indexing by data"
)
_NO_COUNTERPART = "this has no counterpart in the compiler"
_HINTS = {
    "sort": "use arithmetic that does not order values",
    "topk": "use arithmetic that does not order values",
    "eq": "use `relu` or arithmetic instead of testing values for equality",
    "ne": "use `relu` or arithmetic instead of testing values for equality",
    "sin": "use a polynomial, `tanh` or `sigmoid`; of data alone any function may be taken",
    "cos": "use a polynomial, `tanh` or `sigmoid`; of data alone any function may be taken",
    "atan": "use `tanh` or `sigmoid`",
    "round": "use `sign` or comparisons, or round the weights with `--task=round`",
    "floor": "use `sign` or comparisons, or round the weights with `--task=round`",
    "cdist": "write the distances out: `((x[:, None] - y) ** 2).sum(-1).sqrt()`",
    "scatter_add": "use a product with a matrix of zeros and ones that says what is added where",
    "upsample": "use `nn.Upsample` in its mode `nearest`",
    "convolution": "use one- or two-dimensional convolutions",
}
_GENERAL_HINT = "write it with supported operations, or compute it outside of the model if it depends on data alone"


class Translator:
    """The walk over one graph. `environment` maps names of nodes to operands, tuples of them or None."""

    def __init__(
        self, scope: Scope, places: Places, known: Mapping[str, Operand | None], outputs: frozenset[str]
    ) -> None:
        self.environment: dict[str, Any] = dict(known)
        self._scope = scope
        self._places = places
        self._outputs = outputs
        self._found = Diagnostics()
        self._poisoned: set[Value] = set()

    def run(self, graph: torch.fx.Graph) -> None:
        """Translate every operation; raises `CompileError` with all those that are not supported."""
        for node in graph.nodes:
            if node.op == "call_function":
                result = self._call(node)
                self.environment[node.name] = result
            result = self.environment.get(node.name)
            if node.name in self._outputs and isinstance(result, Value):
                self._scope.builder.append(nn.OutputOp(result))
        self._found.raise_if_any()

    def _call(self, node: torch.fx.Node) -> Any:
        arguments: Any = torch.fx.map_arg(node.args, self._operand)
        options: Any = torch.fx.map_arg(node.kwargs, self._operand)
        span = self._places.of_node(node)
        self._scope.builder.span = span
        if node.target is operator.getitem:
            return arguments[0][arguments[1]]
        callee: Any = node.target
        if _is_symbolic(node):
            self._found.add(DynamicShape(span, "a shape or a number here is only known at run time"))
            return self._poison(node)
        if not _returns(callee):
            return None
        if callee is torch.ops.higher_order.with_effects:
            return self._poison(node)  # a check of values, which has no result
        if torch.Tag.nondeterministic_seeded in getattr(callee, "tags", ()) and _overload(callee) not in IMPORTERS:
            self._found.add(RandomOp(span, _written(callee)))
            return self._poison(node)
        if not any(isinstance(leaf, Value) for leaf in _leaves((arguments, options))):
            return callee(*arguments, **options)
        return self._import(node, callee, arguments, options, span)

    def _operand(self, node: torch.fx.Node) -> Any:
        return self.environment.get(node.name)

    def _import(self, node: torch.fx.Node, callee: Any, arguments: Any, options: Any, span: Span | None) -> Any:
        importer = IMPORTERS.get(_overload(callee))
        if importer is None:
            self._refuse(callee, span, _NO_COUNTERPART, "")
            return self._poison(node)
        try:
            result = importer(self._scope, *arguments, **options)
        except BatchStatistics:
            self._found.add(TrainingBatchNorm(span))
            return self._poison(node)
        except Unsupported as error:
            # What follows from an operation that was refused before is not worth a message of its own.
            if not any(isinstance(leaf, Value) and leaf in self._poisoned for leaf in _leaves((arguments, options))):
                self._refuse(callee, span, error.reason, error.hint)
            return self._poison(node)
        _check_shape(node, result)
        return result

    def _refuse(self, callee: Any, span: Span | None, reason: str, hint: str) -> None:
        written = _written(callee)
        hints = (text for stem, text in _HINTS.items() if written.startswith(stem))
        supported = "" if self._found.errors else _SUPPORTED
        self._found.add(UnsupportedOp(span, written, reason, supported, hint or next(hints, _GENERAL_HINT)))

    def _poison(self, node: torch.fx.Node) -> Any:
        """Stand-ins of the right shapes, so that the walk can go on; the func is never used."""
        made = node.meta.get("val")
        if isinstance(made, (tuple, list)):
            return tuple(self._stand_in(part) for part in made)
        return self._stand_in(made)

    def _stand_in(self, made: Any) -> Value | None:
        if not isinstance(made, Tensor):
            return None
        sizes = tuple(n if isinstance(n, int) else 1 for n in made.shape)
        value = self._scope.builder.argument(TensorType(sizes))
        self._poisoned.add(value)
        return value


def _overload(callee: Any) -> str:
    return str(callee).removeprefix("aten.")


def _leaves(item: Any) -> Iterator[Any]:
    """What an operation's arguments hold, lists and the like taken apart."""
    if isinstance(item, (tuple, list)):
        for part in item:
            yield from _leaves(part)
    elif isinstance(item, dict):
        yield from _leaves(tuple(item.values()))
    else:
        yield item


def _written(callee: Any) -> str:
    """The name of an ATen overload as a user knows it."""
    name = str(callee).removeprefix("aten.").partition(".")[0].lstrip("_")
    return name.removeprefix("native_").removeprefix("linalg_").removesuffix("_with_indices")


def _returns(callee: Any) -> bool:
    """Whether an operation has a result; assertions about types and ranges have none."""
    schema = getattr(callee, "_schema", None)
    return schema is None or bool(schema.returns)


def _is_symbolic(node: torch.fx.Node) -> bool:
    made = node.meta.get("val")
    parts = made if isinstance(made, (tuple, list)) else (made,)
    sizes = [n for part in parts for n in (part.shape if isinstance(part, Tensor) else [part])]
    return any(isinstance(n, (torch.SymInt, torch.SymFloat, torch.SymBool)) for n in sizes)


def _check_shape(node: torch.fx.Node, result: Any) -> None:
    made = node.meta.get("val")
    if isinstance(made, Tensor) and shape(result) != tuple(made.shape):
        raise InternalError(f"{node.target} was imported with shape {shape(result)}, not {tuple(made.shape)}")

"""What a loss is taken over: the arguments that a model is called with, and the targets, in the user's own structure.

Tensors may stand alone or in tuples, lists and dictionaries, nested as forward and the loss take them. A symbol says
where one stands: `inputs`, `inputs.1`, `inputs.mask`, `targets`, `targets.boxes`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Batch:
    """`arguments` and `keywords` of the model's forward, and the `targets` that the loss gets."""

    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    targets: Any

    @staticmethod
    def of(model: torch.nn.Module, inputs: Any, targets: Any) -> Batch:
        """The batch of `inputs` and `targets` as users give them.

        A tuple or list holds the arguments one by one. A dictionary holds keyword arguments, unless forward does not
        take its keys: then it is the only argument.
        """
        if isinstance(inputs, Mapping):
            return Batch((), dict(inputs), targets) if _takes(model, inputs) else Batch((inputs,), {}, targets)
        arguments = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
        return Batch(arguments, {}, targets)

    @property
    def parts(self) -> tuple[tuple[Any, ...], Mapping[str, Any], Any]:
        """What a `Whole` is called with."""
        return self.arguments, self.keywords, self.targets

    @property
    def named(self) -> dict[str, Tensor]:
        """Every tensor by its symbol: those of the arguments, of the keywords and of the targets."""
        alone = self.arguments[0] if len(self.arguments) == 1 else self.arguments
        parts = (("inputs", alone), ("inputs", self.keywords), ("targets", self.targets))
        return {symbol: tensor for name, part in parts for symbol, tensor in _leaves(part, name)}

    @property
    def rows(self) -> int:
        """Samples: the length of the (first) target, 1 where it has no axes."""
        first = next((tensor for _, tensor in _leaves(self.targets, "targets")), torch.zeros(()))
        return len(first) if first.dim() else 1

    def mapped(self, function: Callable[[Tensor], Tensor]) -> Batch:
        """The same structure with other tensors."""
        arguments, keywords, targets = (_mapped(part, function) for part in self.parts)
        return Batch(arguments, keywords, targets)

    def chosen(self, rows: Tensor) -> Batch:
        """Some samples. A tensor of another length is no sequence of samples and stays whole."""
        count = self.rows
        return self.mapped(lambda part: part[rows] if part.dim() and len(part) == count else part)

    def exact(self) -> Batch:
        """Copies on the CPU; reals in double precision, integers as they are."""
        return self.mapped(_exact)


def is_structure(value: Any) -> bool:
    """Whether a value is a real tensor, or tuples, lists and dictionaries by words of such, at least one."""
    if isinstance(value, Tensor):
        return not value.is_complex()
    if isinstance(value, Mapping):
        return bool(value) and all(isinstance(key, str) and is_structure(part) for key, part in value.items())
    return isinstance(value, (tuple, list)) and bool(value) and all(map(is_structure, value))


def _takes(model: torch.nn.Module, keywords: Mapping[str, Any]) -> bool:
    try:
        inspect.signature(model.forward).bind(**keywords)
    except TypeError:
        return False
    return True


def _exact(tensor: Tensor) -> Tensor:
    plain = tensor.detach().cpu().clone()
    return plain.double() if plain.is_floating_point() else plain


def _leaves(part: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(part, Tensor):
        yield name, part
        return
    for key, inner in part.items() if isinstance(part, Mapping) else enumerate(part):
        yield from _leaves(inner, f"{name}.{key}")


def _mapped(part: Any, function: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(part, Tensor):
        return function(part)
    if isinstance(part, Mapping):
        return {key: _mapped(inner, function) for key, inner in part.items()}
    inner = [_mapped(one, function) for one in part]
    if hasattr(part, "_fields"):
        return type(part)(*inner)
    return tuple(inner) if isinstance(part, tuple) else inner

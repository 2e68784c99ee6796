"""A model and its loss as one module: what is captured, checked, evaluated and trained.

A loss may read the model's parameters by itself, as a regulariser does: while it runs, the user's own model holds
the parameters that the copy is evaluated at. Afterwards it is as it was.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from qevo_compiler.frontend.torch.batch import Batch

Loss = Callable[[Any, Any], Tensor]


class Whole(torch.nn.Module):
    """Copies of a model and its loss in double precision and evaluation mode, on the CPU or another device.

    The names of the model's parameters and buffers are those of the model after `model.`.
    """

    def __init__(self, model: torch.nn.Module, loss: Loss, device: str | torch.device = "cpu") -> None:
        super().__init__()
        # Copied together: a loss that is a module may hold the model.
        self.model, loss = copy.deepcopy((model, loss)) if isinstance(loss, torch.nn.Module) else (_copy(model), loss)
        self.loss = loss
        # In a tuple, so that it is no part of this module.
        self._users = (model,)
        self.to(device=device, dtype=torch.float64).eval()

    def forward(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any], targets: Any) -> tuple[Any, Tensor]:
        """What the model returns, and the loss; the arguments are the parts of a `Batch`."""
        outputs = self.model(*arguments, **keywords)
        with _standing_in(self._users[0], self.model):
            return outputs, self.loss(outputs, targets)

    def at(self, weights: Mapping[str, Tensor], batch: Batch) -> tuple[Any, Tensor]:
        """The same with `weights` (parameters and buffers by name) in place of some; the loss without axes."""
        own = {**dict(self.model.named_parameters()), **dict(self.model.named_buffers())}
        new = {id(own[name]): tensor for name, tensor in weights.items()}
        # Every place of a shared tensor once: torch's own rule for ties visits a module twice that stands at two paths.
        places = {place: new[id(tensor)] for place, tensor in self._places() if id(tensor) in new}
        outputs, loss = functional_call(self, places, batch.parts, tie_weights=False)
        return outputs, loss.reshape(())

    def _places(self) -> Iterator[tuple[str, Tensor]]:
        """Each module's own tensors by one path."""
        for path, module in self.named_modules():
            for name, tensor in {**module._parameters, **module._buffers}.items():
                if tensor is not None:
                    yield f"{path}.{name}", tensor


def _copy(model: torch.nn.Module) -> torch.nn.Module:
    copied: torch.nn.Module = copy.deepcopy(model)
    return copied


@contextmanager
def _standing_in(users: torch.nn.Module, own: torch.nn.Module) -> Iterator[None]:
    """The parameters and buffers of `own`, a copy, in the user's module as long as the body runs."""
    # By path: torch's exporter may put two modules in the place of one that stands at two paths.
    others = dict(own.named_modules(remove_duplicate=False))
    kept = [(path, module, module._parameters, module._buffers) for path, module in users.named_modules()]
    try:
        for path, module, _, _ in kept:
            other = others[path]
            module.__dict__["_parameters"], module.__dict__["_buffers"] = other._parameters, other._buffers
        yield
    finally:
        for _, module, parameters, buffers in kept:
            module.__dict__["_parameters"], module.__dict__["_buffers"] = parameters, buffers

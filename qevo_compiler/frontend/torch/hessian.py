"""Products with the Hessian of a model's loss, by double backward, on the CPU or another device.

The loss is that of the traced batch in double precision and evaluation mode. Attention is taken in its mathematical
form: the fused kernels have no second derivative.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.attention import SDPBackend, sdpa_kernel

from qevo_compiler.analyses.hessian import Spectrum, stochastic_lanczos
from qevo_compiler.analyses.hessian.masks import Mask
from qevo_compiler.frontend.torch.guard import exactly
from qevo_compiler.frontend.torch.load import TracedModel
from qevo_compiler.frontend.torch.whole import Whole

Floats = NDArray[np.float64]


class HessianProduct:
    """v -> H v over the live coordinates of the trainable parameters, flat in the order of the state dict.

    `values` are parameters by symbol in place of the model's; `live` masks by symbol (None: all live). The gradient's
    graph is built once and kept, so a product costs one backward pass. `device` is torch's name of one.
    """

    def __init__(
        self,
        traced: TracedModel,
        values: Mapping[str, Floats] | None = None,
        live: Mapping[str, Mask] | None = None,
        device: str = "cpu",
    ) -> None:
        self._device = torch.device(device)
        whole = traced.whole if self._device.type == "cpu" else Whole(traced.model, traced.loss, self._device)
        batch = traced.batch.mapped(lambda part: part.to(self._device))
        given = values or {}
        self._parameters = {
            name: torch.as_tensor(np.array(given.get(name, p.detach().numpy())), dtype=torch.float64)
            .to(self._device)
            .requires_grad_()
            for name, p in traced.parameters().items()
        }
        masks = [np.ones(p.shape, bool) if live is None else live[n] for n, p in self._parameters.items()]
        self._chosen = np.flatnonzero(np.concatenate([mask.reshape(-1) for mask in masks]))
        with exactly(), torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            self._loss = whole.at(self._parameters, batch)[1]
            slopes = torch.autograd.grad(self._loss, list(self._parameters.values()), create_graph=True)
        self._slope = torch.cat([slope.reshape(-1) for slope in slopes])

    @property
    def size(self) -> int:
        """How many coordinates are live."""
        return len(self._chosen)

    @property
    def gradient(self) -> Floats:
        """The gradient over the live coordinates."""
        return np.array(self._slope.detach().cpu().numpy()[self._chosen])

    def __call__(self, vector: Floats) -> Floats:
        """H v for v [size]."""
        whole = np.zeros(self._slope.numel())
        whole[self._chosen] = vector
        with exactly(), sdpa_kernel(SDPBackend.MATH):
            found = torch.autograd.grad(
                self._slope,
                list(self._parameters.values()),
                torch.from_numpy(whole).to(self._device),
                retain_graph=True,
                materialize_grads=True,
            )
        flat = torch.cat([part.reshape(-1) for part in found]).detach().cpu().numpy()
        return np.array(flat[self._chosen])


def model_spectrum(
    traced: TracedModel,
    values: Mapping[str, Floats] | None = None,
    live: Mapping[str, Mask] | None = None,
    probes: int = 4,
    steps: int = 100,
    seed: int = 0,
    device: str = "cpu",
) -> Spectrum:
    """The spectrum of the loss's Hessian over the live weights by stochastic Lanczos quadrature."""
    product = HessianProduct(traced, values, live, device)
    return stochastic_lanczos(product, product.size, probes, steps, seed)

"""Which layers of a model in training mode would do something else in evaluation mode, the mode of a compilation."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

_SHOWN = 4


def mode_dependent(model: nn.Module) -> str:
    """The layers in training mode that evaluation mode changes, by kind and path; empty where there are none.

    A forward that asks `self.training` by itself is not seen.
    """
    found: dict[str, list[str]] = {}
    for path, module in model.named_modules():
        effect = _effect(module) if module.training else ""
        if effect:
            found.setdefault(effect, []).append(path or "the model itself")
    return "; ".join(f"{effect}: {_listed(paths)}" for effect, paths in found.items())


def _effect(module: nn.Module) -> str:
    """What evaluation mode changes in a module of torch."""
    match module:
        case _DropoutNd() if module.p > 0:
            return "dropout is off"
        case nn.RNNBase() | nn.MultiheadAttention() if module.dropout > 0:
            return "dropout is off"
        case _NormBase() if module.track_running_stats:
            return "stored statistics in place of the batch's"
        case nn.RReLU():
            return "the mean slope in place of random ones"
    return ""


def _listed(paths: list[str]) -> str:
    shown = ", ".join(f"`{path}`" for path in paths[:_SHOWN])
    return shown if len(paths) <= _SHOWN else f"{shown} and {len(paths) - _SHOWN} more"

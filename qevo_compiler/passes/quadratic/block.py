"""Blocks of weights: elements of a func's parameters, numbered through all parameters in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.model import BlockTooLarge, UnknownWeight
from qevo_compiler.dialects import nn
from qevo_compiler.ir import Func

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
AUTO = "auto"


@dataclass(frozen=True)
class Weights:
    """All weights of a func as one vector: parameter k holds the elements `starts[k] .. starts[k + 1]`."""

    parameters: tuple[nn.ParameterOp, ...]
    starts: Ints

    @staticmethod
    def of(func: Func) -> Weights:
        parameters = func.ops_of(nn.ParameterOp)
        sizes = [op.value.size for op in parameters]
        return Weights(parameters, np.cumsum([0, *sizes], dtype=np.int64))

    @property
    def size(self) -> int:
        return int(self.starts[-1])

    def values(self) -> Floats:
        """The present values of all weights."""
        return flatten([op.value.values for op in self.parameters])

    def per_weight(self, numbers: Sequence[float]) -> Floats:
        """One number a parameter, repeated for each of its weights."""
        return np.repeat(np.asarray(numbers, np.float64), np.diff(self.starts))

    def split(self, block: Ints) -> Iterator[tuple[nn.ParameterOp, slice, Ints]]:
        """For each parameter that the ascending `block` touches: its part of the block, and flat positions in it."""
        ends = np.searchsorted(block, self.starts)
        for op, first, start, stop in zip(self.parameters, self.starts, ends, ends[1:], strict=False):
            if stop > start:
                yield op, slice(int(start), int(stop)), block[start:stop] - first

    def directions(self, block: Ints) -> dict[str, Floats]:
        """Unit tangents of the weights of `block`, by symbol: arrays [len(block), *shape]."""
        found = {}
        for op, part, positions in self.split(block):
            tangent = np.zeros((len(block), op.value.size))
            tangent[np.arange(part.start, part.stop), positions] = 1.0
            found[op.symbol] = tangent.reshape(len(block), *op.value.shape)
        return found

    def moved(self, block: Ints, values: Floats) -> dict[str, Floats]:
        """The parameters that `block` touches, with `values` in the block's places."""
        found = {}
        for op, part, positions in self.split(block):
            changed = op.value.values.astype(np.float64).reshape(-1)
            changed[positions] = values[part]
            found[op.symbol] = changed.reshape(op.value.shape)
        return found

    def named(self, names: str) -> Ints:
        """The weights that an option such as `layers.0:layers.2.bias` names; all of them for `auto`.

        A name is a whole symbol or a prefix of whole parts. Raises `CompileError` with one
        `UnknownWeight` for each name that fits no symbol.
        """
        if names == AUTO:
            return np.arange(self.size)
        wanted = [name.strip() for name in names.replace(",", ":").split(":") if name.strip()]
        if unknown := [name for name in wanted if not any(_fits(op.symbol, name) for op in self.parameters)]:
            raise CompileError(*map(self._unknown, unknown))
        chosen = [any(_fits(op.symbol, name) for name in wanted) for op in self.parameters]
        return np.flatnonzero(self.per_weight(chosen))

    def _unknown(self, name: str) -> UnknownWeight:
        symbols = [op.symbol for op in self.parameters]
        layers = [symbol.rpartition(".")[0] for symbol in symbols if "." in symbol]
        known = ", ".join(f"`{symbol}`" for symbol in symbols[:8]) + (", ..." if len(symbols) > 8 else "")
        return UnknownWeight(None, name, did_you_mean(name, [*symbols, *layers]), known)


def flatten(arrays: Sequence[NDArray[np.generic]]) -> Floats:
    """All elements of all arrays in turn."""
    return np.concatenate([*(np.asarray(array, np.float64).reshape(-1) for array in arrays), np.zeros(0)])


def best(block: Ints, scores: Floats, costs: Ints, budget: int, count: int | None) -> Ints:
    """The first weights of `block` by descending score whose bits fit `budget`, at most `count`; ascending.

    Equal scores keep the order of declaration.
    """
    order = np.argsort(-scores, kind="stable")
    fits = int(np.searchsorted(np.cumsum(costs[order]), budget, side="right"))
    return np.sort(block[order[: fits if count is None else min(fits, count)]])


def check_capacity(bits: Ints, capacity: int) -> None:
    """Raise `CompileError` (`BlockTooLarge`) when weights at `bits` bits each need more than `capacity`."""
    spins = int(bits.sum())
    if spins > capacity:
        fits = int(np.searchsorted(np.cumsum(np.sort(bits)), capacity, side="right"))
        raise CompileError(BlockTooLarge(None, len(bits), spins, capacity, fits))


def _fits(symbol: str, name: str) -> bool:
    return symbol == name or symbol.startswith(f"{name}.")

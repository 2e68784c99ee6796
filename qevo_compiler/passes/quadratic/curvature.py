"""Second derivatives of a loss over a block of weights, by batched Jacobian-vector products.

gauss_newton: with z(w) what `nn.output` marks and L(z, w) the loss after it (w occurs in L directly
    where a penalty on the weights is part of it), the matrix is
        [J; I]^T (second derivative of L in (z, w)) [J; I],   J = dz/dw.
    It leaves out only the term that has the second derivative of z, is positive semidefinite when L
    is convex, and is the whole Hessian for a loss without a marked output. The second derivative of L is
    exact: L is differentiated as a func of its own whose argument is z.
hessian: Jacobian-vector products of the gradient.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import nn
from qevo_compiler.evaluator.forward import batched_jvp
from qevo_compiler.evaluator.reference import run_func
from qevo_compiler.ir import Builder, Func, Value
from qevo_compiler.passes.gradient import ancestors, differentiate
from qevo_compiler.passes.quadratic.block import Ints, Weights

Floats = NDArray[np.float64]
# Unit tangents of a chunk and what they become are dense, so wide tensors take fewer at a time.
_CHUNK_NUMBERS = 1 << 23


class Curvature(Enum):
    """Which matrix stands for the second derivative of the loss."""

    GAUSS_NEWTON = "gauss_newton"
    HESSIAN = "hessian"


class SecondOrder(ABC):
    """A symmetric matrix over all weights of a func, of which blocks and diagonals can be had."""

    weights: Weights

    @abstractmethod
    def matrix(self, block: Ints) -> Floats:
        """The block [m, m] for the ascending weights `block`."""

    @abstractmethod
    def diagonal(self, block: Ints) -> Floats:
        """The diagonal elements [m]. Work: m Jacobian-vector products of what `matrix` uses."""


def _chunks(count: int, width: int) -> Iterator[slice]:
    """`count` rows in slices, so that a slice of rows of `width` numbers stays small."""
    size = max(1, _CHUNK_NUMBERS // max(1, width))
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


@dataclass(frozen=True)
class Hessian(SecondOrder):
    """Of the func whose gradient is `gradient` (returns: value, then one derivative a parameter)."""

    weights: Weights
    gradient: Func
    known: Mapping[Value, Floats]

    @staticmethod
    def of(weights: Weights, gradient: Func) -> Hessian:
        return Hessian(weights, gradient, run_func(gradient))

    def matrix(self, block: Ints) -> Floats:
        rows = [self._rows(block[part], block) for part in _chunks(len(block), self.weights.size)]
        return _symmetric(np.concatenate(rows))

    def diagonal(self, block: Ints) -> Floats:
        found = [np.diagonal(self._rows(block[part], block[part])) for part in _chunks(len(block), self.weights.size)]
        return np.concatenate([*found, np.zeros(0)])

    def _rows(self, some: Ints, block: Ints) -> Floats:
        """Rows `some`, columns `block` of the Hessian."""
        returns = dict(zip((op.symbol for op in self.weights.parameters), self.gradient.returns[1:], strict=True))
        touched = list(self.weights.split(block))
        outputs = [returns[op.symbol] for op, _, _ in touched]
        products = batched_jvp(self.gradient, self.weights.directions(some), outputs, known=self.known)
        columns = (p.reshape(len(some), -1)[:, at] for p, (_, _, at) in zip(products, touched, strict=True))
        return np.concatenate(list(columns), axis=1)


@dataclass(frozen=True)
class GaussNewton(SecondOrder):
    """`inner` computes z from the weights; `outer` takes z and returns L and its derivatives in z, then in `direct`.

    `known` are the values of `inner`, `point` those of every z, `outer_known` those of `outer` there;
    `direct` are the symbols of the weights that L has beside z.
    `matrix` keeps the products J v of the whole block: 8 m |z| bytes.
    """

    weights: Weights
    inner: Func
    outputs: tuple[Value, ...]
    outer: Func
    direct: tuple[str, ...]
    point: tuple[Floats, ...]
    known: Mapping[Value, Floats]
    outer_known: Mapping[Value, Floats]

    @staticmethod
    def of(func: Func, objective: Value) -> GaussNewton:
        """The products of `objective`, cut at the model's outputs, at the parameters' present values."""
        outputs = tuple(dict.fromkeys(op.x for op in func.ops_of(nn.OutputOp)))
        cut, loss = _loss_of_outputs(func, outputs, objective)
        used = ancestors(cut, loss)
        direct = [op for op in cut.ops_of(nn.ParameterOp) if op.result in used]
        outer = differentiate(cut, loss, [*cut.arguments, *(op.result for op in direct)], "outer")
        known = run_func(func)
        point = tuple(known[value] for value in outputs)
        symbols = tuple(op.symbol for op in direct)
        return GaussNewton(Weights.of(func), func, outputs, outer, symbols, point, known, run_func(outer, point))

    def matrix(self, block: Ints) -> Floats:
        """The Gauss-Newton matrix [k, k] over the k weights of a block."""
        left = np.empty((len(block), self._width))
        for part in self._chunks(block):
            left[part] = self._moved(block[part])
        found = np.empty((len(block), len(block)))
        for part in self._chunks(block):
            curved, direct = self._curved(block[part], left[part])
            found[part] = curved @ left.T + self._columns(direct, block)
        return _symmetric(found)

    def diagonal(self, block: Ints) -> Floats:
        """The diagonal [k] of `matrix`, without the rest of it."""
        found = np.empty(len(block))
        for part in self._chunks(block):
            moved = self._moved(block[part])
            curved, direct = self._curved(block[part], moved)
            found[part] = np.einsum("kz,kz->k", curved, moved) + np.diagonal(self._columns(direct, block[part]))
        return found

    @property
    def _width(self) -> int:
        return sum(z.size for z in self.point)

    def _chunks(self, block: Ints) -> Iterator[slice]:
        return _chunks(len(block), max(self.weights.size, self._width))

    def _moved(self, some: Ints) -> Floats:
        """J v for the unit tangents v of `some`: [k, |z|]."""
        directions = self.weights.directions(some)
        return _joined(batched_jvp(self.inner, directions, self.outputs, known=self.known), len(some))

    def _curved(self, some: Ints, moved: Floats) -> tuple[Floats, dict[str, Floats]]:
        """The derivative of L's gradient along (J v, v): in z [k, |z|], and in the direct weights by symbol."""
        count = len(self.outputs)
        ends = np.cumsum([z.size for z in self.point])[:-1]
        parts = zip(np.split(moved, ends, axis=1), self.point, strict=True) if count else ()
        along_z = [part.reshape(len(some), *z.shape) for part, z in parts]
        along = {symbol: t for symbol, t in self.weights.directions(some).items() if symbol in self.direct}
        returns = self.outer.returns[1:]
        pushed = batched_jvp(self.outer, along, returns, argument_tangents=along_z, known=self.outer_known)
        return _joined(pushed[:count], len(some)), dict(zip(self.direct, pushed[count:], strict=True))

    def _columns(self, direct: dict[str, Floats], block: Ints) -> Floats:
        """The columns `block` of the derivatives in the direct weights; zero for the other weights."""
        count = len(next(iter(direct.values()), np.zeros((1, 0))))
        found = np.zeros((count, len(block)))
        for op, part, at in self.weights.split(block):
            if op.symbol in direct:
                found[:, part] = direct[op.symbol].reshape(count, -1)[:, at]
        return found


def _loss_of_outputs(func: Func, outputs: tuple[Value, ...], objective: Value) -> tuple[Func, Value]:
    """`func` with its outputs as arguments, and where the objective is in it."""
    builder = Builder("loss")
    names = {value: builder.argument(value.type) for value in outputs}
    for op in func.ops:
        if op.results and not set(op.results) <= names.keys():
            results = builder.append(op.map_operands(names.__getitem__))
            names.update((old, new) for old, new in zip(op.results, results, strict=True) if old not in names)
    return builder.finish(names[objective]), names[objective]


def _joined(arrays: list[Floats], count: int) -> Floats:
    """Arrays [k, ...] side by side as one [k, numbers]."""
    return np.concatenate([*(array.reshape(count, -1) for array in arrays), np.zeros((count, 0))], axis=1)


def _symmetric(matrix: Floats) -> Floats:
    return 0.5 * (matrix + matrix.T)

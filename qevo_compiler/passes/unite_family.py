"""Unite the independent binary programs of all rounded weights into one.

before: ising.family {symbol = "fc1.weight", gram = G, linear = [rows, d], ...}
after:  ising.register {symbol = "fc1.weight", affine = s * (base + x)}, ising.qubo {...}; func @problem
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.rounding import TooManyCouplings
from qevo_compiler.dialects import ising, poly, problem
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.ir import Array, Builder, Func, Legal, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.rounding_model import select_layers
from qevo_compiler.passes.stages import FAMILY, QUADRATIC

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class UniteFamily(Pass):
    """Members share no coupling, so the union has the same optima row by row.

    `layers` picks weights by name, joined by `:` (default: all). More than `max_couplings` couplings
    are refused with the size by layer. Cost and memory: the number of couplings, rows * d (d - 1) / 2
    a weight.
    """

    name: ClassVar[str] = "unite-family"
    takes: ClassVar[Legal] = FAMILY
    leaves: ClassVar[Legal] = QUADRATIC

    layers: tuple[str, ...] = ()
    max_couplings: int = 10_000_000

    def run(self, module: Module, context: Context = SILENT) -> Module:
        found = module.main.ops_of(ising.FamilyOp)
        families = select_layers(self.name, self.layers, found, lambda family: family.symbol)
        self._check_size(families)
        firsts = np.cumsum([0, *(family.linear.size for family in families)])[:-1].tolist()
        builder = Builder()
        for family, first in zip(families, firsts, strict=True):
            builder.append(_register(family, first))
        builder.append(_union(families, firsts))
        for op in module.main.ops:
            if not isinstance(op, ising.FamilyOp):
                builder.append(op)
        return module.with_func(_problem(families, firsts)).with_main(builder.finish())

    def _check_size(self, families: Sequence[ising.FamilyOp]) -> None:
        sizes = {f"{f.symbol}[{f.first_row}..]" if f.first_row else f.symbol: coupling_count(f) for f in families}
        couplings = sum(sizes.values())
        if couplings > self.max_couplings:
            bits = sum(family.linear.size for family in families)
            listed = ", ".join(f"{name} {count}" for name, count in sizes.items())
            raise CompileError(TooManyCouplings(None, bits, couplings, self.max_couplings, listed))


def coupling_count(family: ising.FamilyOp) -> int:
    """Couplings of all members of a family, zeros counted."""
    return family.members * family.width * (family.width - 1) // 2


def _register(family: ising.FamilyOp, first: int) -> ising.RegisterOp:
    count = family.linear.size
    offsets, _ = _levels(family)
    steps = np.repeat(family.scales.values, family.width)
    bits = np.arange(count, dtype=np.int32)
    affine = poly.AffineMap(Array(offsets), Array(np.arange(count + 1)), Array(bits), Array(steps))
    shape, positions, tensor_shape = _placement(family)
    return ising.RegisterOp(
        family.symbol,
        ising.Role.DECISION,
        poly.Vartype.BINARY,
        first,
        count,
        affine,
        domain=problem.Domain.REAL,
        shape=shape,
        positions=positions,
        tensor_shape=tensor_shape,
        span=family.span,
    )


def _levels(family: ising.FamilyOp) -> tuple[Floats, Floats]:
    """The lower and the upper value of every weight, flat in C order."""
    scales, base = family.scales.values[:, None], family.base.values
    return (scales * base).reshape(-1), (scales * (base + 1)).reshape(-1)


def _placement(family: ising.FamilyOp) -> tuple[tuple[int, ...], Array | None, tuple[int, ...]]:
    """Shape, positions and tensor shape of the variable that a family's weights are."""
    count = family.linear.size
    if family.members == family.weight_shape[0]:
        return family.weight_shape, None, ()
    start = family.first_row * family.width
    return (count,), Array(np.arange(start, start + count)), family.weight_shape


def _union(families: Sequence[ising.FamilyOp], firsts: Sequence[int]) -> ising.QuboOp:
    offset, linear = 0.0, []
    rows, columns, quadratic = [], [], []
    for family, first in zip(families, firsts, strict=True):
        factors, gram = family.factors.values[:, None], family.gram.values
        offset += float(family.offsets.values.sum())
        linear.append((family.linear.values + factors * np.diag(gram)).reshape(-1))
        i, j = np.triu_indices(family.width, 1)
        i, j = i[gram[i, j] != 0], j[gram[i, j] != 0]
        start = _member_starts(family, first)
        rows.append((start + i).reshape(-1))
        columns.append((start + j).reshape(-1))
        quadratic.append((2.0 * factors * gram[i, j]).reshape(-1))
    return ising.QuboOp(
        offset,
        Array(np.concatenate(linear)),
        Array(np.concatenate(rows).astype(np.int32)),
        Array(np.concatenate(columns).astype(np.int32)),
        Array(np.concatenate(quadratic)),
    )


def _member_starts(family: ising.FamilyOp, first: int) -> Numbers:
    return (first + np.arange(family.members) * family.width)[:, None]


def _problem(families: Sequence[ising.FamilyOp], firsts: Sequence[int]) -> Func:
    """`@problem`: each weight one of its two values, the sum of all layers' output errors to be minimised."""
    builder = Builder("problem")
    blocks = []
    for family, first in zip(families, firsts, strict=True):
        shape, positions, tensor_shape = _placement(family)
        lower, upper = (Array(level.reshape(shape)) for level in _levels(family))
        builder.append(
            problem.VariableOp(
                family.symbol,
                problem.Domain.REAL,
                shape,
                lower,
                upper,
                bits=1,
                positions=positions,
                tensor_shape=tensor_shape,
                span=family.span,
            )
        )
        blocks += _weight_terms(family, first)
    builder.append(poly.ObjectiveOp(pack(1, blocks)))
    return builder.finish()


def _weight_terms(family: ising.FamilyOp, first: int) -> list[tuple[Numbers, Numbers, Floats]]:
    """The members' energies in the weights v = s (base + x): v^T G v + (linear / s - 2 s G base) . v + constant."""
    scales, base, gram = family.scales.values[:, None], family.base.values, family.gram.values
    linear, product = family.linear.values, np.einsum("rj,ji->ri", base.astype(np.float64), gram)
    constant = family.offsets.values - np.einsum("ri,ri->r", linear, base.astype(np.float64))
    constant = constant + family.factors.values * np.einsum("ri,ri->r", product, base.astype(np.float64))
    i, j = np.triu_indices(family.width)
    i, j = i[gram[i, j] != 0], j[gram[i, j] != 0]
    start = _member_starts(family, first)
    pairs = np.stack([start + i, start + j], axis=-1).reshape(-1, 2)
    weights = np.broadcast_to(np.where(i == j, 1.0, 2.0) * gram[i, j], (family.members, len(i))).reshape(-1)
    singles = np.arange(first, first + linear.size)[:, None]
    slopes = (linear / scales - 2.0 * scales * product).reshape(-1)
    return [
        (np.zeros(1, np.int64), np.zeros((1, 0), np.int64), np.array([constant.sum()])),
        (np.zeros(len(singles), np.int64), singles, slopes),
        (np.zeros(len(pairs), np.int64), pairs, weights),
    ]

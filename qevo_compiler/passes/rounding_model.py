"""Replace a model by the exact binary programs of rounding its layers' weights to k bits.

before: %w = nn.parameter {symbol = "fc1.weight"}; %y = nn.linear %x, %w, %b; ...; problem.objective %loss
after:  ising.family {symbol = "fc1.weight", bits = 2, gram = G [d, d], linear = [rows, d], ...}; func @loss
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.calibration import Calibration, Layer, calibrate, weight_layers
from qevo_compiler.analyses.rounding_grid import Grid, gptq, round_nearest, row_errors, row_scales
from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.pipeline import BadOption
from qevo_compiler.diagnostics.rounding import BadBits, ComputedWeight, NothingToRound, UnknownLayer
from qevo_compiler.dialects import anneal, ising
from qevo_compiler.ir import Array, Builder, Evidence, Func, LedgerEntry, Legal, Module
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.stages import FAMILY, TENSOR

Floats = NDArray[np.float64]
ItemT = TypeVar("ItemT")


class Around(Enum):
    """Where the two candidates of each weight lie."""

    FLOOR = "floor"
    GPTQ = "gptq"


@dataclass(frozen=True)
class RoundingModel(Pass):
    """For inputs X [N, d] of a layer, G = X^T X / N + lambda I with lambda = `damping` times the mean
    diagonal, and a row w with scale s, the member's energy is the layer's output error

        (w - s q)^T G (w - s q) = s^2 (x - r)^T G (x - r),   q = base + x,   r = w / s - base,

    for x in {0, 1}^d. `around=floor` takes base = floor(w / s), moved inside the grid
    [-2^(k-1), 2^(k-1) - 1] so that base + 1 is on it too. `around=gptq` makes one of the two candidates
    GPTQ's value and the other its neighbour down the gradient of the error there.
    `layers` picks weights by name, joined by `:` (default: every linear and convolution weight); `rows`
    limits the calibration rows. Biases stay as they are. The model itself stays as `@loss`.
    """

    name: ClassVar[str] = "rounding-model"
    takes: ClassVar[Legal] = TENSOR
    leaves: ClassVar[Legal] = FAMILY

    bits: int = 4
    damping: float = 0.01
    layers: tuple[str, ...] = ()
    around: Around = Around.FLOOR
    rows: int = 0

    def run(self, module: Module, context: Context = SILENT) -> Module:
        self._check()
        layers = self._choose(module.main, context)
        builder = Builder()
        entries: list[LedgerEntry] = []
        for done, calibration in enumerate(calibrate(module.main, layers, self.rows)):
            context.progress(self.name, done / len(layers))
            family, found = self._family(calibration)
            builder.append(family)
            entries += found
        for op in module.main.ops:
            if isinstance(op, anneal.RequestOp | anneal.SampleOp):
                builder.append(op)
        loss = module.find("loss") or replace(module.main, name="loss")
        return module.with_func(loss).with_main(builder.finish()).record(*entries)

    def _check(self) -> None:
        if not 2 <= self.bits <= 8:
            raise CompileError(BadBits(None, self.name, self.bits))
        if not (0 <= self.damping < np.inf):
            raise CompileError(BadOption(None, self.name, "damping", str(self.damping), "a number from 0 on"))
        if self.rows < 0:
            raise CompileError(BadOption(None, self.name, "rows", str(self.rows), "a whole number from 0 on"))

    def _choose(self, main: Func, context: Context) -> tuple[Layer, ...]:
        found, computed = weight_layers(main)
        for op in computed:
            context.warn(ComputedWeight(op.span))
        if not found:
            raise CompileError(NothingToRound(None))
        return select_layers(self.name, self.layers, found, lambda layer: layer.symbol)

    def _family(self, calibration: Calibration) -> tuple[ising.FamilyOp, list[LedgerEntry]]:
        layer, grid = calibration.layer, Grid(self.bits)
        shape = layer.weight.value.shape
        rows = shape[0] // layer.groups
        first = calibration.group * rows
        weights = layer.weight.value.values.reshape(shape[0], -1)[first : first + rows].astype(np.float64)
        gram = damp(calibration.gram, self.damping)
        scales = row_scales(weights, grid)
        target = weights / scales[:, None]
        base = box_base(gram, target, grid, self.around)
        linear, offsets = _member_energies(gram, target - base, scales)
        family = ising.FamilyOp(
            layer.symbol,
            self.bits,
            Array(gram),
            Array(linear),
            Array(offsets),
            Array(scales**2),
            Array(scales),
            Array(base.astype(np.int64)),
            shape,
            first,
            span=layer.uses[0].span,
        )
        return family, self._entries(calibration, family, gram, target)

    def _entries(
        self, calibration: Calibration, family: ising.FamilyOp, gram: Floats, target: Floats
    ) -> list[LedgerEntry]:
        scales, residual = family.scales.values, target - family.base.values
        reach = float((np.maximum(np.abs(residual), np.abs(1 - residual)) * scales[:, None]).max(initial=0.0))
        nearest = row_errors(gram, round_nearest(target, Grid(self.bits)) - target) @ family.factors.values
        power = row_errors(gram, target) @ family.factors.values
        where = family.symbol if calibration.layer.groups == 1 else f"{family.symbol} group {calibration.group}"
        grid = f"{self.bits} bits a weight, one scale a row; no weight moves further than this"
        model = (
            "the loss is replaced by the layer's own output error on its float inputs; "
            "this is that error, relative to the output's power, when rounding to nearest"
        )
        data = "rows of the layer's inputs behind its second moment"
        return [
            LedgerEntry(self.name, "weight change", reach, Evidence.PROVED, where, grid),
            LedgerEntry(
                self.name,
                "relative output error",
                _short(float(nearest / power) if power else 0.0),
                Evidence.ESTIMATED,
                where,
                model,
            ),
            LedgerEntry(self.name, "calibration rows", float(calibration.rows), Evidence.MEASURED, where, data),
        ]


def select_layers(
    owner: str, names: tuple[str, ...], found: tuple[ItemT, ...], symbol: Callable[[ItemT], str]
) -> tuple[ItemT, ...]:
    """The members of `found` that `names` ask for (with or without `.weight`); all when it is empty."""
    known = {symbol(item).removesuffix(".weight"): symbol(item) for item in found}
    wanted = [name.removesuffix(".weight") for name in names]
    missing = [name for name in wanted if name not in known]
    if missing:
        listed = ", ".join(known)
        raise CompileError(
            *(UnknownLayer(None, owner, name, did_you_mean(name, known), listed) for name in dict.fromkeys(missing))
        )
    return tuple(item for item in found if not wanted or symbol(item).removesuffix(".weight") in wanted)


def damp(gram: Floats, damping: float) -> Floats:
    """`gram` plus `damping` times its mean diagonal; the identity when all inputs are zero."""
    mean = float(np.diag(gram).mean()) if gram.size else 0.0
    return gram + damping * mean * np.eye(len(gram)) if mean > 0 else np.eye(len(gram))


def box_base(gram: Floats, target: Floats, grid: Grid, around: Around) -> Floats:
    """The lower of the two candidates of every weight, in units of its scale."""
    if around is Around.FLOOR:
        base = np.floor(target)
    else:
        centre = gptq(gram, target, grid)
        # The error falls towards centre + 1 where its gradient is negative, and towards centre - 1 elsewhere.
        base = np.where((centre - target) @ gram < 0, centre, centre - 1)
    return np.clip(base, grid.lowest, grid.highest - 1)


def _member_energies(gram: Floats, residual: Floats, scales: Floats) -> tuple[Floats, Floats]:
    """Linear parts [rows, d] and offsets [rows] of s^2 (x - r)^T G (x - r)."""
    # einsum sums in one order whatever the number of threads, which `@` does not.
    product = np.einsum("rj,ji->ri", residual, gram)
    factors = scales**2
    return -2.0 * factors[:, None] * product, factors * np.einsum("ri,ri->r", residual, product)


def _short(value: float) -> float:
    # A ledger value is printed in emitted files: ten digits hide the order of summation.
    return float(f"{value:.10g}")

"""Energies of many samples at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.annealing.energy_kernel import SQUARE, sample_energies
from qevo_compiler.evaluator.annealing.model import SpinModel
from qevo_compiler.evaluator.annealing.runs import Spins
from qevo_compiler.evaluator.llvm import Scalar, aligned, compiled, f32, f64, lanes, run_chunks

# Samples of one task: enough to hide a call, few enough to spread.
_TASK = 64 * SQUARE


def energies(model: SpinModel, samples: Spins, threads: int | None = None) -> NDArray[np.float64]:
    """Energies [reads] of `samples` [reads, n] of -1 and +1, or of 0 and 1 for a model whose numbers belong to bits.

    Exact for `integral` models, whose sums are made in 32-bit floats; others in 64-bit floats. Cost:
    O(reads (n + couplings) / lanes).
    """
    reads, size = samples.shape
    rows = model.upper
    real: Scalar = f32 if model.integral else f64
    scale = model.unit if model.integral else 1.0
    kind = np.float32 if model.integral else np.float64
    values = rows.values if model.integral else model.couplings
    fields = model.unit_fields if model.integral else model.fields
    kernel = compiled(sample_energies(min(lanes(real), SQUARE), real))
    found = np.empty(-(-reads // SQUARE) * SQUARE, np.float64)

    def work(start: int) -> None:
        part = np.ascontiguousarray(samples[start : start + _TASK], np.int8)
        tiles = -(-len(part) // SQUARE)
        if len(part) % SQUARE:
            part = np.concatenate([part, np.repeat(part[-1:], tiles * SQUARE - len(part), axis=0)])
        turned = aligned(-(-size // SQUARE) * SQUARE * SQUARE, kind)
        out = found[start : start + tiles * SQUARE]
        kernel(tiles, size, rows.starts, rows.columns, values, fields, part, turned, out)

    run_chunks(work, range(0, reads, _TASK), threads)
    return np.asarray(found[:reads] * scale + model.offset, np.float64)

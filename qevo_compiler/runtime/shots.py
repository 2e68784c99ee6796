"""Read-out of the final parameters from shots: magnitudes, signs by interference, scale by the kept constant.

The classical side of section 4 of `docs/linear-circuits.md`, played from amplitudes: those of the emitted circuit, or
those of the normalised history state where no circuit was asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.decode.history import HistoryReader
from qevo_compiler.passes.qlsa.read_out import absolute, draw, magnitudes, overlaps, shots_for_distance, signed

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ShotReadOut:
    """The final state x(T) [n] from `shots` of the solution and as many of its interference with a reference.

    `deviation` [n] is one standard deviation, `decided` [n] whether the sign was decided at three of them. `kept` shots
    had a copy of the final block at degree at most one. `by_constant` says that the scale comes from y_0 = 1, otherwise
    from the norm that the compiler computed.
    """

    shots: int
    seed: int
    kept: int
    values: Floats
    deviation: Floats
    decided: NDArray[np.bool_]
    by_constant: bool
    error: float

    def to_json(self, names: tuple[str, ...]) -> dict[str, Any]:
        """The keys of `read_out` in `qevoc run --json`."""
        columns = zip(names, self.values.tolist(), self.deviation.tolist(), self.decided.tolist(), strict=True)
        return {
            "shots": self.shots,
            "seed": self.seed,
            "kept": self.kept,
            "scale": "constant" if self.by_constant else "norm",
            "parameters": {
                name: {"value": value, "deviation": deviation, "sign_decided": decided}
                for name, value, deviation, decided in columns
            },
            "error": self.error,
            "shots_for_error_0.01": shots_for_distance(len(names), 0.01),
        }


def read_final(reader: HistoryReader, history: Floats, norm: float, shots: int, seed: int) -> ShotReadOut:
    """Play both runs on y [T + P + 1, D], whose amplitudes are y / `norm`; what is missing to one is lost.

    The reference of the interference is the state of the estimated magnitudes. The P + 1 equal copies are added up.
    """
    lifted = reader.system.lift
    copies = math.sqrt(reader.system.padding + 1)
    constant = lifted.degrees == 0
    wanted = np.flatnonzero(constant | (lifted.degrees == 1))
    amplitudes = history[reader.system.steps, wanted] * copies / norm
    counts = draw(amplitudes**2, shots, seed)
    estimates = magnitudes(counts, shots)
    reference = estimates.values / (float(np.linalg.norm(estimates.values)) or 1.0)
    both = np.concatenate([(amplitudes + reference) ** 2, (amplitudes - reference) ** 2]) / 4
    pairs = draw(both, shots, seed + 1).reshape(2, -1)
    products = overlaps(pairs[0], pairs[1], shots)
    ones = ~constant[wanted]
    of_constant = int(counts[~ones].sum())
    if of_constant:
        found = signed(absolute(counts, of_constant), products, reference)
        scale = reader.system.gamma
    else:
        found = signed(estimates, products, reference)
        scale = reader.system.gamma * norm / copies
    own = reader.map.map.resting
    values = (reader.map.pivot.values + scale * found.values[ones])[own]
    error = float(np.linalg.norm(values - reader.states(history)[-1]))
    deviation, decided = np.asarray(scale * found.deviation[ones])[own], found.decided[ones][own]
    return ShotReadOut(shots, seed, int(counts.sum()), values, deviation, decided, of_constant > 0, error)

"""Roof duality, by dwave-preprocessing where it is installed."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.passes.reduction.energy import Energy

Integers = NDArray[np.integer]


def roof_dual_fixings(energy: Energy) -> tuple[Integers, Integers]:
    """Bits that the roof dual's maximum flow fixes, and their values as spins; none without the package.

    Weak persistency: some state of least energy has all these values together (Hammer, Hansen and Simeone,
    "Roof duality, complementation and persistency in quadratic 0-1 optimization", 1984).
    """
    none = np.zeros(0, np.int64)
    alive = np.flatnonzero(energy.alive)
    if find_spec("dwave") is None or find_spec("dwave.preprocessing") is None or not len(energy.couplings):
        return none, none
    import dimod
    from dwave.preprocessing.lower_bounds import roof_duality

    place = np.full(energy.size, -1)
    place[alive] = np.arange(len(alive))
    vectors = (place[energy.rows], place[energy.columns], energy.quadratic)
    kind = "SPIN" if energy.spins else "BINARY"
    bqm = dimod.BinaryQuadraticModel.from_numpy_vectors(energy.linear[alive], vectors, 0.0, kind)
    _, fixed = roof_duality(bqm, strict=False)
    bits = np.array(sorted(fixed), np.int64)
    values = np.array([1 if fixed[bit] > 0 else -1 for bit in bits.tolist()], np.int64)
    return alive[bits], values

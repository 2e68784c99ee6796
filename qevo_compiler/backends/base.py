"""What a backend is: something that samples low-energy states of a compiled module. It never lowers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import Diagnostics
from qevo_compiler.diagnostics.backends import BadSampling
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.evaluator.polynomials import values_at
from qevo_compiler.ir import Module

Spins = NDArray[np.int8]
Floats = NDArray[np.float64]

# Products of spins are formed for so many of them at a time.
_CHUNK = 1 << 22


@dataclass(frozen=True)
class Samples:
    """`spins` [reads, n] of -1 and +1 with their `energies` [reads], lowest first.

    Reads of equal energy stand in order of their spins, +1 first. `exact` says that the first read is a
    global minimum of the model, found by enumeration.
    """

    spins: Spins
    energies: Floats
    exact: bool = False

    @staticmethod
    def ordered(spins: Spins, energies: Floats, exact: bool = False) -> Samples:
        """Samples sorted by energy, then by spins."""
        keys = np.packbits(spins < 0, axis=1)
        order = np.lexsort((*keys.T[::-1], energies))
        return Samples(np.ascontiguousarray(spins[order]), energies[order], exact)


class Backend(ABC):
    """Runs programs. `reads` is the number of samples; a seed and sweeps mean what they do to the backend."""

    name: ClassVar[str]

    @abstractmethod
    def sample(
        self, module: Module, reads: int | None = None, seed: int | None = None, sweeps: int | None = None
    ) -> Samples:
        """Low-energy samples of the module's spin model or circuit.

        Raises `CompileError` for what cannot be run.
        """


def energies_of(model: ising.ModelOp, spins: Spins, products: ProductsOp | None = None) -> Floats:
    """Energies [reads] of spins [reads, n], in chunks of couplings: O(reads * couplings); `products` add theirs."""
    energies: Floats = model.offset + spins.astype(np.float64) @ model.fields.values
    step = max(1, _CHUNK // max(1, len(spins)))
    rows, columns, strengths = model.rows.values, model.columns.values, model.couplings.values
    for start in range(0, len(strengths), step):
        part = slice(start, start + step)
        energies += (spins[:, rows[part]] * spins[:, columns[part]]).astype(np.float64) @ strengths[part]
    return energies if products is None else energies + values_at(products.energy, spins)[:, 0]


def check_sampling(reads: int | None, seed: int | None, sweeps: int | None) -> None:
    """Raise `CompileError` for counts that are not whole or below 1, and seeds outside 0 .. 2^63 - 1."""
    found = Diagnostics()
    for option, value in (("reads", reads), ("sweeps", sweeps)):
        if value is not None and not (isinstance(value, int | np.integer) and value >= 1):
            found.add(BadSampling(None, option, str(value), "a whole number from 1"))
    if seed is not None and not (isinstance(seed, int | np.integer) and 0 <= seed < 2**63):
        found.add(BadSampling(None, "seed", str(seed), "a whole number from 0 to 2^63 - 1"))
    found.raise_if_any()

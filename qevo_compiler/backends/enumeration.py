"""All energies of a small spin model, and its lowest states."""

from __future__ import annotations

import numpy as np

from qevo_compiler.backends.base import Floats, Samples
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.backends import TooManySpins
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.ising import ProductsOp

LIMIT = 24


def all_energies(model: ising.ModelOp) -> Floats:
    """Energies [2^n]; in state number k spin i is -1 where bit n-1-i of k is set.

    Each spin doubles the array: O(2^n) time and memory (128 MB at 24 spins). Raises `CompileError`
    beyond `LIMIT` spins.
    """
    size = model.size
    if size > LIMIT:
        raise CompileError(TooManySpins(model.span, size, LIMIT))
    strengths = np.zeros((size, size))
    strengths[model.rows.values, model.columns.values] = model.couplings.values
    energies = np.array([model.offset])
    for spin in range(size - 1, -1, -1):
        local = model.fields.values[spin : spin + 1].astype(np.float64)
        for other in range(size - 1, spin, -1):
            local = np.concatenate([local + strengths[spin, other], local - strengths[spin, other]])
        energies = np.concatenate([energies + local, energies - local])
    return energies


def product_energies(products: ProductsOp, size: int) -> Floats:
    """What products of spins add to the energies [2^n]: their coefficients' Walsh transform, O(n 2^n)."""
    found = np.zeros(2**size)
    for block in products.energy.terms:
        masks = (1 << (size - 1 - block.variables.values.astype(np.int64))).sum(axis=1)
        np.add.at(found, masks, block.coefficients.values)
    for spin in range(size):
        halves = found.reshape(-1, 2, 1 << spin)
        found = np.stack([halves[:, 0] + halves[:, 1], halves[:, 0] - halves[:, 1]], axis=1).reshape(-1)
    return found


def lowest(model: ising.ModelOp, count: int, products: ProductsOp | None = None) -> Samples:
    """The `count` states of lowest energy (all 2^n when there are fewer), each once."""
    energies = all_energies(model)
    if products is not None:
        energies += product_energies(products, model.size)
    count = min(count, len(energies))
    border = np.partition(energies, count - 1)[count - 1]
    below = np.flatnonzero(energies < border)
    # State numbers rise in the order that breaks ties, so the first of the tied ones are the right ones.
    states = np.concatenate([below, np.flatnonzero(energies == border)[: count - len(below)]])
    bits = (states[:, None] >> np.arange(model.size)[::-1]) & 1
    return Samples.ordered((1 - 2 * bits).astype(np.int8), energies[states], exact=True)

"""Chains along edges: the distribution, what they keep, the bookkeeping, and which spins are edges."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from annealing_support import all_states, boltzmann, chi_squared, numbers_of, random_model
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.evaluator.annealing import chain_kernel
from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.bounded import anneal_bounded
from qevo_compiler.evaluator.annealing.bounded_kernel import bounded_sweeps
from qevo_compiler.evaluator.annealing.bounded_model import BoundedModel
from qevo_compiler.evaluator.annealing.bounded_walk import Walk
from qevo_compiler.evaluator.annealing.chains import chains_of
from qevo_compiler.evaluator.annealing.mates import Mates
from qevo_compiler.evaluator.annealing.runs import first_states, flip_key

ENOUGH = 1e-3
IMPOSSIBLE = 1e-9
NONE = Mates(np.zeros(0, np.int32), np.zeros(0, np.int32))


def network(arcs: list[tuple[int, int]], balance: list[float], penalty: float, seed: int, extra: bool) -> BoundedModel:
    """Bits on arcs; what leaves a node less what enters is its balance. `extra` adds an inequality over all bits."""
    size, nodes = len(arcs), len(balance)
    rows = [node for arc in arcs for node in arc]
    sites = [site for site in range(size) for _ in range(2)]
    weights = [sign / 2 for _ in arcs for sign in (1, -1)]
    bases = -np.array(balance)
    np.add.at(bases, rows, weights)
    widths, penalties = [0.0] * nodes, [penalty] * nodes
    if extra:
        rows, sites, weights = rows + [nodes] * size, sites + list(range(size)), weights + [0.5] * size
        bases, widths, penalties = np.append(bases, size / 2 - 2), [*widths, 2.0], [*penalties, 0.3]
    pairs, hard = (random_model(size, 0.6, seed + more, integer=False) for more in (0, 50))
    tied = np.array(rows, np.int32), np.array(sites, np.int32)
    numbers = (np.array(part, np.float64) for part in (bases, widths, penalties))
    return BoundedModel(pairs, hard, *numbers, *tied, np.array(weights), NONE)


def grid(n: int, penalty: float, seed: int, extra: bool = False) -> BoundedModel:
    """Rows and columns that hold one each, as arcs from rows to columns."""
    arcs = [(row, n + column) for row in range(n) for column in range(n)]
    return network(arcs, [1.0] * n + [-1.0] * n, penalty, seed, extra)


PARALLEL = [(0, 1), (0, 1), (1, 0), (1, 2), (2, 0), (0, 2), (2, 3), (3, 0), (1, 3)]
CASES = {
    "grid": lambda: grid(3, 0.4, 1),
    "grid and inequality": lambda: grid(3, 1.0, 2, extra=True),
    "network with parallel arcs": lambda: network(PARALLEL, [1.0, 0.0, 0.0, -1.0], 0.5, 3, extra=False),
}


def chained_p(model: BoundedModel, beta: float) -> float:
    found = anneal_bounded(model, 60, 60_000, 5, betas=np.full(60, beta), polish=False, threads=1)
    chances = boltzmann(beta * model.energies(all_states(model.size)))
    return chi_squared(np.bincount(numbers_of(found), minlength=len(chances)), chances)


@pytest.mark.parametrize("name", CASES)
def test_samples_with_chains_follow_boltzmann(name: str) -> None:
    model = CASES[name]()
    assert model.chains.count == model.size
    assert chained_p(model, 0.4) > ENOUGH

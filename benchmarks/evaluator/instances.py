"""Spin models for the annealing benchmarks: random ones by seed, and the instances of the shared data folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dimod
import networkx as nx
import numpy as np

DATA = Path(os.environ.get("QEVO_DATA", "../shared/data"))
# Best known values of the literature: cuts to be maximised, energies to be minimised.
BEST_CUTS = {
    "G1": 11624, "G6": 2178, "G11": 564, "G14": 3064, "G18": 992, "G22": 13359, "G32": 1410, "G43": 6660,
}  # fmt: skip
BEST_ENERGIES = {
    "bqp50-1": -2098, "bqp100-1": -7970, "bqp250-1": -45607, "bqp500-1": -116586,
    "gka1a": -3414, "gka1c": -5058, "gka1d": -6333,
}  # fmt: skip
BEST_PROFITS = {"jeu_100_25_1": 18558, "jeu_100_25_2": 56525, "jeu_100_50_1": 83742, "jeu_100_100_1": 81978}


def regular(n: int = 10_000, degree: int = 3) -> dimod.BinaryQuadraticModel:
    edges = np.array(sorted(nx.random_regular_graph(degree, n, seed=1).edges()))
    return _signs(n, edges[:, 0], edges[:, 1])


def pegasus(size: int = 16) -> dimod.BinaryQuadraticModel:
    import dwave_networkx as dnx

    graph = nx.convert_node_labels_to_integers(dnx.pegasus_graph(size), ordering="sorted")
    edges = np.array(sorted(tuple(sorted(edge)) for edge in graph.edges()))
    return _signs(graph.number_of_nodes(), edges[:, 0], edges[:, 1])


def glass(n: int = 1000) -> dimod.BinaryQuadraticModel:
    """Sherrington-Kirkpatrick with normal couplings."""
    i, j = np.triu_indices(n, 1)
    return _model(n, i, j, np.random.default_rng(1).normal(size=len(i)) / np.sqrt(n))


def _signs(n: int, i: Any, j: Any) -> dimod.BinaryQuadraticModel:
    return _model(n, i, j, np.random.default_rng(1).choice([-1.0, 1.0], len(i)))


def _model(n: int, i: Any, j: Any, values: Any) -> dimod.BinaryQuadraticModel:
    return dimod.BinaryQuadraticModel.from_numpy_vectors(np.zeros(n), (i, j, values), 0.0, "SPIN")


def cut(name: str) -> dimod.BinaryQuadraticModel:
    """The negative cut of a G-set graph."""
    table = np.loadtxt(DATA / "gset" / f"{name}.txt", skiprows=1)
    i, j, w = table[:, 0].astype(int) - 1, table[:, 1].astype(int) - 1, table[:, 2]
    n = int((DATA / "gset" / f"{name}.txt").read_text().split(maxsplit=1)[0])
    return dimod.BinaryQuadraticModel.from_numpy_vectors(np.zeros(n), (i, j, w / 2), -float(w.sum()) / 2, "SPIN")


def qubo(name: str) -> dimod.BinaryQuadraticModel:
    table = np.loadtxt(DATA / "bqp" / f"{name}.sparse", skiprows=1)
    n = int((DATA / "bqp" / f"{name}.sparse").read_text().split(maxsplit=1)[0])
    i, j, q = table[:, 0].astype(int) - 1, table[:, 1].astype(int) - 1, table[:, 2]
    linear = np.bincount(i[i == j], q[i == j], n)
    off = i != j
    return dimod.BinaryQuadraticModel.from_numpy_vectors(linear, (i[off], j[off], 2 * q[off]), 0.0, "BINARY")


def knapsack(name: str) -> dimod.BinaryQuadraticModel:
    """A quadratic knapsack as this compiler maps it, so that every sampler gets the same model."""
    from qevo_compiler.driver import compile

    return compile(str(DATA / "qkp" / f"{name}.txt")).bqm


def available() -> dict[str, tuple[Any, float]]:
    """By name, a function that loads the instance and its best known energy (NaN where penalties change it)."""
    if not DATA.is_dir():
        return {}
    found: dict[str, tuple[Any, float]] = {}
    found |= {name: ((lambda name=name: cut(name)), -best) for name, best in BEST_CUTS.items()}
    found |= {name: ((lambda name=name: qubo(name)), best) for name, best in BEST_ENERGIES.items()}
    found |= {name: ((lambda name=name: knapsack(name)), float("nan")) for name in BEST_PROFITS}
    return found

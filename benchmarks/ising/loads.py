"""The instances, and the energy of an assignment computed from the problem's statement alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.int8]
TOUR_PENALTY = 200.0


@dataclass(frozen=True)
class Load:
    """`kind` names the statement, `data` its arrays, `bits` the number of decision variables.

    `energy` is the value of a row of bits; for `ineq` it is 0 where the inequality holds and 1 elsewhere.
    """

    name: str
    kind: str
    bits: int
    data: dict[str, NDArray]
    energy: Callable[[Bits], float]


def number_partitioning(n: int) -> Load:
    """(sum a x - b)^2 with a in 2..2000."""
    a = 2 * np.random.default_rng(7).integers(1, 1001, n)
    b = int(a.sum()) // 2
    return Load(f"npp{n}", "npp", n, {"a": a, "b": np.array(b)}, lambda x: float((int(a @ x) - b) ** 2))


def tour(cities: int) -> Load:
    """Quadratic assignment of cities to times, squares of the one-hot rows and columns with a fixed weight."""
    upper = np.triu(np.random.default_rng(7).integers(1, 101, (cities, cities)), 1)
    d = upper + upper.T

    def energy(x: Bits) -> float:
        grid = x.reshape(cities, cities).astype(np.int64)
        length = np.einsum("ti,ij,tj->", grid, d, np.roll(grid, -1, axis=0))
        wrong = ((1 - grid.sum(0)) ** 2).sum() + ((1 - grid.sum(1)) ** 2).sum()
        return float(length + TOUR_PENALTY * wrong)

    return Load(f"tsp{cities}", "tsp", cities**2, {"d": d.astype(float)}, energy)


def inequality(n: int) -> Load:
    """sum w x <= C with w in 100..899, half of everything."""
    w = np.random.default_rng(7).integers(100, 900, n)
    limit = int(w.sum()) // 2
    return Load(f"ineq{n}", "ineq", n, {"w": w, "c": np.array(limit)}, lambda x: float(int(w @ x) > limit))


def cut(edges: int) -> Load:
    """Max-cut as a minimum over bits, on edges / 10 nodes; each edge once, in random order."""
    rng = np.random.default_rng(7)
    nodes = edges // 10
    pairs = np.sort(rng.integers(0, nodes, (edges + edges // 20, 2)), axis=1)
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
    pairs = np.ascontiguousarray(pairs[rng.permutation(len(pairs))[:edges]])

    def energy(x: Bits) -> float:
        a, b = x[pairs[:, 0]].astype(int), x[pairs[:, 1]].astype(int)
        return float((2 * a * b - a - b).sum())

    return Load(f"cut{edges}", "cut", nodes, {"edge": pairs}, energy)


def chain(exponent: int) -> Load:
    """sum x_i x_{i+1} - sum x over 2^exponent bits."""
    n = 1 << exponent

    def energy(x: Bits) -> float:
        y = x.astype(int)
        return float((y[:-1] * y[1:]).sum() - y.sum())

    return Load(f"chain{exponent}", "chain", n, {"n": np.array(n)}, energy)


def hubo(terms: int) -> Load:
    """Distinct monomials of degree 3 and 4 over 300 bits, coefficients +-1..10."""
    rng = np.random.default_rng(7)
    found: dict[tuple[int, ...], int] = {}
    while len(found) < terms:
        size = 3 + int(rng.integers(2))
        names = tuple(sorted(rng.choice(300, size, replace=False).tolist()))
        found[names] = int(rng.integers(1, 11)) * (1 if rng.random() < 0.5 else -1)
    by_degree = {k: [names for names in found if len(names) == k] for k in (3, 4)}
    data = {f"v{k}": np.array(group) for k, group in by_degree.items()}
    data |= {f"c{k}": np.array([float(found[names]) for names in group]) for k, group in by_degree.items()}

    def energy(x: Bits) -> float:
        return float(sum(data[f"c{k}"] @ x[data[f"v{k}"]].prod(axis=1) for k in (3, 4)))

    return Load(f"hubo{terms}", "hubo", 300, data, energy)


LOADS: dict[str, Callable[[], Load]] = {
    "npp500": lambda: number_partitioning(500),
    "npp1000": lambda: number_partitioning(1000),
    "npp2000": lambda: number_partitioning(2000),
    "tsp20": lambda: tour(20),
    "tsp30": lambda: tour(30),
    "tsp100": lambda: tour(100),
    "ineq796": lambda: inequality(796),
    "cut100000": lambda: cut(100_000),
    "cut1000000": lambda: cut(1_000_000),
    "chain18": lambda: chain(18),
    "hubo5000": lambda: hubo(5_000),
    "hubo50000": lambda: hubo(50_000),
}

# What every way compiles once before it is measured: the same statement, small, but past every "few terms" branch.
WARMING: dict[str, Callable[[], Load]] = {
    "npp": lambda: number_partitioning(300),
    "tsp": lambda: tour(28),
    "ineq": lambda: inequality(300),
    "cut": lambda: cut(40_000),
    "chain": lambda: chain(16),
    "hubo": lambda: hubo(400),
}

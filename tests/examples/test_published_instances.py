"""Published instances from file to decoded answer on the local backend, the answer judged by other code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from instances import instance, read_geo, read_gset

from qevo_compiler.driver import compile

TOURS = [("burma14", 3323, 0.0), ("ulysses16", 6859, 0.0), ("gr17", 2085, 0.0), ("fri26", 937, 0.02)]
CUTS = {"G1": 11624, "G43": 6660}
BITS = {"bqp50-1": -2098, "bqp100-1": -7970, "gka1a": -3414}


def read_lower_triangle(path: Path) -> np.ndarray:
    """Distances of a TSPLIB instance with the lower triangle and its diagonal by rows."""
    text = path.read_text()
    size = int(text.split("DIMENSION:")[1].split()[0])
    numbers = [float(n) for n in text.split("EDGE_WEIGHT_SECTION")[1].replace("EOF", "").split()]
    found = np.zeros((size, size))
    found[np.tril_indices(size)] = numbers[: size * (size + 1) // 2]
    return found + found.T


def order_of(values: dict[str, object], size: int) -> list[int]:
    """The city of each step from the decoded grid [city, step]."""
    (grid,) = [np.asarray(value) for value in values.values()]
    assert grid.shape == (size, size)
    assert (grid.sum(axis=0) == 1).all()
    assert (grid.sum(axis=1) == 1).all()
    return [int(city) for city in grid.argmax(axis=0)]


def test_tours() -> None:
    for name, best, allowed in TOURS:
        path = instance(f"tsp/{name}.tsp")
        distances = read_geo(path) if name in ("burma14", "ulysses16") else read_lower_triangle(path)
        found = compile(str(path)).run(reads=100, seed=1, sweeps=1000).best
        order = order_of(found.values, len(distances))
        length = sum(distances[a, b] for a, b in zip(order, order[1:] + order[:1], strict=True))
        assert found.feasible
        assert found.objective == length
        gap = length / best - 1
        print(f"{name}: length {length:g}, best known {best}, gap {gap:.2%}")
        assert 0 <= gap <= allowed


def test_a_quadratic_knapsack() -> None:
    path = instance("qkp/jeu_100_25_1.txt")
    lines = path.read_text().split("\n")
    size = int(lines[1])
    profits = np.zeros((size, size))
    np.fill_diagonal(profits, [float(v) for v in lines[2].split()])
    for i in range(size - 1):
        profits[i, i + 1 :] = [float(v) for v in lines[3 + i].split()]
    rest = [line for line in lines[3 + size - 1 :] if line.strip()]
    capacity, weights = float(rest[1]), np.array(rest[2].split(), float)
    found = compile(str(path)).run(reads=1000, seed=1, sweeps=10_000).best
    (chosen,) = [np.asarray(value, float) for value in found.values.values()]
    assert weights @ chosen <= capacity
    assert found.feasible
    assert found.objective == chosen @ profits @ chosen
    gap = 1 - found.objective / 18558
    print(f"jeu_100_25_1: profit {found.objective:g}, best known 18558, gap {gap:.2%}")
    assert 0 <= gap <= 0.01


@pytest.mark.parametrize("name", sorted(BITS))
def test_bits(name: str) -> None:
    path = instance(f"bqp/{name}.sparse")
    rows = np.loadtxt(path, skiprows=1)
    found = compile(str(path)).run(reads=100, seed=1, sweeps=1000).best
    (x,) = [np.asarray(value, float) for value in found.values.values()]
    i, j = rows[:, 0].astype(int) - 1, rows[:, 1].astype(int) - 1
    value = (rows[:, 2] * x[i] * x[j] * np.where(i == j, 1, 2)).sum()
    assert found.objective == value == BITS[name]


@pytest.mark.parametrize("name", sorted(CUTS))
def test_cuts(name: str) -> None:
    path = instance(f"gset/{name}.txt")
    edges, weights = read_gset(path)
    found = compile(str(path)).run(reads=64, seed=1, sweeps=10_000).best
    (side,) = [np.asarray(value) for value in found.values.values()]
    cut = weights[side[edges[:, 0]] != side[edges[:, 1]]].sum()
    assert found.objective == cut == CUTS[name]

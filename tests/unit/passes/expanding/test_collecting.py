"""Compiled collection of one large sum against the general way, term by term."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler.dialects.poly.algebra import Algebra
from qevo_compiler.dialects.poly.expansion import Expansion, Part
from qevo_compiler.passes.expanding import collecting
from qevo_compiler.passes.expanding.collecting import collected

SIZE = 12


def algebra(kind: str) -> Algebra:
    number = np.arange(SIZE)
    third = number % 3
    binary = {"binary": third >= 0, "spin": third < 0, "mixed": third == 0, "choice": third >= 0}[kind]
    spin = {"binary": third < 0, "spin": third >= 0, "mixed": third == 1, "choice": third < 0}[kind]
    choice = np.where(number < 8, number // 4, -1) if kind == "choice" else np.full(SIZE, -1)
    return Algebra(binary, spin, choice.astype(np.int32))


def expansion(rng: np.random.Generator) -> Expansion:
    """One row; whole coefficients, so that sums are exact in any order."""
    parts = []
    for degree in (0, 1, 2, 2, 3, 4, 1):
        count = int(rng.integers(1, 60))
        columns = tuple(rng.integers(0, SIZE, count).astype(np.int32) for _ in range(degree))
        weights = np.array(2.0) if rng.random() < 0.5 else rng.integers(-3, 4, count).astype(float)
        given = columns if columns else np.zeros((count, 0), np.int32)
        parts.append(Part(np.broadcast_to(np.int32(0), (count,)), given, weights))
    return Expansion(1, tuple(parts))


@pytest.mark.parametrize("kind", ["binary", "spin", "mixed", "choice"])
def test_same_as_the_general_way(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, rules = np.random.default_rng(5), algebra(kind)
    for _ in range(20):
        x = expansion(rng)
        wanted = rules.polynomials(x)
        assert collected(x, rules) == wanted  # few terms go the general way
        with monkeypatch.context() as patch:
            patch.setattr(collecting, "FEW", 0)
            patch.setattr(collecting, "WORTH", 0)
            assert collected(x, rules) == wanted


def test_columns_of_pairs_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "FEW", 0)
    monkeypatch.setattr(collecting, "WORTH", 0)
    low = np.arange(SIZE - 1, dtype=np.int32)
    x = Expansion(1, (Part(np.broadcast_to(np.int32(0), low.shape), (low, low + 1), np.array(1.0)),))
    (block,) = collected(x, algebra("binary")).terms
    assert all(block.variables.values[:, side].flags.c_contiguous for side in (0, 1))


def test_nothing_is_left_of_what_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "FEW", 0)
    monkeypatch.setattr(collecting, "WORTH", 0)
    low, row = np.arange(4, dtype=np.int32), np.zeros(4, np.int32)
    parts = [Part(row, columns, np.array(s)) for columns in ((low,), (low, low + 1)) for s in (1.0, -1.0)]
    assert collected(Expansion(1, tuple(parts)), algebra("binary")).terms == ()


@pytest.mark.parametrize("kind", ["binary", "spin"])
@pytest.mark.parametrize("again", [0, 1, 2])
def test_some_pairs_give_what_the_general_way_gives(kind: str, again: int) -> None:
    """Between `FEW` and `WORTH` only pairs that need no adding are collected by kernels."""
    rng = np.random.default_rng(again)
    chosen = rng.permutation(SIZE * SIZE)
    first, second = (x.astype(np.int32) for x in np.divmod(chosen, SIZE))
    keep = first < second if again < 2 else first <= second
    first, second = first[keep], second[keep]
    if again == 1:
        first, second = np.append(first, second[:1]), np.append(second, first[:1])
    weights = rng.normal(size=len(first))
    weights[0] *= again != 2
    x = Expansion(1, (Part(np.zeros(len(first), np.int32), (first, second), weights),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collecting, "FEW", 0)
        assert collected(x, algebra(kind)) == algebra(kind).polynomials(x)

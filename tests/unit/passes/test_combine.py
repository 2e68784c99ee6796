"""Weighted sums of polynomials against dictionaries, whichever way their pairs are added."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from ising_support import polynomials

from qevo_compiler.dialects.ising import PenaltyForm
from qevo_compiler.dialects.poly import Polynomials, Vartype, arithmetic
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.passes.expanding.affine_square import AffineForm, symbolic_square
from qevo_compiler.passes.penalty import combine as combining
from qevo_compiler.passes.penalty.combine import combine
from qevo_compiler.passes.penalty.penalty_energy import form_energy


def polynomial(rng: np.random.Generator, count: int) -> Polynomials:
    blocks = []
    for degree in (0, 1, 2, 3):
        names = np.sort(rng.integers(0, 15, (count, degree)), axis=1).astype(np.int32)
        names = names[(np.diff(names, axis=1) > 0).all(axis=1)]
        # Sixteenths add up exactly in any order.
        blocks.append((np.zeros(len(names), np.int32), names, rng.integers(-40, 40, len(names)) / 16))
    return pack(1, blocks)


def by_names(parts: list[tuple[Polynomials, float]]) -> dict[tuple[int, ...], float]:
    totals: dict[tuple[int, ...], float] = defaultdict(float)
    for p, factor in parts:
        for block in p.terms:
            for names, value in zip(block.variables.values.tolist(), block.coefficients.values.tolist(), strict=True):
                totals[tuple(names)] += factor * value
    return {names: value for names, value in totals.items() if value != 0}


@pytest.mark.parametrize(("few", "worth"), [(1 << 11, 1 << 15), (0, 1 << 15), (0, 0)])
@pytest.mark.parametrize("count", [1, 2, 4, 5, 9])
def test_sums_of_few_and_many(count: int, few: int, worth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combining, "FEW", few)
    monkeypatch.setattr(combining, "WORTH", worth)
    rng = np.random.default_rng(count)
    parts = [(polynomial(rng, 60 if which else 0), float(rng.integers(1, 5))) for which in range(count)]
    whole = combine(parts)
    assert by_names([(whole, 1.0)]) == by_names(parts)
    for block in whole.terms:
        assert block.variables.values.tolist() == sorted(block.variables.values.tolist())


@pytest.mark.parametrize("worth", [0, 1 << 15])
@pytest.mark.parametrize("count", [3, 6])
def test_dust_is_judged_by_all_that_was_added(count: int, worth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combining, "WORTH", worth)
    names = np.array([[0, 1], [0, 2], [1, 2]], np.int32)
    rows = np.zeros(3, np.int32)
    # 0.1 + 0.2 - 0.3 leaves 5e-17; the small one of the second pair is no dust, what cancels exactly is nowhere.
    values = [[0.1, 1e-9, 1.0], [0.2, 0.0, -1.0], [-0.3, 0.0, 0.0]] + [[0.0, 0.0, 0.0]] * (count - 3)
    parts = [(pack(1, [(rows, names, np.array(v))]), 1.0) for v in values]
    extra = [(pack(1, [(rows[:1], np.array([[3, 4]], np.int32), np.array([2.0]))]), 1.0)] * (count - 3)
    whole = combine([*parts, *extra])
    wanted = {(0, 2): 1e-9} | ({(3, 4): 2.0 * (count - 3)} if extra else {})
    assert by_names([(whole, 1.0)]) == wanted


@pytest.mark.parametrize("shared", [1, 2, 3, 4])
@pytest.mark.parametrize("degree", [1, 2])
def test_few_pairs_have_the_same_bits_however_they_are_added(
    degree: int, shared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(shared)
    names = np.stack(np.triu_indices(80, 1), axis=1)[:, :degree].astype(np.int32)
    names = np.unique(names, axis=0)
    # Every term in as many of the four lists; thirds are rounded in each sum.
    chosen = np.argsort(rng.random((len(names), 4)), axis=1)[:, :shared]
    parts = []
    for which in range(4):
        here = names[(chosen == which).any(axis=1)]
        block = (np.zeros(len(here), np.int32), here, rng.normal(size=len(here)) / 3)
        parts.append((pack(1, [block]), float(rng.normal())))
    merged = combine(parts)
    monkeypatch.setattr(combining, "FEW", 1 << 60)
    monkeypatch.setattr(combining, "SIDES", 0)
    assert merged == combine(parts)


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 2.0, -3.0)])
def test_squares_that_are_rules_are_added_as_if_they_were_formed(weights: tuple[float, ...]) -> None:
    """One with the same number at all pairs, which are then never listed, one over other bits without."""
    first, second = np.arange(400, dtype=np.int32), np.arange(100, 480, dtype=np.int32)

    def squares() -> list[tuple[Polynomials, float]]:
        forms = (
            AffineForm(-3.0, first, np.ones(len(first)), False),
            AffineForm(2.0, second, np.resize(np.array(weights), len(second)), False),
        )
        found = [symbolic_square(form) for form in forms]
        return [(p, factor) for p, factor in zip(found, (0.375, 3.0), strict=True) if p is not None]

    formed = squares()
    assert len(formed) == 2
    for p, _ in formed:
        for block in p.terms:
            assert len(block.variables.values) == len(block.coefficients.values)
    rules = squares()
    assert combine(rules) == combine(formed)
    assert by_names([(combine(rules), 1.0)]) == by_names(formed)
    assert not rules[0][0].terms[-1].variables.formed
    assert formed[0][0].terms[-1].variables.formed


@pytest.mark.parametrize("count", [2, 3, 5])
def test_squares_over_the_same_bits_leave_their_pairs_a_rule(count: int) -> None:
    """Whole numbers add up exactly; where they cancel, to nothing or to dust, nothing is left."""
    rng, size = np.random.default_rng(count), 300
    forms = [rng.integers(-9, 10, size).astype(float) for _ in range(count)]
    for form in forms:
        form[form == 0] = 1
    forms[1][:2] = forms[0][:2]
    factors = [1.0, -1.0, *([3.0] * (count - 2))]
    names = np.arange(3, size + 3, dtype=np.int32)
    squares = [symbolic_square(AffineForm(2.0, names, form, False)) for form in forms]
    parts = [(square, factor) for square, factor in zip(squares, factors, strict=True) if square is not None]
    assert len(parts) == count
    whole = combine(parts)
    dense = sum(factor * np.outer(form, form) * 2 for form, factor in zip(forms, factors, strict=True))
    pairs = whole.terms[-1]
    i, j = np.triu_indices(size, 1)
    kept = dense[i, j] != 0
    assert pairs.coefficients.values.tolist() == dense[i, j][kept].tolist()
    assert pairs.variables.values.tolist() == np.stack([i[kept] + 3, j[kept] + 3], axis=1).tolist()
    assert not any(square.terms[-1].variables.formed for square, _ in parts)
    thirds = [(p, f / 3) for p, f in parts]
    assert by_names([(combine([*thirds, *((p, -f) for p, f in thirds)]), 1.0)]) == {}


def squared(rows: Polynomials) -> Polynomials:
    return combine([(part, 1.0) for part in form_energy(PenaltyForm.SQUARE, rows, Vartype.BINARY, None)])


def test_rows_over_the_same_bits_are_squared_as_in_a_family_each() -> None:
    rng = np.random.default_rng(5)
    weights = rng.integers(1, 20, (6, 260)).astype(float)
    bodies = [polynomials([{(i,): float(w) for i, w in enumerate(row)} | {(): -100.0}]) for row in weights]
    alone = [squared(body) for body in bodies]
    assert squared(arithmetic.stack(bodies)) == combine([(square, 1.0) for square in alone])
    overlapping = arithmetic.stack([bodies[0], polynomials([{(i + 100,): 2.0 for i in range(260)}])])
    found = squared(overlapping)
    points = rng.integers(0, 2, (20, 360))
    squares = (points[:, :260] @ weights[0] - 100) ** 2 + (2 * points[:, 100:].sum(axis=1)) ** 2
    assert arithmetic.evaluate(found, points)[:, 0].tolist() == squares.tolist()

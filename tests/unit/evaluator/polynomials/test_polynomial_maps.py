"""Compiled polynomial maps against numpy, whatever the vector's width, the number of points, threads and the code."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.poly.arithmetic import evaluate
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.evaluator.polynomials import PolynomialMap, batches, trajectory, values_at
from qevo_compiler.evaluator.polynomials.cost import straight_pays, vectors_of_tile

Floats = NDArray[np.float64]
BITS = pytest.mark.parametrize("bits", [128, 256, 512])
TYPES = pytest.mark.parametrize(("dtype", "accuracy"), [(np.float64, 1e-12), (np.float32, 2e-4)])
# Nothing, one, ragged and whole tiles for four and for two vectors of every width.
COUNTS = (0, 1, 2, 7, 33, 64, 130)


def family(rows: int, n: int, degrees: tuple[int, ...], terms: int, seed: int = 0) -> Polynomials:
    """Random terms of the given degrees, spread unevenly: the last row has none."""
    rng = np.random.default_rng(seed)
    blocks = []
    for degree in degrees:
        owner = np.minimum(rng.integers(0, rows, terms), max(rows - 2, 0))
        blocks.append((owner, rng.integers(0, n, (terms, degree)), rng.normal(size=terms)))
    return pack(rows, blocks)


def jacobian_reference(p: Polynomials, points: Floats) -> Floats:
    """[..., rows, variables] by the product rule, term by term."""
    found = np.zeros((*points.shape[:-1], p.rows, points.shape[-1]))
    for block in p.terms:
        for row, names, factor in zip(block.row.values, block.variables.values, block.coefficients.values, strict=True):
            for slot in range(block.degree):
                others = np.delete(names, slot)
                found[..., row, names[slot]] += factor * points[..., others].prod(axis=-1)
    return found


def agree(found: NDArray[np.floating], wanted: Floats, accuracy: float) -> None:
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=accuracy, atol=accuracy * max(1.0, np.abs(wanted).max(initial=0)))


@BITS
@TYPES
@pytest.mark.parametrize("degrees", [(0, 1, 2, 3), (4,), (0,), ()])
def test_values_and_derivatives(
    bits: int, dtype: type, accuracy: float, degrees: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QEVO_VECTOR_BITS", str(bits))
    p = family(9, 6, degrees, 40)
    ours = PolynomialMap(p, 6, dtype)
    for count in COUNTS:
        rng = np.random.default_rng(count)
        points, along, weights = (rng.uniform(-1, 1, (count, size)).astype(dtype) for size in (6, 6, 9))
        wanted, slopes = evaluate(p, points.astype(float)), jacobian_reference(p, points.astype(float))
        agree(ours.values(points), wanted, accuracy)
        agree(ours.columns(points.T), wanted.T, accuracy)
        for values, found, derivative in (
            (*ours.forward(points, along), np.einsum("brv,bv->br", slopes, along)),
            (*ours.reverse(points, weights), np.einsum("brv,br->bv", slopes, weights)),
        ):
            agree(values, wanted, accuracy)
            agree(found, derivative, accuracy)
        assert ours.values(points).dtype == dtype


@BITS
@TYPES
@pytest.mark.parametrize("straight", [True, False])
@pytest.mark.parametrize(("rows", "n", "terms"), [(9, 6, 40), (40, 30, 20), (3, 20, 400), (2, 1, 3)])
def test_one_point(
    bits: int,
    dtype: type,
    accuracy: float,
    straight: bool,
    rows: int,
    n: int,
    terms: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QEVO_VECTOR_BITS", str(bits))
    p = family(rows, n, (0, 1, 2, 3, 4), terms)
    ours = PolynomialMap(p, n, dtype, straight=straight)
    point, out = np.random.default_rng(2).uniform(-1, 1, n).astype(dtype), np.empty(rows, dtype)
    agree(ours.values(point), evaluate(p, point.astype(float)), accuracy)
    call = ours.bound(point, out)
    point[:] = np.linspace(-1, 1, n)
    call()
    agree(out, evaluate(p, point.astype(float)), accuracy)


@pytest.mark.parametrize("straight", [True, False])
def test_a_point_without_terms(straight: bool) -> None:
    empty = PolynomialMap(Polynomials(3, ()), 2, straight=straight)
    assert np.array_equal(empty.values([1.0, 2.0]), np.zeros(3))
    assert np.array_equal(empty.values(np.ones((5, 2))), np.zeros((5, 3)))
    nothing = PolynomialMap(Polynomials(0, ()), 0, straight=straight)
    assert nothing.values(np.zeros(0)).shape == (0,)
    assert nothing.values(np.zeros((4, 0))).shape == (4, 0)


def test_a_gradient_and_shapes() -> None:
    p = family(1, 4, (1, 2, 3), 12)
    ours = PolynomialMap(p, 4)
    points = np.random.default_rng(0).normal(size=(2, 3, 4))
    values, slopes = ours.gradient(points)
    agree(values, evaluate(p, points)[..., 0], 1e-12)
    agree(slopes, jacobian_reference(p, points)[..., 0, :], 1e-12)
    value, slope = ours.gradient(points[0, 0])
    assert value == pytest.approx(values[0, 0], rel=1e-14)
    agree(slope, slopes[0, 0], 1e-14)


def test_threads_change_nothing() -> None:
    p = family(9, 6, (2, 3), 100)
    points = np.random.default_rng(0).normal(size=(1000, 6))
    one = PolynomialMap(p, 6, threads=1).values(points)
    assert all(np.array_equal(one, PolynomialMap(p, 6, threads=count).values(points)) for count in (2, 3, 7))


def test_unsorted_rows_are_sorted_first() -> None:
    p = family(5, 4, (2,), 30)
    (block,) = p.terms
    back = type(block)(*(type(a)(a.values[::-1].copy()) for a in (block.row, block.variables, block.coefficients)))
    points = np.random.default_rng(0).normal(size=(20, 4))
    agree(PolynomialMap(Polynomials(5, (back,)), 4).values(points), evaluate(p, points), 1e-13)


def test_what_does_not_fit_is_refused() -> None:
    p = family(5, 4, (2,), 30)
    with pytest.raises(ValueError, match="beyond"):
        PolynomialMap(p, 2)
    ours = PolynomialMap(p, 4)
    for call in (ours.values, ours.columns):
        with pytest.raises(ValueError, match="points of 4"):
            call(np.ones((3, 5)))
    with pytest.raises(ValueError, match="points of 4"):
        ours.values(np.ones(5))
    with pytest.raises(ValueError, match="gradient"):
        ours.gradient(np.ones(4))
    with pytest.raises(ValueError, match="contiguous"):
        ours.bound(np.ones(8)[::2], np.ones(5))


def test_the_cost_model() -> None:
    assert [vectors_of_tile(count, 8, 4) for count in (1, 8, 9, 16, 17, 1000)] == [1, 1, 2, 2, 4, 4]
    assert straight_pays(100, 1000, 10**6)
    assert not straight_pays(100, 1000, 100)
    assert straight_pays(100, 10_000, 10**7)
    assert not straight_pays(1, 10_000, 10**7)
    assert not straight_pays(100, 100_000, 10**9)
    assert not straight_pays(5, 0, 10**9)


def test_expected_calls_decide() -> None:
    p = family(9, 6, (1, 2), 40)
    point = np.linspace(-1, 1, 6)
    for calls in (0, 10**6):
        agree(PolynomialMap(p, 6, calls=calls).values(point), evaluate(p, point), 1e-12)


@pytest.mark.parametrize("least", [0, 10**9])
def test_batches_and_trajectories(least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_COMPILED", least)
    steps = [family(6, 6, (0, 1, 2), 30, seed) for seed in (1, 2)]
    points = np.random.default_rng(0).integers(-1, 2, (5, 3, 6)).astype(np.int8)
    agree(values_at(steps[0], points), evaluate(steps[0], points), 1e-12)
    which = np.array([0, 1, 1, 0])
    found = trajectory(steps, which, np.full(6, 0.1))
    for t, i in enumerate(which.tolist()):
        agree(found[t + 1], evaluate(steps[i], found[t]), 1e-12)
    assert np.array_equal(found[0], np.full(6, 0.1))
    assert trajectory(steps, which[:0], np.full(6, 0.1)).shape == (1, 6)

"""Hessian-vector products of models against dense Hessians by torch.func, and spectra against their eigenvalues."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from qevo_compiler.analyses.hessian import magnitude_mask  # noqa: E402
from qevo_compiler.frontend.torch.hessian import HessianProduct, model_spectrum  # noqa: E402
from qevo_compiler.frontend.torch.load import TracedModel  # noqa: E402
from qevo_compiler.frontend.torch.state import parameter_values  # noqa: E402


@pytest.fixture(scope="module")
def traced() -> TracedModel:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(12, 20), torch.nn.Tanh(), torch.nn.Linear(20, 8))
    inputs, targets = torch.randn(40, 12), torch.randint(0, 8, (40,))
    return TracedModel.from_objects(model, inputs, targets, torch.nn.CrossEntropyLoss())


@pytest.fixture(scope="module")
def dense(traced: TracedModel) -> np.ndarray:
    names, shapes = zip(*((name, p.shape) for name, p in traced.parameters().items()), strict=True)
    flat = torch.cat([p.detach().reshape(-1) for p in traced.parameters().values()])

    def at(x):
        parts = torch.split(x, [shape.numel() for shape in shapes])
        state = {name: part.reshape(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        outputs = torch.func.functional_call(traced.whole.model, state, traced.batch.arguments)
        return traced.loss(outputs, traced.batch.targets)

    return torch.func.hessian(at)(flat).numpy()


def test_products(traced: TracedModel, dense: np.ndarray) -> None:
    product = HessianProduct(traced)
    vector = np.random.default_rng(0).normal(size=product.size)
    assert product.size == len(dense) == 428
    assert product(vector) == pytest.approx(dense @ vector, abs=1e-12)


def test_products_of_a_pruned_model(traced: TracedModel, dense: np.ndarray) -> None:
    live = magnitude_mask(parameter_values(traced), 0.1)
    chosen = np.flatnonzero(np.concatenate([mask.reshape(-1) for mask in live.values()]))
    product = HessianProduct(traced, live=live)
    columns = np.array([product(e) for e in np.eye(len(chosen))[:5]])
    assert product.size == 43
    assert columns == pytest.approx(dense[np.ix_(chosen, chosen)][:5], abs=1e-12)


def test_products_at_other_weights(traced: TracedModel) -> None:
    moved = {name: value * 1.5 for name, value in parameter_values(traced).items()}
    here, there = HessianProduct(traced), HessianProduct(traced, moved)
    step = 1e-5
    direction = np.random.default_rng(1).normal(size=there.size)
    start = 0
    shifted = {}
    for name, value in moved.items():
        shifted[name] = value + step * direction[start : start + value.size].reshape(value.shape)
        start += value.size
    slope = (HessianProduct(traced, shifted).gradient - there.gradient) / step
    assert slope == pytest.approx(there(direction), abs=1e-4)
    assert not np.allclose(here(direction), there(direction), atol=1e-3)


def test_the_spectrum_against_dense_eigenvalues(traced: TracedModel, dense: np.ndarray) -> None:
    values, vectors = np.linalg.eigh(dense)
    found = model_spectrum(traced, probes=10, steps=100, seed=2)
    assert found.extremes() == pytest.approx((values[0], values[-1]), rel=1e-6)

    def close(estimate: float, function, spare: float = 1e-6) -> bool:
        """Within five standard deviations of a trace by ten probes of signs: 2 (sum of squares off the diagonal)."""
        whole = vectors * function(values) @ vectors.T
        deviation = np.sqrt(2 * ((whole**2).sum() - (np.diag(whole) ** 2).sum()) / 10) / len(values)
        return bool(abs(estimate - function(values).mean()) <= 5 * deviation + spare)

    assert close(found.trace() / len(values), lambda x: x)
    grid, width = np.linspace(values[0], values[-1], 9), 0.05 * values[-1]
    for point, density in zip(grid, found.density(grid, width), strict=True):
        norm = width * np.sqrt(2 * np.pi)
        assert close(density, lambda x, at=point, by=norm: np.exp(-(((x - at) / width) ** 2) / 2) / by)
    # 21 of the 428 modes are flat: rounding decides on which side of 0 a Ritz value lies.
    assert close(found.dissipative_share(0.5), lambda x: 1.0 * ((x > 0) & (x < 4)), spare=21 / 428)
    for step, value in zip((0, 5, 20), found.growth(0.5, [0, 5, 20]), strict=True):
        assert close(value, lambda x, t=step: np.abs(1 - 0.5 * x) ** t)

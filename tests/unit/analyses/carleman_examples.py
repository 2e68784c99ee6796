"""The worked examples a1 to d2 of the Carleman specification (section 7), and random maps."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.dialects.poly import Polynomials
from qevo_compiler.dialects.poly.polynomials import pack

DATA = Path(os.environ.get("QEVO_DATA", Path(__file__).parents[3].parent / "shared" / "data"))


def golden(name: str) -> dict[str, Any]:
    """A block of the golden file, at full precision."""
    path = DATA / "carleman_golden.json"
    if not path.exists():
        pytest.skip("carleman_golden.json is not there: set QEVO_DATA to the folder of published instances")
    return json.loads(path.read_text())[name]


def family(*rows: dict[tuple[int, ...], float]) -> Polynomials:
    """One polynomial a dictionary from exponents to coefficients."""
    blocks = []
    for i, row in enumerate(rows):
        for exponents, value in row.items():
            names = [v for v, e in enumerate(exponents) for _ in range(e)]
            blocks.append((np.array([i]), np.array([names], np.int32).reshape(1, len(names)), np.array([value])))
    return pack(len(rows), blocks)


def scalar(*coefficients: float) -> Polynomials:
    """c_0 + c_1 u + ..."""
    return family({(k,): c for k, c in enumerate(coefficients) if c})


def repeated(step: Polynomials, steps: int) -> StepMap:
    return StepMap.from_steps([step] * steps)


QUARTIC = scalar(0, 0.9, 0, -0.1)
WELL_AT_ONE = scalar(0, 0.9, -0.15, -0.05)
WELL_AT_ZERO = scalar(0, 1.05, 0, -0.05)
AFFINE_QUADRATIC = scalar(0.005, 0.9, -0.05)


def saddle(decay: float = 0.0) -> Polynomials:
    """The deep linear net of c1 and c3: rate 0.1, coupling 0.8."""
    own = 1 - 0.1 * decay
    return family({(1, 0): own, (0, 1): 0.08, (1, 2): -0.1}, {(0, 1): own, (1, 0): 0.08, (2, 1): -0.1})


def tanh_unit() -> Polynomials:
    """d1, from its data: one unit z - z^3/3, rate 0.2, decay 0.05, three samples."""
    from qevo_compiler.analyses.carleman.optimizer import Sgd, fold, gradient, step_decay
    from qevo_compiler.dialects.poly import arithmetic

    total = []
    for x, y in ((0.5, 0.3), (-0.4, -0.2), (0.8, 0.45)):
        z = family({(1, 0): x, (0, 1): 1.0})
        residual = arithmetic.add(z, arithmetic.scale(arithmetic.power(z, 3), -1 / 3), arithmetic.constants([-y]))
        total.append(arithmetic.scale(arithmetic.power(residual, 2), 1 / 6))
    rule = Sgd(step_decay(0.2, 1), weight_decay=0.05)
    return fold([gradient(arithmetic.add(*total), 2)], np.zeros(1, np.int64), rule).variants[0]


def random_map(seed: int, constant: bool = False, scale: float = 0.3) -> tuple[Polynomials, np.ndarray]:
    """A random quadratic or cubic map in one to three variables, rho below one, and a start."""
    rng = np.random.default_rng(seed)
    n, degree = int(rng.integers(1, 4)), int(rng.integers(2, 4))
    linear = rng.normal(size=(n, n))
    linear *= rng.uniform(0.3, 0.97) / np.linalg.norm(linear, 2)
    rows, columns = np.indices((n, n)).reshape(2, -1)
    blocks = [(rows, columns[:, None], linear.reshape(-1))]
    for k in range(2, degree + 1):
        count = int(rng.integers(1, 6))
        names = np.sort(rng.integers(0, n, (count, k)), axis=1)
        blocks.append((rng.integers(0, n, count), names, scale * rng.normal(size=count)))
    if constant:
        blocks.append((np.arange(n), np.zeros((n, 0), np.int32), 0.02 * rng.normal(size=n)))
    return pack(n, blocks), rng.normal(size=n) * rng.uniform(0.05, 0.6)

import os
import subprocess
import sys

import numpy as np
import pytest

from qevo_compiler.dialects.nn.products import matmul

SHAPES = [
    ((3, 4), (4, 5)),
    ((200, 1), (1, 300)),
    ((1, 5000), (5000, 1)),
    ((130, 70), (70, 65)),
    ((2, 90, 100), (2, 100, 64)),
]
SHAPES += [((0, 4), (4, 2)), ((4, 0), (0, 2)), ((5000, 0), (0, 3)), ((2, 0, 5), (2, 5, 3)), ((1000, 600), (600, 1))]


@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_products_are_products(left, right):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=left), rng.normal(size=right)
    found = matmul(x, y)
    assert found.shape == (x @ y).shape
    np.testing.assert_allclose(found, x @ y, atol=1e-10)


def test_bits_do_not_depend_on_threads():
    code = (
        "import numpy as np, sys; from qevo_compiler.dialects.nn.products import matmul\n"
        "r = np.random.default_rng(0)\n"
        "for n, k, m in ((300, 300, 300), (1000, 2000, 1), (50, 5000, 3), (37, 129, 65)):\n"
        "    sys.stdout.buffer.write(matmul(r.normal(size=(n, k)), r.normal(size=(k, m))).tobytes())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "4")
    }
    assert len(outputs) == 1

"""The published instances: what is read is what independent code finds in the same files."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from interchange_support import objective

from qevo_compiler.dialects import poly
from qevo_compiler.dialects.poly import arithmetic
from qevo_compiler.interchange import InputFile, guess, read_problem, read_program

DATA = Path(os.environ.get("QEVO_DATA", Path(__file__).parents[3].parent / "shared" / "data"))


def instance(name: str) -> InputFile:
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not there: set QEVO_DATA to the folder of published instances")
    return InputFile.open(DATA / name)


@pytest.mark.parametrize("name", ["G1", "G6", "G11", "G14", "G18", "G22", "G32", "G43"])
def test_gset(name: str) -> None:
    file = instance(f"gset/{name}.txt")
    assert guess(file) == "gset"
    lines = [line.split() for line in file.text.split("\n")[1:] if line.strip()]
    size = int(file.text.split()[0])
    side = np.random.default_rng(3).choice([-1, 1], size)
    cut = sum(int(w) for i, j, w in lines if side[int(i) - 1] != side[int(j) - 1])
    assert objective(read_problem(file), side)[0] == -cut


@pytest.mark.parametrize("name", ["bqp50-1", "bqp100-1", "bqp250-1", "bqp500-1", "gka1a", "gka1c", "gka1d"])
def test_biqmac(name: str) -> None:
    file = instance(f"bqp/{name}.sparse")
    rows = np.array([line.split() for line in file.text.split("\n")[1:] if line.strip()], float)
    size = int(file.text.split()[0])
    upper = np.zeros((size, size))
    upper[rows[:, 0].astype(int) - 1, rows[:, 1].astype(int) - 1] = rows[:, 2]
    full = upper + upper.T - np.diag(np.diag(upper))
    x = np.random.default_rng(4).integers(0, 2, size)
    assert objective(read_problem(file), x)[0] == x @ full @ x


@pytest.mark.parametrize("name", ["25_1", "25_2", "50_1", "100_1"])
def test_qkp(name: str) -> None:
    file = instance(f"qkp/jeu_100_{name}.txt")
    assert guess(file) == "qkp"
    lines = file.text.split("\n")
    size = int(lines[1])
    linear = list(map(int, lines[2].split()))
    triangle = [list(map(int, line.split())) for line in lines[3 : 2 + size]]
    kind, capacity, *weights = map(int, " ".join(lines[3 + size : 6 + size]).split())
    assert kind == 0
    chosen: list[int] = []
    for thing in np.random.default_rng(6).permutation(size).tolist():
        if sum(weights[i] for i in chosen) + weights[thing] <= capacity:
            chosen.append(thing)
    profit = sum(linear[i] for i in chosen) + sum(triangle[i][j - i - 1] for i in chosen for j in chosen if i < j)
    x = np.zeros(size)
    x[chosen] = 1
    module = read_problem(file)
    assert objective(module, x)[0] == -profit
    fits = module.main.only(poly.ConstraintOp)
    assert arithmetic.evaluate(fits.body, x)[0] == sum(weights[i] for i in chosen) - capacity


def _geo(a: list[float], b: list[float]) -> int:
    angles = []
    for value in (*a, *b):
        degrees = int(value)
        angles.append(3.141592 * (degrees + 5.0 * (value - degrees) / 3.0) / 180.0)
    latitude, longitude, latitude_b, longitude_b = angles
    q1, q2, q3 = (math.cos(v) for v in (longitude - longitude_b, latitude - latitude_b, latitude + latitude_b))
    return int(6378.388 * math.acos(0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3)) + 1.0)


@pytest.mark.parametrize("name", ["burma14", "ulysses16", "gr17", "fri26"])
def test_tsplib(name: str) -> None:
    file = instance(f"tsp/{name}.tsp")
    fields = dict(line.replace(" ", "").split(":", 1) for line in file.text.split("\n") if ":" in line)
    size = int(fields["DIMENSION"])
    if fields["EDGE_WEIGHT_TYPE"] == "GEO":
        rows = file.text.split("NODE_COORD_SECTION\n")[1].split("\n")[:size]
        points = [list(map(float, row.split()[1:])) for row in rows]
        length = sum(_geo(points[c], points[(c + 1) % size]) for c in range(size))
    else:
        assert fields["EDGE_WEIGHT_FORMAT"] == "LOWER_DIAG_ROW"
        numbers = iter(map(int, file.text.split("EDGE_WEIGHT_SECTION")[1].split("EOF")[0].split()))
        matrix = [[next(numbers) for _ in range(row + 1)] for row in range(size)]
        length = sum(matrix[c + 1][c] for c in range(size - 1)) + matrix[size - 1][0]
    module = read_problem(file)
    identity = np.eye(size).reshape(-1)
    assert objective(module, identity)[0] == length
    for family in module.main.ops_of(poly.ConstraintOp):
        assert not arithmetic.evaluate(family.body, identity).any()


@pytest.mark.parametrize("name", ["gset/G11.txt", "bqp/gka1a.sparse", "qkp/jeu_100_25_1.txt", "tsp/burma14.tsp"])
def test_the_readable_program_states_the_same_polynomials(name: str, tmp_path: Path) -> None:
    from qevo_compiler.frontend.load import import_source
    from qevo_compiler.passes import Pipeline
    from qevo_compiler.passes.pipelines import SOURCES

    file = instance(name)
    for part, content in read_program(file).files("same").items():
        (tmp_path / part).write_bytes(content)
    program = Pipeline.parse(SOURCES["problem"], {}).run(import_source(tmp_path / "same.qevo").module)
    assert program.func("problem") == read_problem(file).func("problem")

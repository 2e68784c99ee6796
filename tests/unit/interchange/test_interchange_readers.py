"""Each format means what its definition says: enumerated against dimod or against loops over the definition."""

from __future__ import annotations

import itertools
import json
import math

import dimod
import numpy as np
import pytest
from interchange_support import objective, stated, states
from ising_support import all_points, merits

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.problem import Domain, Relation, Sense, VariableOp
from qevo_compiler.interchange.columns import float_text, table
from qevo_compiler.interchange.tsp_distances import LAYOUTS

LP = r"""\ a comment with nan in it
Maximize
 value: 2 a + 3 b + [ 2 a * b + 4 k ^ 2 ] / 2 + 7.5
Subject To
 room: a + b + k <= 4
 a - k >= -2
 tie: [ a * c ] + k = 1
Bounds
 0 <= k <= 3
Binary
 a b c
General
 k
End
"""


def symbols(module) -> list[str]:
    return [op.symbol for op in module.main.ops_of(VariableOp)]


def test_an_lp_file_means_what_dimod_says() -> None:
    module, model = stated(LP, "small.lp"), dimod.lp.loads(LP)
    assert symbols(module) == ["a", "b", "k", "c"]
    assert [op.symbol for op in module.main.ops_of(poly.ConstraintOp)] == ["room", "c[1]", "tie"]
    assert module.main.only(poly.ObjectiveOp).sense is Sense.MAXIMIZE
    assert str(module.main.ops_of(VariableOp)[2].span) == "small.lp:3:35"
    points = all_points(module)
    values, feasible = merits(module, points)
    for point, value, fits in zip(points, values, feasible, strict=True):
        sample = dict(zip(symbols(module), point, strict=True))
        assert model.objective.energy(sample) == pytest.approx(value)
        assert model.check_feasible(sample) == fits
    assert feasible.any()
    assert not feasible.all()


def test_an_lp_file_without_an_objective_asks_for_any_feasible_point() -> None:
    """As dimod writes a model whose objective has no terms."""
    model = dimod.ConstrainedQuadraticModel()
    model.add_constraint(dimod.Binary("a") + dimod.Binary("b"), "==", rhs=1, label="one")
    text = dimod.lp.dumps(model)
    assert "imize" not in text
    module = stated(text, "any.lp")
    assert not objective(module, np.array([[0, 0], [1, 0], [0, 1], [1, 1]])).any()
    assert [op.symbol for op in module.main.ops_of(poly.ConstraintOp)] == ["one"]


def test_numbered_names_of_an_lp_file_are_one_array_in_their_order() -> None:
    module = stated("Minimize\n obj: 2 y2 + 3 y0 - y1\nBinary\n y2 y0 y1\nEnd\n", "a.lp")
    (variable,) = module.main.ops_of(VariableOp)
    assert (variable.symbol, variable.shape) == ("y", (3,))
    assert objective(module, np.eye(3)).tolist() == [3, -1, 2]


QPLIB = """small # name
QGQ # objective, variables, constraints
maximize
3 # variables
3 # constraints
3 # quadratic terms in the objective
1 1 4.0
2 1 3.0
3 2 -1.0
0.5 # default linear
1
2 -2.0
10.0 # constant
2 # quadratic terms in constraints
1 2 1 1.0
3 3 3 2.0
4 # linear terms in constraints
1 3 1.0
2 1 1.0
2 2 2.0
3 1 1.0
1e+30
-1e+30 # left sides
2
2 1.0
3 2.0
2.0 # right sides
1
1 1e+30
0.0 # lower bounds
0
1.0 # upper bounds
1
3 2.6
2 # types
1
3 1
0.0
0
0.0
0
0.0
0
0
1
2 sum
"""


def test_a_qplib_file_means_what_its_definition_says() -> None:
    module = stated(QPLIB, "small.qplib")
    assert symbols(module) == ["x1", "x2", "x3"]
    # Row 1 has two infinite sides, row 2 two different ones, row 3 two equal ones.
    families = [(op.symbol, op.relation) for op in module.main.ops_of(poly.ConstraintOp)]
    assert families == [("sum", Relation.LE), ("c3", Relation.EQ)]
    hessian = np.array([[4.0, 3.0, 0.0], [3.0, 0.0, -1.0], [0.0, -1.0, 0.0]])
    points = all_points(module)
    assert points[:, 2].max() == 2
    values, feasible = merits(module, points)
    for x, value, fits in zip(points, values, feasible, strict=True):
        assert -value == pytest.approx(x @ hessian @ x / 2 + np.array([0.5, -2, 0.5]) @ x + 10)
        assert fits == (1 <= x[0] + 2 * x[1] <= 2 and x[0] + x[2] ** 2 == 2)


def test_bqpjson_multiplies_by_its_scale_and_keeps_its_ids() -> None:
    record = {
        "version": "1.0.0", "id": 3, "metadata": {}, "variable_domain": "spin", "variable_ids": [9, 2, 4],
        "scale": 0.5, "offset": 3.0, "linear_terms": [{"id": 9, "coeff": 2.0}],
        "quadratic_terms": [{"coeff": -4.0, "id_head": 9, "id_tail": 2}],
    }  # fmt: skip
    module = stated(json.dumps(record), "a.bqpjson")
    (variable,) = module.main.ops_of(VariableOp)
    assert variable.domain is Domain.SPIN
    assert variable.positions.values.tolist() == [2, 4, 9]
    points = states(3, -1)
    assert (
        objective(module, points).tolist() == (0.5 * (3 + 2 * points[:, 2] - 4 * points[:, 0] * points[:, 2])).tolist()
    )


def test_labels_of_a_bqm_are_kept() -> None:
    model = dimod.BinaryQuadraticModel({"b": 1.0, "a": -2.0}, {("a", "b"): 4.0}, 0.5, "BINARY")
    with model.to_file() as file:
        module = stated(file.read(), "named.bqm")
    assert symbols(module) == ["a", "b"]
    assert objective(module, np.array([[0, 1], [1, 0], [1, 1]])).tolist() == [1.5, -1.5, 3.5]
    turned = dimod.BinaryQuadraticModel({2: 1.0, 0: -2.0, 1: 8.0}, {(2, 1): 4.0}, 0.0, "SPIN")
    module = stated(json.dumps(turned.to_serializable()), "turned.json")
    assert symbols(module) == ["s"]
    points = states(3, -1)
    assert objective(module, points).tolist() == turned.energies((points, [0, 1, 2])).tolist()


def test_repeated_and_mirrored_coordinates_add_up() -> None:
    module = stated("# a spin model, vartype=SPIN\n0 1 2\n1 0 3\n\n1 1 4\n% done\n", "a.coo")
    points = states(2, -1)
    assert objective(module, points).tolist() == (5 * points[:, 0] * points[:, 1] + 4 * points[:, 1]).tolist()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_list_of_weights_gives_the_same_matrix(layout: str) -> None:
    rng = np.random.default_rng(5)
    matrix = np.triu(rng.integers(1, 99, (5, 5)), 1)
    matrix += matrix.T
    cells = {
        "FULL_MATRIX": [(i, j) for i in range(5) for j in range(5)],
        "UPPER_ROW": [(i, j) for i in range(5) for j in range(i + 1, 5)],
        "LOWER_ROW": [(i, j) for i in range(5) for j in range(i)],
        "UPPER_DIAG_ROW": [(i, j) for i in range(5) for j in range(i, 5)],
        "LOWER_DIAG_ROW": [(i, j) for i in range(5) for j in range(i + 1)],
        "UPPER_COL": [(i, j) for j in range(5) for i in range(j)],
        "LOWER_COL": [(i, j) for j in range(5) for i in range(j + 1, 5)],
        "UPPER_DIAG_COL": [(i, j) for j in range(5) for i in range(j + 1)],
        "LOWER_DIAG_COL": [(i, j) for j in range(5) for i in range(j, 5)],
    }[layout]
    weights = " ".join(str(matrix[cell]) for cell in cells)
    head = f"TYPE: TSP\nDIMENSION : 5\nEDGE_WEIGHT_TYPE: EXPLICIT\nEDGE_WEIGHT_FORMAT: {layout}\nEDGE_WEIGHT_SECTION\n"
    module = stated(f"{head}{weights}\nEOF\n", "t.tsp")
    for tour in itertools.islice(itertools.permutations(range(5)), 0, 120, 17):
        length = sum(matrix[tour[t], tour[(t + 1) % 5]] for t in range(5))
        assert objective(module, _tour(tour))[0] == length


def _tour(cities: tuple[int, ...]) -> np.ndarray:
    visits = np.zeros((len(cities), len(cities)))
    visits[list(cities), range(len(cities))] = 1
    return visits.reshape(-1)


def _att(x: float, y: float) -> int:
    exact = math.sqrt((x * x + y * y) / 10.0)
    nearest = int(exact + 0.5)
    return nearest + 1 if nearest < exact else nearest


LENGTHS = {
    "EUC_2D": lambda x, y: int(math.sqrt(x * x + y * y) + 0.5),
    "CEIL_2D": lambda x, y: math.ceil(math.sqrt(x * x + y * y)),
    "ATT": _att,
}


@pytest.mark.parametrize("kind", LENGTHS)
def test_plane_distances_are_rounded_as_tsplib_says(kind: str) -> None:
    points = np.random.default_rng(2).integers(0, 300, (6, 2))
    rows = "\n".join(f"{city + 1} {x} {y}" for city, (x, y) in reversed(list(enumerate(points.tolist()))))
    text = f"NAME: t\nTYPE: TSP\nDIMENSION: 6\nEDGE_WEIGHT_TYPE: {kind}\nNODE_COORD_SECTION\n{rows}\nEOF\n"
    module = stated(text, "t.tsp")
    for tour in [(0, 1, 2, 3, 4, 5), (3, 0, 5, 1, 4, 2)]:
        steps = [points[tour[t]] - points[tour[(t + 1) % 6]] for t in range(6)]
        assert objective(module, _tour(tour))[0] == sum(LENGTHS[kind](*step.tolist()) for step in steps)


def test_a_tour_is_feasible_when_it_visits_every_city_once() -> None:
    head = "TYPE: TSP\nDIMENSION: 3\nEDGE_WEIGHT_TYPE: EXPLICIT\nEDGE_WEIGHT_FORMAT: UPPER_ROW\n"
    module = stated(f"{head}EDGE_WEIGHT_SECTION\n1 2 4\n", "t.tsp")
    points = all_points(module)
    _, feasible = merits(module, points)
    grids = points.reshape(-1, 3, 3)
    assert feasible.tolist() == ((grids.sum(axis=1) == 1).all(axis=1) & (grids.sum(axis=2) == 1).all(axis=1)).tolist()


def test_a_false_constant_row_is_refused_and_a_true_one_dropped() -> None:
    head = "Minimize\n obj: a + b\nSubject To\n one: a + b >= 1\n"
    module = stated(f"{head} idle: 0 a <= 3\nBinary\n a b\nEnd\n", "a.lp")
    assert [op.symbol for op in module.main.ops_of(poly.ConstraintOp)] == ["one"]
    with pytest.raises(CompileError, match="Q0225"):
        stated(f"{head} idle: 0 a >= 3\nBinary\n a b\nEnd\n", "a.lp")


def test_coefficients_that_would_overflow_are_refused() -> None:
    with pytest.raises(CompileError, match="Q0606"):
        stated("0 0 1e200\n", "a.coo")


def test_tables_are_written_as_rows_of_shortest_numbers() -> None:
    integers = np.array([0, 7, 10, 12345, 3_000_000_000])
    floats = np.array([0.1, -2.0, 1e22, 1e-7, 1 / 3])
    text = b"".join(table([integers, b" ", floats, b"\n"])).decode()
    assert text == "".join(f"{i} {f!r}\n" for i, f in zip(integers.tolist(), floats.tolist(), strict=True))
    assert b"".join(table([integers[:0], b" ", floats[:0]])) == b""
    for value in floats.tolist():
        assert "e" not in float_text(value, positional=True)
        assert float(float_text(value, positional=True)) == value


def test_an_ommx_instance_means_what_ommx_says() -> None:
    ommx = pytest.importorskip("ommx.v1")
    x = [ommx.DecisionVariable.binary(i, name="x", subscripts=[i]) for i in range(3)]
    k = ommx.DecisionVariable.integer(7, lower=-1, upper=2, name="k")
    instance = ommx.Instance.from_components(
        decision_variables=[*x, k],
        objective=2 * x[0] * x[1] - 3 * x[2] * k + k * k * x[0] + 0.5,
        constraints=[(x[0] + x[2] + k <= 2).set_id(4).add_name("room"), (x[1] * k + x[2] == 1).set_id(9)],
        sense=ommx.Instance.MAXIMIZE,
    )
    module = stated(instance.to_bytes(), "a.ommx.pb")
    assert [(op.symbol, op.shape) for op in module.main.ops_of(VariableOp)] == [("x", (3,)), ("k", ())]
    assert {op.symbol for op in module.main.ops_of(poly.ConstraintOp)} == {"room", "c[9]"}
    points = all_points(module)
    values, feasible = merits(module, points)
    for point, value, fits in zip(points, values, feasible, strict=True):
        solution = instance.evaluate(dict(zip([0, 1, 2, 7], point.tolist(), strict=True)))
        assert -value == pytest.approx(solution.objective)
        assert fits == solution.feasible


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x7f"])
def test_control_characters_in_lp_files_are_refused(character: str) -> None:
    """dimod's reader runs forever on the first of them."""
    text = f"Minimize\n obj: x0 + 2 x1\nSubject To\n c: x0 + {character}x1 >= 1\nBinary\n x0 x1\nEnd\n"
    with pytest.raises(CompileError) as refused:
        stated(text.encode(), "lp")
    (found,) = refused.value.diagnostics
    assert (found.code, str(found.span)) == ("Q0911", "lp:4:10")


MPS = """NAME          shop
OBJSENSE
    MAX
ROWS
 N  profit
 L  weight
 G  least
 E  pair
COLUMNS
    MARKER                 'MARKER'                 'INTORG'
    x1        profit         8.0   weight         4.0
    x1        least          1.0
    x2        profit         3.0   weight         2.0
    x2        least          1.0   pair           1.0
    k         profit         2.5   weight         1.0
    k         pair           1.0
    MARKER                 'MARKER'                 'INTEND'
RHS
    RHS       weight         7.0   least          1.0
    RHS       pair           2.0
RANGES
    RNG       weight         5.0
BOUNDS
 BV BND       x1
 UP BND       x2             1
 UP BND       k              3
ENDATA
"""


def test_an_mps_file_means_what_it_says() -> None:
    pytest.importorskip("ommx.v1")
    module = stated(MPS.encode(), "shop.mps")
    assert [op.symbol for op in module.main.ops_of(VariableOp)] == ["x1", "x2", "k"]
    points = all_points(module)
    values, feasible = merits(module, points)
    for (x1, x2, k), value, fits in zip(points.tolist(), values, feasible, strict=True):
        assert -value == pytest.approx(8 * x1 + 3 * x2 + 2.5 * k)
        assert fits == (2 <= 4 * x1 + 2 * x2 + k <= 7 and x1 + x2 >= 1 and x2 + k == 2)


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ("ENDATA\n", "", "Q0908", "shop.mps:26:2"),
        ("L  weight", "Q  weight", "Q0911", "shop.mps:6:2"),
        ("profit         8.0", "nowhere        8.0", "Q0911", "shop.mps:11:15"),
        ("8.0", "eight", "Q0911", "shop.mps:11:30"),
        ("'INTORG'", "'OTHER'", "Q0911", "shop.mps:10:53"),
    ],
)
def test_broken_mps_files_are_refused(old: str, new: str, code: str, place: str) -> None:
    pytest.importorskip("ommx.v1")
    with pytest.raises(CompileError) as refused:
        stated(MPS.replace(old, new).encode(), "shop.mps")
    found = refused.value.diagnostics[0]
    assert (found.code, str(found.span)) == (code, place)


@pytest.mark.parametrize(("sign", "meant"), [("<", "<="), ("=<", "<="), (">", ">="), ("=>", ">="), ("==", "=")])
def test_lp_files_may_write_relations_in_their_ways(sign: str, meant: str) -> None:
    text = "Maximize\n obj: x0 + 2 x1\nSubject To\n c: x0 + x1 {} 1\nBinary\n x0 x1\nEnd\n"
    assert stated(text.format(sign).encode(), "a.lp") == stated(text.format(meant).encode(), "a.lp")


@pytest.mark.parametrize("row", ["c: 1 <= x0 + x1 <= 2", "my row: x0 + x1 <= 1", "c: x0 + x1 <="])
def test_the_line_of_a_bad_row_of_an_lp_file_is_shown(row: str) -> None:
    with pytest.raises(CompileError) as refused:
        stated(f"Minimize\n obj: x0\nSubject To\n {row}\nBinary\n x0 x1\nEnd\n".encode(), "a.lp")
    assert str(refused.value.diagnostics[0].span) == "a.lp:4:2"

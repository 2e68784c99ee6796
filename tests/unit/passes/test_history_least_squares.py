"""The annealing route: ground states against brute force over the grid, boxes that hold the solution, shrinking."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler import CompileError
from qevo_compiler import compile as compile_program
from qevo_compiler.analyses.carleman.history import HistorySystem
from qevo_compiler.analyses.carleman.least_squares import LeastSquares, majorant_radii, quadratic_form
from qevo_compiler.analyses.carleman.lift import lift
from qevo_compiler.decode.history import HistoryReader
from qevo_compiler.dialects import ising, linear
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.dialects.problem import VariableOp
from qevo_compiler.driver import lower_linear
from qevo_compiler.ir import Evidence
from qevo_compiler.passes.history_least_squares import HistoryLeastSquares
from qevo_compiler.runtime.boxes import bit_model, shrink


def source(steps: int, order: int = 3, rate: float = 0.1, loss: str = "x^2 / 2 + x^4 / 4", start: float = 0.5) -> str:
    return (
        f"program p\nparam x: real = {start}\nminimize {loss}\ntrain sgd(rate = {rate}, steps = {steps})\n"
        f"linearize carleman(order = {order})\n"
    )


def squares(text: str, padding: int = 0) -> LeastSquares:
    module = lower_linear(text, passes={"history-system": {"padding": padding}})
    return LeastSquares.of(HistoryReader.of(module).system)


def grid_minimum(text: str, values: list[np.ndarray], padding: int = 0) -> tuple[np.ndarray, float]:
    """Brute force over every grid point by ||L y - b||^2 with the whole dense L: independent of any bit model."""
    problem = squares(text, padding)
    matrix, right = problem.system.matrix().toarray(), problem.system.right_side()
    best, least = None, np.inf
    for point in product(*values):
        y = problem.expand(np.array(point)).reshape(-1)
        energy = float(np.sum((matrix @ y - right) ** 2))
        if energy < least:
            best, least = np.array(point), energy
    assert best is not None
    return best, least


@pytest.mark.parametrize(("steps", "bits"), [(2, 3), (3, 2)])
def test_the_compiled_ground_state_is_the_nearest_grid_least_squares(steps: int, bits: int) -> None:
    """Acceptance test 12, through the whole pipeline: encode, quadratize, decode."""
    passes = {"history-least-squares": {"bits": bits}}
    program = compile_program(source(steps), target="qubo", passes=passes)
    model = program.module.main.only(ising.QuboOp)
    assert model.size <= 20
    states = np.array(list(product((-1, 1), repeat=model.size)), np.int8)
    solutions = program.decoder.decode(states)
    chosen = int(np.argmin(solutions.objective))
    reader = HistoryReader.of(program.module)
    y = reader.from_values({name: values[chosen] for name, values in solutions.values.items()})
    problem = LeastSquares.of(reader.system)
    boxes = problem.box(majorant_radii(reader.map.map, reader.map.start.values))
    best, least = grid_minimum(source(steps), [np.linspace(-r, r, 2**bits) for r in boxes])
    assert y.reshape(-1)[problem.free] == pytest.approx(best, abs=1e-12)
    assert solutions.objective[chosen] == pytest.approx(least, abs=1e-12)
    energies = (states > 0) @ model.linear.values + model.offset
    energies += ((states[:, model.rows.values] > 0) & (states[:, model.columns.values] > 0)) @ model.quadratic.values
    assert energies == pytest.approx(solutions.objective, abs=1e-12)


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(0, 2), st.integers(1, 3))
@settings(max_examples=25)
def test_the_quadratic_form_is_the_residual(seed: int, steps: int, padding: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    problem = squares(source(steps), padding)
    centre, spacing = rng.normal(size=len(problem.free)), rng.uniform(0.1, 1, len(problem.free))
    products, slopes, offset = quadratic_form(problem, centre, spacing, bits)
    bit = rng.integers(0, 2, len(spacing) * bits)
    z = centre + spacing * (bit.reshape(-1, bits) @ 2 ** np.arange(bits))
    matrix, right = problem.system.matrix(), problem.system.right_side()
    wanted = float(np.sum((matrix @ problem.expand(z).reshape(-1) - right) ** 2))
    assert bit @ products @ bit + slopes @ bit + offset == pytest.approx(wanted, rel=1e-10, abs=1e-12)
    assert float(problem.energy(z)) == pytest.approx(wanted, rel=1e-10, abs=1e-12)
    model = bit_model(problem, centre, spacing, bits)
    spins = 2.0 * bit - 1
    energy = model.offset + spins @ model.fields.values
    energy += (spins[model.rows.values] * spins[model.columns.values]) @ model.couplings.values
    assert energy == pytest.approx(wanted, rel=1e-9, abs=1e-10)


@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 3), st.integers(0, 3), st.floats(0.4, 2.5))
@settings(max_examples=40)
def test_the_boxes_hold_the_solution(seed: int, steps: int, order: int, padding: int, gamma: float) -> None:
    from qevo_compiler.dialects.poly.polynomials import pack

    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 3))
    blocks = []
    for degree in range(4):
        variables = np.sort(rng.integers(0, n, (2 * n, degree)), axis=1)
        blocks.append((rng.integers(0, n, 2 * n), variables, 0.4 * rng.normal(size=2 * n)))
    step = pack(n, blocks)
    steps_map = StepMap.from_steps([step] * steps)
    start = rng.normal(size=n) * 0.5
    problem = LeastSquares.of(HistorySystem(lift(steps_map, start, order), padding, gamma))
    boxes = problem.box(majorant_radii(steps_map, start))
    assert (np.abs(problem.solution) <= boxes * (1 + 1e-12) + 1e-15).all()
    assert problem.expand(problem.solution) == pytest.approx(problem.system.solution())


def test_shrinking_boxes_converge_on_a1_over_three_steps() -> None:
    problem = squares(source(3))
    module = lower_linear(source(3))
    op = module.main.only(linear.MapOp)
    boxes = problem.box(majorant_radii(op.map, op.start.values))
    found = shrink(problem, -boxes, 2 * boxes / 3, 2, 45)
    residuals = [r.residual for r in found.rounds]
    assert residuals == sorted(residuals, reverse=True)
    assert residuals[0] > 1e-2 > 1e-8 > residuals[-1]
    assert found.unknowns == pytest.approx(problem.solution, abs=1e-8)
    assert all(r.exact for r in found.rounds)


def test_one_bit_an_unknown_also_moves_both_ways() -> None:
    problem = squares(source(1, order=1))
    for first in (-1.0, 1.0):
        found = shrink(problem, np.array([first]), np.array([0.5]), 1, 100)
        assert found.unknowns == pytest.approx(problem.solution, abs=1e-6)


def test_the_distance_in_the_ledger_holds() -> None:
    """kappa times half the diagonal of a cell bounds how far the grid's ground state is from the lift."""
    bits = 3
    module = HistoryLeastSquares(bits=bits).run(lower_linear(source(2), passes={"history-system": {"padding": 0}}))
    entries = {e.quantity: e.value for e in module.ledger if e.stage == "history-least-squares"}
    problem = squares(source(2))
    assert entries["relative precision needed"] == pytest.approx(problem.condition[0] ** -2)
    radii = majorant_radii(HistoryReader.of(module).map.map, np.array([0.5]))
    grid = [np.linspace(-r, r, 2**bits) for r in problem.box(radii)]
    best, _ = grid_minimum(source(2), grid)
    assert np.linalg.norm(best - problem.solution) <= entries["distance of the ground state from the lifted solution"]


def test_a_majorant_that_blows_up_gives_way_to_the_optimizers_path() -> None:
    text = source(40, order=1).replace("steps = 40", "steps = 40, momentum = 0.9")
    module = lower_linear(text, passes={"history-system": {"padding": 0}})
    lowered = HistoryLeastSquares().run(module)
    (entry,) = (e for e in lowered.ledger if e.quantity.startswith("distance of the ground state"))
    assert entry.kind is Evidence.ESTIMATED
    largest = max(float(np.abs(op.upper.values).max()) for op in lowered.main.ops_of(VariableOp))
    assert 1.0 <= largest <= 5.0


def test_a_path_that_blows_up_asks_for_a_radius() -> None:
    wild = source(30, order=1, rate=0.9, loss="x^2 / 2 + x^4 / 4", start=1.5)
    module = lower_linear(wild, passes={"history-system": {"padding": 0}, "carleman-truncation": {"force": True}})
    with pytest.raises(CompileError, match="Q0630"):
        HistoryLeastSquares().run(module)
    assert HistoryLeastSquares(radius=2.0).run(module).find("problem") is not None


@pytest.mark.parametrize("options", [{"bits": 0}, {"radius": -1.0}])
def test_wrong_options_are_refused(options: dict[str, float]) -> None:
    module = lower_linear(source(1))
    with pytest.raises(CompileError, match="Q0504"):
        HistoryLeastSquares(**options).run(module)


def test_names_of_monomials_are_those_of_the_source() -> None:
    text = (
        "program p\nparam w: real = 0.2\nparam b: real = 0.1\nminimize (w * b - 1)^2 + w^2\n"
        "train sgd(rate = 0.1, steps = 1)\nlinearize carleman(order = 2)\n"
    )
    reader = HistoryReader.of(lower_linear(text, passes={"carleman-truncation": {"closure": False}}))
    assert reader.names == ("1", "w", "b", "w^2", "w*b", "b^2")

"""Models of other libraries, given in Python: the decoded answer is what the library itself says."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from typing import Any

import dimod
import numpy as np
import pytest
import scipy.sparse

from qevo_compiler import CompileError, compile
from qevo_compiler.decode import Solution
from qevo_compiler.dialects.problem import VariableOp


def random_cqm(seed: int) -> dimod.ConstrainedQuadraticModel:
    rng = random.Random(seed)
    model = dimod.ConstrainedQuadraticModel()
    bits = [dimod.Binary(f"b{i}") for i in range(rng.randint(2, 4))]
    others = [dimod.Integer("k", lower_bound=-2, upper_bound=rng.randint(0, 3)), dimod.Spin("s")]
    every = [*bits, *others]

    def affine() -> Any:
        return sum(rng.randint(-4, 4) * v for v in every) + bits[0]

    pairs = sum(rng.randint(-3, 3) * a * b for a, b in itertools.combinations(every, 2))
    model.set_objective(affine() + pairs + rng.randint(-1, 1) * others[0] * others[0])
    for row in range(rng.randint(0, 2)):
        model.add_constraint(affine(), rng.choice(["<=", ">=", "=="]), rhs=rng.randint(-3, 4), label=f"c{row}")
    if rng.random() < 0.4:
        model.add_constraint(sum(bits), "<=", rhs=1, label="soft", weight=rng.choice([0.5, 2.0]), penalty="quadratic")
    return model


def values_of(model: dimod.ConstrainedQuadraticModel, name: str) -> range | tuple[int, ...]:
    kind = model.vartype(name)
    if kind is dimod.INTEGER:
        return range(int(model.lower_bound(name)), int(model.upper_bound(name)) + 1)
    return (-1, 1) if kind is dimod.SPIN else (0, 1)


def least(model: dimod.ConstrainedQuadraticModel) -> float | None:
    """dimod's own objective plus soft penalties, at the best of all feasible states."""
    found = []
    for state in itertools.product(*(values_of(model, name) for name in model.variables)):
        sample = dict(zip(model.variables, state, strict=True))
        energy, feasible = model.objective.energy(sample), True
        for row in model.iter_constraint_data(sample):
            excess = max(row.violation, 0.0)
            left = model.constraints[row.label].lhs
            if left.is_soft():
                energy += left.weight() * excess**2
            else:
                feasible &= excess <= 1e-9
        if feasible:
            found.append(energy)
    return min(found, default=None)


def answer(model: dimod.ConstrainedQuadraticModel) -> Solution | None:
    """The best feasible answer, None where the compiler or the sampler finds that there is none."""
    try:
        best = compile(model).run(reads=100, seed=1).best
    except CompileError:
        return None
    return best if best.feasible else None


@pytest.mark.parametrize("seed", range(25))
def test_constrained_models_mean_what_dimod_says(seed: int) -> None:
    model = random_cqm(seed)
    wanted = least(model)
    best = answer(model)
    assert (best is None) == (wanted is None)
    if best is None:
        return
    assert sum(best.energy_split.values()) == pytest.approx(wanted, abs=1e-9)
    broken = [row.label for row in model.iter_constraint_data(best.values) if row.violation > 1e-9]
    assert set(broken) <= {"soft"}
    assert model.objective.energy(best.values) == pytest.approx(best.objective, abs=1e-9)


@pytest.mark.parametrize(
    ("labels", "symbols"),
    [
        ([2, 0, 1], ["x"]),
        ([3, 0, 7], ["x"]),
        ([(0, 1), (1, 0), (1, 1)], ["(0, 1)", "(1, 0)", "(1, 1)"]),
        (["x2", "x0", "x1"], ["x"]),
        (["a b", 0, ("c", 1)], ["a b", "0", "('c', 1)"]),
    ],
)
def test_labels_of_constrained_models_are_whatever_dimod_takes(labels: list[Any], symbols: list[str]) -> None:
    """A state's energy by label: bits cost 1, 2 and 4, and the first two exclude each other."""
    model = dimod.ConstrainedQuadraticModel()
    first, second, third = (dimod.Binary(label) for label in labels)
    model.set_objective(-1 * first - 2 * second - 4 * third)
    model.add_constraint(first + second, "<=", rhs=1, label="few")
    model.add_constraint(third, "==", rhs=0, label=0)
    program = compile(model)
    assert [op.symbol for op in program.module.func("problem").ops_of(VariableOp)] == symbols
    best = program.run().best
    shown = np.concatenate([np.atleast_1d(value) for value in best.values.values()])
    order = labels if len(symbols) > 1 else sorted(labels, key=str)
    full = shown if len(shown) == 3 else shown[sorted(labels)]
    assert dict(zip(order, full.tolist(), strict=True)) == dict(zip(labels, [0, 1, 0], strict=True))
    assert best.objective == -2


def test_numbered_integers_of_constrained_models_keep_their_numbers_as_names() -> None:
    model = dimod.ConstrainedQuadraticModel()
    model.set_objective(dimod.Integer(0, upper_bound=5) - dimod.Integer(1, lower_bound=-2, upper_bound=3))
    assert dict(compile(model).run().best.values) == {"0": 0, "1": 3}


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("prove", [True, False])
def test_new_numbers_in_a_model_of_another_library(level: int, prove: bool) -> None:
    def stated(costs: list[float], label: str = "(0, 1): {cap}") -> dimod.ConstrainedQuadraticModel:
        model = dimod.ConstrainedQuadraticModel()
        bits, whole = [dimod.Binary(("b", i)) for i in range(4)], dimod.Integer("k", lower_bound=-1, upper_bound=3)
        model.set_objective(whole * bits[2] - sum(cost * bit for cost, bit in zip(costs, bits, strict=True)))
        model.add_constraint(2 * bits[0] + 3 * bits[1] + 3 * bits[2] + 4 * bits[3] + whole, "<=", rhs=6, label=label)
        return model

    program = compile(stated([1, 2, 3, 4]), level=level)
    new = stated([5, 1.5, 7, 2])
    assert program.update(new, prove=prove).run(seed=1).best.objective == least(new)
    given = compile(
        stated([1, 2, 3, 4]), level=level, passes={"penalize-constraints": {"weights": ("(0, 1): {cap}=30",)}}
    )
    assert given.update(new).run(seed=1).best.objective == least(new)
    matrix = np.triu(np.arange(16.0).reshape(4, 4) - 7)
    assert compile(matrix, level=0).update(2 * matrix).run().best.objective == compile(2 * matrix).run().best.objective


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
def test_quadratic_models(vartype: str) -> None:
    model = dimod.generators.gnp_random_bqm(10, 0.5, "SPIN", random_state=1).change_vartype(vartype, inplace=False)
    best = compile(model).run().best
    [values] = best.values.values()
    assert best.objective == pytest.approx(dimod.ExactSolver().sample(model).first.energy)
    assert model.energy(values) == pytest.approx(best.objective)


def test_labels_become_symbols_and_numbers_arrays() -> None:
    named = compile(dimod.BinaryQuadraticModel({"u": 1, ("a", 2): -2}, {("u", ("a", 2)): 1}, 0.5, "BINARY"))
    assert [op.symbol for op in named.module.func("problem").ops_of(VariableOp)] == ["u", "('a', 2)"]
    turned = compile(dimod.BinaryQuadraticModel({2: -1.0, 0: 1.0, 1: -3.0}, {}, 0.0, "BINARY")).run().best
    assert turned.values["x"].tolist() == [0, 1, 1]
    assert compile(np.eye(2), name="mine").name == "mine"


@pytest.mark.parametrize("make", [np.asarray, scipy.sparse.csr_array, scipy.sparse.coo_matrix])
def test_matrices_state_a_quadratic_form(make: Any) -> None:
    matrix = np.random.default_rng(3).integers(-4, 5, (6, 6))
    best = compile(make(matrix)).run().best
    states = np.array(list(itertools.product((0, 1), repeat=6)))
    assert best.objective == (np.einsum("si,ij,sj->s", states, matrix, states)).min()
    assert best.values["x"] @ matrix @ best.values["x"] == best.objective


def test_dictionaries_of_products() -> None:
    terms = {("a", "b"): 2.0, ("a", "a"): -1, ("b", "b"): -1, ("a", "b", "c"): -3, (): 1.5, ("c", "b"): 1}
    best = compile(terms).run().best
    energies = {
        state: sum(v * np.prod([dict(zip("abc", state, strict=True))[n] for n in key]) for key, v in terms.items())
        for state in itertools.product((0, 1), repeat=3)
    }
    assert best.objective == min(energies.values())


def test_polynomials_of_spins() -> None:
    model = dimod.BinaryPolynomial({("x", "y", "z"): -1, ("x",): 0.5, (): 2}, "SPIN")
    best = compile(model).run().best
    assert best.objective == dimod.ExactPolySolver().sample_poly(model).first.energy
    assert model.energy(best.values) == best.objective


def test_a_polynomial_of_sets_is_the_same_whatever_the_hash_seed() -> None:
    code = (
        "import dimod; from qevo_compiler import compile; import hashlib\n"
        "p = dimod.BinaryPolynomial({('x1', 'y', 'z'): -1, ('z', 'w'): 2, ('y', 'w', 'v'): 3, ('x1',): .5}, 'BINARY')\n"
        "print(hashlib.sha256(b''.join(compile(p).files.values())).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_an_ommx_instance_is_taken_as_it_is() -> None:
    ommx = pytest.importorskip("ommx.v1")
    x = [ommx.DecisionVariable.binary(i, name="x", subscripts=[i]) for i in range(3)]
    instance = ommx.Instance.from_components(
        decision_variables=x, objective=x[0] + 2 * x[1] + x[2], constraints=[sum(x) <= 1], sense=ommx.Instance.MAXIMIZE
    )
    assert compile(instance).run().best.values["x"].tolist() == [0, 1, 0]


def linear_soft() -> dimod.ConstrainedQuadraticModel:
    model = dimod.ConstrainedQuadraticModel()
    model.set_objective(dimod.Binary("a"))
    model.add_constraint(dimod.Binary("a") + dimod.Binary("b"), ">=", rhs=1, label="some", weight=2.0)
    return model


def real() -> dimod.ConstrainedQuadraticModel:
    model = dimod.ConstrainedQuadraticModel()
    model.set_objective(1.0 * dimod.Real("r", upper_bound=3))
    return model


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (np.ones((2, 3)), r"Q0924: a QUBO matrix .*is not square"),
        (np.array([[np.nan, 1], [1, 1]]), "Q0924: .*not finite"),
        (np.array([["a"]]), "Q0924: .*of type"),
        (np.zeros((0, 0)), "Q0924: .*no variables"),
        (np.ones(3), "Q0924: an object of type `ndarray`"),
        (42, "Q0924: an object of type `int`"),
        ({}, "Q0924: .*no variables"),
        ({3: 1}, "Q0924: .*not all tuples"),
        ({("a", "b"): "q"}, "Q0924: .*not all numbers"),
        (dimod.DiscreteQuadraticModel(), "Q0924: dimod's `DiscreteQuadraticModel`"),
        (linear_soft(), "Q0910: the linear penalty of constraint `some`"),
        (real(), "Q0913: the variable `r` is continuous"),
    ],
)
def test_what_cannot_be_compiled_is_said_at_the_users_line(source: Any, said: str) -> None:
    with pytest.raises(CompileError, match=said) as caught:
        compile(source)
    assert "test_interchange_objects.py" in str(caught.value)
    assert "compile(source)" in str(caught.value)

"""Spins back to names: values, residuals, repair, energy by source, and what a spin stands for."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from ising_support import all_spins, constraint, ground_energies, lower, objective, problem_module, variable

from qevo_compiler.decode import Decoder
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.ising import ModelOp, PenaltyOp, RegisterOp, Role
from qevo_compiler.dialects.problem import Domain, Encoding, Relation, Sense, VariableOp
from qevo_compiler.ir import Array, Func, Module
from qevo_compiler.passes.scale_coefficients import ScaleCoefficients

LABELS = ("none", "skip", "pool")


def knapsack() -> Module:
    return lower(
        problem_module(
            variable("take", Domain.BINARY, (4,)),
            objective({(0,): 8, (1,): 3, (2,): 5, (3,): 9}, Sense.MAXIMIZE),
            constraint("fits", Relation.LE, {(0,): 4, (1,): 2, (2,): 3, (3,): 5, (): -9}),
        )
    )


def spins(*bits: int) -> np.ndarray:
    return np.array(bits, np.int8) * 2 - 1


def every_state(module: Module) -> np.ndarray:
    return all_spins(sum(r.count for r in module.main.ops_of(RegisterOp)))


def test_best_of_all_states_is_the_optimum() -> None:
    module = knapsack()
    best = Decoder(module).decode(every_state(module)).best
    assert best.values["take"].tolist() == [1, 0, 0, 1]
    assert (best.objective, best.feasible, best.codes_valid) == (17.0, True, True)
    assert best.violations["fits"].tolist() == [0.0]
    assert list(best.residuals()) == [("fits", 0.0, True)]
    assert best.energy == pytest.approx(-17.0)
    assert best.energy_split == {"objective": -17.0, "fits": 0.0}


def test_infeasible_reads_come_last_and_name_what_is_violated() -> None:
    module = knapsack()
    slack = module.main.only(ModelOp).size - 4
    solutions = Decoder(module).decode([spins(1, 1, 1, 1, *[0] * slack), spins(0, 0, 0, 1, *[0] * slack)])
    assert [s.objective for s in solutions.ranked()] == [9.0, 25.0]
    assert solutions[0].violations_json() == {"fits": 5.0}
    weight = module.main.only(PenaltyOp).weight
    assert solutions[0].energy_split == {"objective": -25.0, "fits": 25 * weight}
    assert solutions[-1].feasible
    assert len(solutions[0:2]) == 2


def test_values_have_the_declared_shapes_and_types() -> None:
    module = lower(
        problem_module(
            variable("b", Domain.BINARY),
            variable("s", Domain.SPIN, (2,)),
            variable("k", Domain.INTEGER, (2, 1), 1, 4),
            variable("r", Domain.REAL, (), 0.0, 1.0, bits=2),
            variable("c", Domain.CHOICE, (2,), labels=LABELS),
            variable("d", Domain.CHOICE, labels=("only",)),
        )
    )
    values = Decoder(module).decode(-np.ones(module.main.only(ModelOp).size))[0].values
    assert values["b"] == 0
    assert values["s"].tolist() == [-1, -1]
    assert values["k"].tolist() == [[1], [1]]
    assert values["r"] == 0.0
    assert values["c"].tolist() == ["none", "none"]
    assert values["d"] == "only"
    assert json.dumps(Decoder(module).decode(-np.ones(module.main.only(ModelOp).size))[0].values_json())


@pytest.mark.parametrize("encoding", [Encoding.ONE_HOT, Encoding.DOMAIN_WALL])
def test_broken_codes_are_repaired_and_reported(encoding: Encoding) -> None:
    module = lower(
        problem_module(
            variable("c", Domain.CHOICE, labels=LABELS, encoding=encoding),
            variable("k", Domain.INTEGER, (2,), 2, 4, encoding=encoding),
            objective({(0,): 1.0, (3,): -1.0, (4,): 2.0}),
        )
    )
    states = every_state(module)
    solutions = Decoder(module).decode(states)
    assert set(solutions.values["c"].reshape(-1)) == set(LABELS)
    assert set(solutions.values["k"].reshape(-1)) == {2, 3, 4}
    assert int(solutions.codes_valid.sum()) == 3 * 3 * 3
    for name in ("encoding of c", "encoding of k"):
        assert (solutions.energy_split[name] >= 0).all()
    penalties = solutions.energy_split["encoding of c"] + solutions.energy_split["encoding of k"]
    np.testing.assert_array_equal(penalties == 0, solutions.codes_valid)
    energies = ground_energies(module.main.only(ModelOp))
    np.testing.assert_allclose(sum(solutions.energy_split.values()), energies, atol=1e-9)


def test_constants_need_no_bits() -> None:
    k = VariableOp("k", Domain.INTEGER, (3,), Array(np.array([5, 1, 0])), Array(np.array([5, 2, 0])))
    for encoding in Encoding:
        module = lower(problem_module(VariableOp("k", k.domain, k.shape, k.lower, k.upper, encoding=encoding)))
        found = Decoder(module).decode(every_state(module))
        assert {tuple(v) for v in found.values["k"][found.codes_valid]} == {(5, 1, 0), (5, 2, 0)}


def test_auxiliaries_are_checked_and_recomputed() -> None:
    module = lower(problem_module(variable("x", Domain.BINARY, (4,)), objective({(0, 1, 2, 3): -3.0, (0, 1, 2): 1.0})))
    decoder, states = Decoder(module), every_state(module)
    solutions = decoder.decode(states)
    (register,) = [r for r in module.main.ops_of(RegisterOp) if r.role is Role.AUXILIARY]
    assert register.auxiliaries is not None
    bits = (states + 1) // 2
    products = [bits[:, register.auxiliaries.members_of(k)].prod(axis=1) for k in range(register.count)]
    expected = (np.stack(products, axis=1) != bits[:, register.first :]).sum(axis=1)
    assert solutions.broken_auxiliaries.tolist() == expected.tolist()
    fixed = decoder.decode(decoder.recompute_auxiliaries(states))
    assert not fixed.broken_auxiliaries.any()
    np.testing.assert_allclose(fixed.energy, fixed.energy_split["objective"], atol=1e-12)
    np.testing.assert_allclose(sum(solutions.energy_split.values()), solutions.energy, atol=1e-12)


def test_the_split_is_in_the_problems_own_scale() -> None:
    module = ScaleCoefficients(max_coupling=0.5).run(knapsack())
    solutions = Decoder(module).decode(every_state(module))
    scale = module.main.only(ModelOp).scale
    assert scale < 1
    np.testing.assert_allclose(sum(solutions.energy_split.values()), solutions.energy / scale, atol=1e-9)


def test_residuals_keep_the_sources_sign_and_names() -> None:
    module = lower(
        problem_module(
            variable("x", Domain.BINARY, (2,)),
            constraint("low", Relation.GE, {(0,): 1.0, (1,): 2.0, (): -1.0}, {(1,): 1.0, (0,): 1.0, (): -1.0}),
            constraint("wish", Relation.EQ, {(0,): 1.0}, weight=2.0),
        )
    )
    rest = [0] * (module.main.only(ModelOp).size - 2)
    solution = Decoder(module).decode(spins(0, 0, *rest))[0]
    assert dict(solution.violations_json()) == {"low[0]": -1.0, "low[1]": -1.0}
    wish = Decoder(module).decode(spins(1, 0, *rest))
    assert wish[0].feasible
    assert wish[0].energy_split["wish"] == 2.0
    assert wish[0].violations_json() == {"wish": 1.0}


def test_tolerance_is_relative_to_the_row() -> None:
    terms = {(0,): 1e12, (): -1e12 - 1.0}
    module = problem_module(variable("x", Domain.BINARY), constraint("c", Relation.EQ, terms, weight=1.0))
    found = Decoder(lower(module)).decode(spins(1))
    assert found.families["c"].satisfied.all()
    assert not Decoder(lower(module)).decode(spins(0)).families["c"].satisfied.any()


def test_only_problem_and_registers_are_needed() -> None:
    module = knapsack()
    registers = module.main.ops_of(RegisterOp)
    bare = Module("bare", (Func("main", (), registers), module.func("problem")))
    solution = Decoder(bare).decode(spins(1, 0, 0, 1, *[0] * (sum(r.count for r in registers) - 4)))[0]
    assert (solution.objective, solution.feasible, solution.energy) == (17.0, True, None)
    assert solution.energy_split == {"objective": -17.0}


@pytest.mark.parametrize("sample", [np.ones(3), np.zeros(20), np.full((2, 2, 2), 1)])
def test_samples_that_do_not_fit_are_refused(sample: np.ndarray) -> None:
    with pytest.raises(CompileError, match="Q0637"):
        Decoder(knapsack()).decode(sample)


def test_no_reads() -> None:
    module = knapsack()
    assert len(Decoder(module).decode(np.zeros((0, module.main.only(ModelOp).size)))) == 0


def test_blocks_of_one_tensor_come_together() -> None:
    ends = Array(np.array([-1.0, 1.0])), Array(np.array([0.0, 3.0]))
    parts = [
        VariableOp("layers.0.weight", Domain.REAL, (2,), *ends, 1, positions=Array([0, 5]), tensor_shape=(4, 6)),
        VariableOp("layers.0.weight", Domain.REAL, (2,), *ends, 1, positions=Array([20, 23]), tensor_shape=(4, 6)),
    ]
    module = lower(problem_module(*parts))
    decoder = Decoder(module)
    assert decoder.decode(spins(0, 1, 1, 0))[0].values["layers.0.weight"].tolist() == [-1.0, 3.0, 0.0, 1.0]
    assert decoder.explain_spin(3) == ["s3 = bit 0 of layers.0.weight[3, 5] (weight 2.0, log code)"]


def test_explanations() -> None:
    module = lower(
        problem_module(
            variable("take", Domain.BINARY, (2, 3)),
            variable("k", Domain.INTEGER, (2,), 0, 5),
            variable("h", Domain.INTEGER, (2,), 3, 5, encoding=Encoding.ONE_HOT),
            variable("op", Domain.CHOICE, (2,), labels=LABELS),
            variable("w", Domain.CHOICE, labels=LABELS, encoding=Encoding.DOMAIN_WALL),
            objective({(0, 1, 2): 1.0}),
            constraint("cap", Relation.LE, {(6,): 2.0, (7,): 4.0, (): -7.0}, {(6,): 1.0, (7,): 3.0, (): -4.0}),
        )
    )
    decoder = Decoder(module)
    assert [decoder.explain_spin(i)[0] for i in (5, 8, 12, 17, 23, 25)] == [
        "s5 = take[1, 2]",
        "s8 = bit 2 of k[0] (weight 2.0, log code)",
        "s12 = h[0] == 3 (onehot code)",
        "s17 = h[1] == 5 (onehot code)",
        "s23 = op[1] == pool",
        "s25 = w is pool or a later label (domainwall code)",
    ]
    slack = next(r for r in module.main.ops_of(RegisterOp) if r.role is Role.SLACK)
    assert decoder.explain_spin(slack.first + slack.count - 1)[0].endswith(
        f"slack of constraint cap, row 1 (weight {slack.affine.weights.values[-1]})"
    )
    last = decoder.size - 1
    assert decoder.explain_spin(last)[0].startswith(f"s{last} = auxiliary, product of s")
    assert len(decoder.explain_spin(last)) == 3
    assert decoder.explain_spin(last + 1) == [f"s{last + 1}: no such spin (the program has {last + 1})"]


def test_the_objective_may_be_absent() -> None:
    module = lower(problem_module(variable("x", Domain.BINARY), constraint("c", Relation.EQ, {(0,): 1.0, (): -1.0})))
    assert module.func("problem").first(poly.ObjectiveOp) is None
    assert Decoder(module).decode(spins(1))[0].feasible


def test_decoding_imports_no_sampler() -> None:
    code = (
        "import sys, qevo_compiler.decode; print(any(m in sys.modules for m in ('torch', 'dimod', 'cirq', 'qiskit')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize(
    ("degree", "sign", "stated"),
    [
        (5, -1.0, ["product of s0, s1, s2, s3 and s4"]),
        (
            5,
            1.0,
            ["1 where at least 2 of s0, s1, s2, s3 and s4 are 1", "1 where at least 4 of s0, s1, s2, s3 and s4 are 1"],
        ),
        (
            7,
            1.0,
            [
                f"digit of weight {w} of how many of s0, s1, s2, s3, s4, s5 and s6 are 1 plus 1, at most 7"
                for w in (2, 4)
            ],
        ),
    ],
)
def test_auxiliaries_of_every_gadget_are_explained_and_recomputed(degree: int, sign: float, stated: list[str]) -> None:
    problem = problem_module(variable("x", Domain.BINARY, (degree,)), objective({tuple(range(degree)): 3 * sign}))
    module = lower(problem, quadratize={"method": "termwise"})
    decoder, states = Decoder(module), every_state(module)
    lines = [decoder.explain_spin(degree + k) for k in range(len(stated))]
    assert [line[0] for line in lines] == [f"s{degree + k} = auxiliary, {text}" for k, text in enumerate(stated)]
    assert lines[0][1:] == [f"  s{i} = x[{i}]" for i in range(degree)]
    fixed = decoder.decode(decoder.recompute_auxiliaries(states))
    assert not fixed.broken_auxiliaries.any()
    np.testing.assert_allclose(fixed.energy, fixed.objective, atol=1e-9)
    assert decoder.decode(states).broken_auxiliaries.max() == len(stated)

"""The union of rounding programs: energies, names and the problem that samples are judged against."""

from __future__ import annotations

import numpy as np
import pytest
from test_pass_rounding_model import conv_module, member_energy, two_layer_module

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import anneal, ising, poly, problem
from qevo_compiler.dialects.poly.arithmetic import evaluate
from qevo_compiler.dialects.poly.polynomials import canonical
from qevo_compiler.ir import Module, parse_module, print_module, verify
from qevo_compiler.passes import Pipeline
from qevo_compiler.source import SourceFile


def united(module: Module, options: str = "") -> tuple[Module, Module]:
    families = Pipeline.parse("rounding-model{bits=2}").run(module)
    result = Pipeline.parse(f"unite-family{{{options}}}").run(families)
    verify(result)
    return families, result


def qubo_energy(op: ising.QuboOp, x: np.ndarray) -> float:
    pairs = op.quadratic.values @ (x[op.rows.values] * x[op.columns.values])
    return float(op.offset + op.linear.values @ x + pairs)


@pytest.mark.parametrize("module", [two_layer_module(), conv_module(1), conv_module(2)], ids=["mlp", "conv", "grouped"])
def test_energy_is_the_sum_of_members_and_the_objective_of_the_weights(module: Module) -> None:
    families, result = united(module)
    qubo = result.main.only(ising.QuboOp)
    registers = result.main.ops_of(ising.RegisterOp)
    members = families.main.ops_of(ising.FamilyOp)
    objective = result.func("problem").only(poly.ObjectiveOp)
    random = np.random.default_rng(0)
    for _ in range(5):
        x = random.integers(0, 2, qubo.size).astype(np.float64)
        expected = 0.0
        weights = []
        for family, register in zip(members, registers, strict=True):
            block = x[register.first : register.first + register.count].reshape(family.members, family.width)
            expected += sum(member_energy(family, row, block[row]) for row in range(family.members))
            weights.append(family.scales.values[:, None] * (family.base.values + block))
            assert register.affine is not None
            decoded = register.affine.evaluate(block.reshape(-1))
            assert decoded.tolist() == pytest.approx(weights[-1].reshape(-1).tolist())
        assert qubo_energy(qubo, x) == pytest.approx(expected, rel=1e-9)
        values = np.concatenate([w.reshape(-1) for w in weights])
        assert evaluate(objective.polynomial, values)[0] == pytest.approx(expected, rel=1e-9)


def test_registers_name_every_weight_element() -> None:
    _, result = united(two_layer_module())
    first, second = result.main.ops_of(ising.RegisterOp)
    assert (first.symbol, first.shape, first.first, first.count) == ("fc1.weight", (2, 3), 0, 6)
    assert (second.symbol, second.shape, second.first, second.count) == ("fc2.weight", (2, 2), 6, 4)
    assert first.domain is problem.Domain.REAL


def test_groups_of_a_convolution_keep_their_place_in_the_weight() -> None:
    _, result = united(conv_module(2))
    _, second = result.main.ops_of(ising.RegisterOp)
    assert second.positions is not None
    assert second.positions.values.tolist() == list(range(24, 48))
    assert second.tensor_shape == (4, 2, 2, 3)


def test_problem_declares_the_two_values_of_every_weight() -> None:
    families, result = united(two_layer_module())
    family = families.main.ops_of(ising.FamilyOp)[0]
    variable = result.func("problem").ops_of(problem.VariableOp)[0]
    assert variable.bits == 1
    assert variable.lower is not None
    assert variable.upper is not None
    scale = family.scales.values[:, None]
    assert np.allclose(variable.lower.values, scale * family.base.values)
    assert np.allclose(variable.upper.values - variable.lower.values, scale)


def test_polynomials_are_canonical_and_text_round_trips() -> None:
    _, result = united(conv_module(2))
    objective = result.func("problem").only(poly.ObjectiveOp)
    assert canonical(objective.polynomial) == objective.polynomial
    assert parse_module(SourceFile("net.qir", print_module(result))) == result


def test_members_are_not_coupled() -> None:
    _, result = united(two_layer_module())
    qubo = result.main.only(ising.QuboOp)
    member = np.array([0] * 3 + [1] * 3 + [2] * 2 + [3] * 2)
    assert (member[qubo.rows.values] == member[qubo.columns.values]).all()


def test_layers_option_and_sampling() -> None:
    _, result = united(two_layer_module(), "layers=fc2.weight")
    assert [op.symbol for op in result.main.ops_of(ising.RegisterOp)] == ["fc2.weight"]
    assert result.main.first(anneal.SampleOp) is not None


def test_too_large_a_union_is_refused_with_its_size() -> None:
    with pytest.raises(CompileError) as caught:
        united(two_layer_module(), "max-couplings=7")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "Q0644"
    assert diagnostic.message == "rounding all layers at once takes 10 bits and 8 couplings"
    assert diagnostic.fill(diagnostic.note) == "couplings by layer: fc1.weight 6, fc2.weight 2"


def test_unknown_layer() -> None:
    with pytest.raises(CompileError, match="Q0641"):
        united(two_layer_module(), "layers=fc")

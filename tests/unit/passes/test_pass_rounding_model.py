"""The rounding programs of a layer, held against its true output error."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import anneal, ising, nn, problem
from qevo_compiler.evaluator.reference import run_func
from qevo_compiler.ir import Array, Builder, Evidence, Module, parse_module, print_module, verify
from qevo_compiler.passes import Context, Pipeline
from qevo_compiler.passes.rounding_model import RoundingModel
from qevo_compiler.source import SourceFile


def two_layer_module(seed: int = 0, inputs: int = 3, hidden: int = 2, batch: int = 12) -> Module:
    random = np.random.default_rng(seed)
    builder = Builder()
    x = builder.add(nn.ConstantOp(Array(random.normal(size=(batch, inputs))), "inputs"))
    first = builder.add(nn.ParameterOp("fc1.weight", Array(random.normal(size=(hidden, inputs)))))
    bias = builder.add(nn.ParameterOp("fc1.bias", Array(random.normal(size=hidden))))
    second = builder.add(nn.ParameterOp("fc2.weight", Array(random.normal(size=(2, hidden)))))
    y = builder.add(nn.ApplyOp(builder.add(nn.LinearOp(x, first, bias)), nn.Function.TANH))
    out = builder.add(nn.LinearOp(y, second, None))
    builder.append(nn.OutputOp(out))
    builder.append(problem.ObjectiveOp(builder.add(nn.SumOp(builder.add(nn.PowerOp(out, 2)), (0, 1)))))
    builder.append(anneal.SampleOp(reads=7))
    return Module("net", (builder.finish(),))


def conv_module(groups: int) -> Module:
    random = np.random.default_rng(1)
    builder = Builder()
    x = builder.add(nn.ConstantOp(Array(random.normal(size=(3, 4, 5, 6))), "inputs"))
    weight = builder.add(nn.ParameterOp("conv.weight", Array(random.normal(size=(4, 4 // groups, 2, 3)))))
    out = builder.add(nn.Conv2dOp(x, weight, None, (2, 1), (1, 0), (1, 2), groups))
    builder.append(nn.OutputOp(out))
    return Module("net", (builder.finish(),))


def families(module: Module, **options: object) -> tuple[ising.FamilyOp, ...]:
    result = Pipeline((RoundingModel(**options),)).run(module)  # type: ignore[arg-type]
    verify(result)
    return result.main.ops_of(ising.FamilyOp)


def member_energy(family: ising.FamilyOp, row: int, x: np.ndarray) -> float:
    quadratic = float(x @ family.gram.values @ x)
    return float(family.offsets.values[row] + family.linear.values[row] @ x + family.factors.values[row] * quadratic)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 5), st.sampled_from(["floor", "gptq"]))
def test_member_energy_is_the_layer_error_of_the_rounded_row(seed: int, bits: int, around: str) -> None:
    module = two_layer_module(seed)
    result = Pipeline.parse(f"rounding-model{{bits={bits},around={around},damping=0.05}}").run(module)
    weights = module.main.ops_of(nn.ParameterOp)
    for family in result.main.ops_of(ising.FamilyOp):
        weight = next(op for op in weights if op.symbol == family.symbol).value.values
        x = np.random.default_rng(seed).integers(0, 2, family.linear.shape)
        for row in range(family.members):
            q = family.base.values[row] + x[row]
            error = weight[row] - family.scales.values[row] * q
            expected = error @ family.gram.values @ error
            assert member_energy(family, row, x[row]) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_gram_without_damping_is_the_mean_squared_layer_error() -> None:
    module = two_layer_module()
    family = families(module, bits=3, damping=0.0)[0]
    x = module.main.ops_of(nn.ConstantOp)[0].value.values
    v = np.array([0.3, -1.0, 2.0])
    assert v @ family.gram.values @ v == pytest.approx(np.mean((x @ v) ** 2), rel=1e-6)


def test_enumeration_finds_the_row_of_least_true_error_in_the_box() -> None:
    module = two_layer_module()
    x = module.main.ops_of(nn.ConstantOp)[0].value.values
    weight = module.main.ops_of(nn.ParameterOp)[0].value.values
    family = families(module, bits=2, damping=0.0)[0]
    states = np.array(list(itertools.product((0, 1), repeat=family.width)))
    for row in range(family.members):
        rounded = family.scales.values[row] * (family.base.values[row] + states)
        true = ((x @ (rounded - weight[row]).T) ** 2).mean(axis=0)
        energies = [member_energy(family, row, state) for state in states]
        assert np.argmin(energies) == np.argmin(true)


@pytest.mark.parametrize("bits", [2, 3, 8])
@pytest.mark.parametrize("around", ["floor", "gptq"])
def test_both_candidates_are_on_the_grid(bits: int, around: str) -> None:
    result = Pipeline.parse(f"rounding-model{{bits={bits},around={around}}}").run(two_layer_module(3))
    for family in result.main.ops_of(ising.FamilyOp):
        assert family.base.values.min() >= -(2 ** (bits - 1))
        assert family.base.values.max() + 1 <= 2 ** (bits - 1) - 1


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_convolution_gram_is_the_error_of_the_convolution(groups: int) -> None:
    module = conv_module(groups)
    found = families(module, bits=4, damping=0.0)
    assert [family.first_row for family in found] == [4 // groups * g for g in range(groups)]
    x, weight = module.main.ops[0], module.main.ops[1]
    assert isinstance(x, nn.ConstantOp)
    assert isinstance(weight, nn.ParameterOp)
    change = np.random.default_rng(5).normal(size=weight.value.shape)
    values = run_func(module.main, parameters={"conv.weight": change})
    out = values[module.main.ops[2].result]
    per_channel = (out**2).mean(axis=(0, 2, 3))
    for family in found:
        for member in range(family.members):
            row = family.first_row + member
            v = change[row].reshape(-1)
            assert v @ family.gram.values @ v == pytest.approx(per_channel[row], rel=1e-6)


def test_a_weight_used_twice_is_one_family_over_both_inputs() -> None:
    random = np.random.default_rng(2)
    builder = Builder()
    x_values, tied = random.normal(size=(4, 3)), random.normal(size=(3, 3))
    x = builder.add(nn.ConstantOp(Array(x_values), "inputs"))
    weight = builder.add(nn.ParameterOp("tied.weight", Array(tied)))
    y = builder.add(nn.LinearOp(x, weight, None))
    builder.append(nn.OutputOp(builder.add(nn.LinearOp(y, weight, None))))
    (family,) = families(Module("net", (builder.finish(),)), damping=0.0)
    both = np.concatenate([x_values, x_values @ tied.T])
    assert family.gram.values == pytest.approx(both.T @ both / 8, rel=1e-6, abs=1e-6)


def test_loss_and_sampling_stay() -> None:
    module = two_layer_module()
    result = Pipeline((RoundingModel(),)).run(module)
    assert result.func("loss").ops == module.main.ops
    assert result.main.first(anneal.SampleOp) == anneal.SampleOp(reads=7)
    assert parse_module(SourceFile("net.qir", print_module(result))) == result


def test_ledger_names_bits_model_and_data_of_every_layer() -> None:
    result = Pipeline((RoundingModel(bits=2),)).run(two_layer_module())
    kinds = {(entry.subject, entry.quantity): entry.kind for entry in result.ledger}
    for symbol in ("fc1.weight", "fc2.weight"):
        assert kinds[symbol, "weight change"] is Evidence.PROVED
        assert kinds[symbol, "relative output error"] is Evidence.ESTIMATED
        assert kinds[symbol, "calibration rows"] is Evidence.MEASURED
    assert {entry.value for entry in result.ledger if entry.quantity == "calibration rows"} == {12.0}


def test_layers_option_chooses_by_name() -> None:
    chosen = Pipeline.parse("rounding-model{layers=fc2}").run(two_layer_module()).main.ops_of(ising.FamilyOp)
    assert [family.symbol for family in chosen] == ["fc2.weight"]


def test_rows_option_limits_the_calibration() -> None:
    result = Pipeline((RoundingModel(rows=5),)).run(two_layer_module())
    assert {entry.value for entry in result.ledger if entry.quantity == "calibration rows"} == {5.0}


def test_dead_inputs_give_a_program_all_the_same() -> None:
    builder = Builder()
    x = builder.add(nn.ConstantOp(Array(np.zeros((4, 2))), "inputs"))
    weight = builder.add(nn.ParameterOp("w", Array(np.array([[0.5, -0.2], [0.0, 0.0]]))))
    builder.append(nn.OutputOp(builder.add(nn.LinearOp(x, weight, None))))
    (family,) = families(Module("net", (builder.finish(),)))
    assert np.array_equal(family.gram.values, np.eye(2))
    assert np.isfinite(family.linear.values).all()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("bits=1", "Q0642"),
        ("bits=9", "Q0642"),
        ("layers=fc9", "Q0641"),
        ("damping=-1.0", "Q0504"),
        ("damping=nan", "Q0504"),
        ("rows=-3", "Q0504"),
        ("around=ceiling", "Q0504"),
    ],
)
def test_bad_options(options: str, code: str) -> None:
    with pytest.raises(CompileError) as caught:
        Pipeline.parse(f"rounding-model{{{options}}}").run(two_layer_module())
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_a_model_without_layers_has_nothing_to_round() -> None:
    builder = Builder()
    builder.append(nn.OutputOp(builder.add(nn.ConstantOp(Array(np.ones(2))))))
    with pytest.raises(CompileError, match="Q0640"):
        RoundingModel().run(Module("net", (builder.finish(),)))


def test_a_computed_weight_is_left_out_with_a_warning() -> None:
    builder = Builder()
    x = builder.add(nn.ConstantOp(Array(np.ones((4, 2))), "inputs"))
    weight = builder.add(nn.ParameterOp("w", Array(np.eye(2))))
    doubled = builder.add(nn.AddOp(weight, weight))
    y = builder.add(nn.LinearOp(x, doubled, None))
    builder.append(nn.OutputOp(builder.add(nn.LinearOp(y, weight, None))))
    warnings: list[str] = []
    result = RoundingModel().run(Module("net", (builder.finish(),)), Context(lambda d: warnings.append(d.code)))
    assert warnings == ["Q0643"]
    assert len(result.main.ops_of(ising.FamilyOp)) == 1


def test_infinite_inputs_are_refused() -> None:
    builder = Builder()
    x = builder.add(nn.ConstantOp(Array(np.full((4, 2), np.inf)), "inputs"))
    weight = builder.add(nn.ParameterOp("w", Array(np.eye(2))))
    builder.append(nn.OutputOp(builder.add(nn.LinearOp(x, weight, None))))
    with pytest.raises(CompileError, match="Q0645"):
        RoundingModel().run(Module("net", (builder.finish(),)))

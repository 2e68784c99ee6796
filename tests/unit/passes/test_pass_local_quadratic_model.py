"""The local quadratic model against dense second derivatives in torch, and against the loss it stands for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.model import (
    BlockTooLarge,
    NotFinite,
    NothingToTrain,
    NotOnlyParameters,
    StationaryPoint,
    UnknownWeight,
)
from qevo_compiler.diagnostics.pipeline import BadOption
from qevo_compiler.dialects import anneal, nn, poly, problem
from qevo_compiler.dialects.nn import Function, with_parameters
from qevo_compiler.dialects.poly.arithmetic import evaluate
from qevo_compiler.ir import Array, Builder, Evidence, Invalid, Module, parse_module, print_module
from qevo_compiler.passes.local_quadratic_model import LocalQuadraticModel
from qevo_compiler.passes.pipeline import Pipeline
from qevo_compiler.passes.quadratic.curvature import Curvature
from qevo_compiler.passes.quadratic.loss import Loss
from qevo_compiler.passes.quadratic.model import automatic_steps, boxes, rounded, rounded_symmetric
from qevo_compiler.source import SourceFile

torch = pytest.importorskip("torch")
from traced_networks import Twin, convolutional, network, parameter  # noqa: E402

KINDS = [
    ("cross_entropy", Function.TANH, 0.0),
    ("cross_entropy", Function.GELU, 0.0),
    ("squared_error", Function.TANH, 0.0),
    ("cross_entropy", Function.TANH, 0.3),
]


def corners(model_lower: np.ndarray, model_upper: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    signs = np.random.default_rng(seed).integers(2, size=(count, len(model_lower))).astype(bool)
    return np.where(signs, model_upper, model_lower)


def diagnosed(module: Module, step: LocalQuadraticModel) -> tuple:
    with pytest.raises(CompileError) as caught:
        step.run(module)
    return caught.value.diagnostics


def one_weight(build, value: float = 1.0, **options) -> Module:
    """The objective `build(builder, w)` of one scalar parameter."""
    builder = Builder()
    w = builder.add(nn.ParameterOp("w", Array(np.array(value)), **options))
    builder.append(problem.ObjectiveOp(build(builder, w)))
    return Module("m", (builder.finish(),))


@pytest.mark.parametrize(("loss", "activation", "penalty"), KINDS)
@pytest.mark.parametrize("kind", Curvature)
def test_matrix_and_diagonal_match_dense_derivatives(
    kind: Curvature, loss: str, activation: Function, penalty: float
) -> None:
    module = network((5, 4, 3), samples=7, loss=loss, activation=activation, penalty=penalty)
    twin = Twin(module, activation, penalty)
    dense = twin.hessian() if kind is Curvature.HESSIAN else twin.gauss_newton()
    second = Loss.of(module).second(kind)
    for block in (np.arange(len(dense)), np.array([0, 7, 19, 20, 24, 30]), np.array([38])):
        np.testing.assert_allclose(second.matrix(block), dense[np.ix_(block, block)], rtol=1e-11, atol=1e-14)
        np.testing.assert_allclose(second.diagonal(block), np.diag(dense)[block], rtol=1e-11, atol=1e-14)


def test_a_convolutional_net_matches_dense_derivatives() -> None:
    module, net, inputs, labels = convolutional()
    loss = Loss.of(Pipeline.parse("decompose-layers,gradient-extraction").run(module))
    parameters = dict(net.named_parameters())
    flat = torch.cat([tensor.ravel() for tensor in parameters.values()])

    def output(point: torch.Tensor) -> torch.Tensor:
        parts = point.split([tensor.numel() for tensor in parameters.values()])
        named = {n: part.reshape(t.shape) for part, (n, t) in zip(parts, parameters.items(), strict=True)}
        return torch.func.functional_call(net, named, (inputs,)).reshape(-1)

    def criterion(z: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(z.reshape(5, 3), labels)

    jacobian = torch.func.jacrev(output)(flat)
    dense = (jacobian.T @ torch.func.hessian(criterion)(output(flat)) @ jacobian).numpy()
    gradient = torch.func.grad(lambda point: criterion(output(point)))(flat).numpy()
    np.testing.assert_allclose(loss.value_and_gradient()[1], gradient, rtol=1e-11, atol=1e-14)
    second, block = loss.second(Curvature.GAUSS_NEWTON), np.arange(len(flat))
    np.testing.assert_allclose(second.matrix(block), dense, rtol=1e-10, atol=1e-14)


def test_chunks_do_not_change_the_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    module = network((5, 4, 3), samples=7, penalty=0.3)
    block = np.arange(0, 39, 2)
    whole = [Loss.of(module).second(kind).matrix(block) for kind in Curvature]
    diagonals = [Loss.of(module).second(kind).diagonal(block) for kind in Curvature]
    monkeypatch.setattr("qevo_compiler.passes.quadratic.curvature._CHUNK_NUMBERS", 120)
    for kind, matrix, diagonal in zip(Curvature, whole, diagonals, strict=True):
        np.testing.assert_allclose(Loss.of(module).second(kind).matrix(block), matrix, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(Loss.of(module).second(kind).diagonal(block), diagonal, rtol=1e-12, atol=1e-15)


def test_without_a_marked_output_gauss_newton_is_the_hessian() -> None:
    module = network((3, 4, 2), samples=5)
    main = module.main
    module = module.with_main(replace(main, ops=tuple(op for op in main.ops if not isinstance(op, nn.OutputOp))))
    block = np.arange(0, 26, 3)
    loss = Loss.of(module)
    found = loss.second(Curvature.GAUSS_NEWTON).matrix(block)
    np.testing.assert_allclose(found, loss.second(Curvature.HESSIAN).matrix(block), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("kind", Curvature)
@pytest.mark.parametrize("bits", [1, 2])
def test_the_emitted_polynomial_is_the_model(kind: Curvature, bits: int) -> None:
    module = network((5, 4, 3), samples=7)
    step = LocalQuadraticModel(curvature=kind, bits=bits, capacity=20 * bits)
    block, model = step.model(Loss.of(module))
    lowered = step.run(module).main
    variables = lowered.ops_of(problem.VariableOp)
    assert sum(op.size for op in variables) == len(block) == 20
    np.testing.assert_array_equal(np.concatenate([op.lower.values for op in variables]), model.lower)
    points = corners(model.lower, model.upper, 50)
    energies = evaluate(lowered.only(poly.ObjectiveOp).polynomial, points)[:, 0]
    d = points - model.centre
    expected = model.value + d @ model.gradient + 0.5 * np.einsum("si,ij,sj->s", d, model.curvature, d)
    np.testing.assert_allclose(energies - model.value, expected - model.value, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("kind", Curvature)
def test_the_model_is_the_loss_in_the_limit_of_small_steps(kind: Curvature) -> None:
    """Beyond the first order, the Hessian's error falls with the cube of the step, Gauss-Newton's with the square."""
    module = network((5, 4, 3), samples=7)
    errors = []
    for step in (2e-2, 1e-2):
        loss = Loss.of(module)
        block, model = LocalQuadraticModel(step=step, curvature=kind, capacity=16).model(loss)
        points = corners(model.lower, model.upper, 20)
        actual = np.array([loss.at(loss.weights.moved(block, point)) for point in points])
        errors.append(np.abs(model.predict(points) - actual).max())
    order = 3 if kind is Curvature.HESSIAN else 2
    assert 0.8 * 2**order < errors[0] / errors[1] < 1.25 * 2**order


def test_predicted_and_actual_decrease_agree_for_a_small_radius() -> None:
    loss = Loss.of(network((5, 4, 3), samples=20))
    block, model = LocalQuadraticModel(radius=1e-3).model(loss)
    downhill = np.where(model.gradient > 0, model.lower, model.upper)
    predicted = model.value - float(model.predict(downhill))
    actual = model.value - loss.at(loss.weights.moved(block, downhill))
    assert predicted > 0
    assert abs(actual / predicted - 1) < 1e-2


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.integers(0, 10**6))
def test_automatic_steps_promise_a_decrease(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(count, rng.integers(1, count + 1)))
    matrix, gradient = root @ root.T, rng.normal(size=count)
    steps = automatic_steps(gradient, matrix)
    d = -steps * np.sign(gradient)
    assert (steps > 0).all()
    assert gradient @ d + 0.5 * d @ matrix @ d <= 0.5 * gradient @ d * (1 - 1e-9) < 0


def test_a_step_given_is_used_and_scaled_by_the_radius() -> None:
    module = network((3, 2), samples=4)
    _, model = LocalQuadraticModel(step=0.25, radius=0.5).model(Loss.of(module))
    np.testing.assert_array_equal(model.upper, model.centre + 0.125)
    np.testing.assert_array_equal(model.lower, model.centre - 0.125)


def test_the_default_block_fills_the_capacity_with_the_best_weights() -> None:
    module = network((6, 5, 3), samples=9)
    twin = Twin(module)
    gradient, diagonal = twin.gradient(), np.diag(twin.gauss_newton())
    rank = np.abs(gradient) / np.sqrt(diagonal + 0.01 * diagonal.mean())
    block, _ = LocalQuadraticModel(capacity=13).model(Loss.of(module))
    assert block.tolist() == sorted(np.argsort(-rank, kind="stable")[:13].tolist())
    assert len(LocalQuadraticModel(capacity=13, bits=3).model(Loss.of(module))[0]) == 4
    assert len(LocalQuadraticModel(capacity=13, size=5).model(Loss.of(module))[0]) == 5


def test_weights_without_a_gradient_are_left_alone() -> None:
    module = network((6, 5, 3), samples=9)
    inputs = next(op for op in module.main.ops_of(nn.ConstantOp) if op.symbol == "inputs")
    blank = inputs.value.values.copy()
    blank[:, 2] = 0.0
    ops = tuple(replace(op, value=Array(blank)) if op is inputs else op for op in module.main.ops)
    block, _ = LocalQuadraticModel().model(Loss.of(module.with_main(replace(module.main, ops=ops))))
    assert block.tolist() == [i for i in range(53) if i >= 30 or i % 6 != 2]


def test_blocks_by_name() -> None:
    module = network((3, 4, 2), samples=5)
    lowered = LocalQuadraticModel(block="layers.1:layers.0.bias").run(module).main
    found = {op.symbol: (op.positions.values.tolist(), op.tensor_shape) for op in lowered.ops_of(problem.VariableOp)}
    assert found == {
        "layers.0.bias": ([0, 1, 2, 3], (4,)),
        "layers.1.weight": ([0, 1, 2, 3, 4, 5, 6, 7], (2, 4)),
        "layers.1.bias": ([0, 1], (2,)),
    }
    assert LocalQuadraticModel(block="layers.0.bias,layers.1").run(module).main == lowered


def test_the_result_is_repeatable_and_prints() -> None:
    module = network((5, 4, 3), samples=7)
    pipeline = Pipeline.parse("gradient-extraction,local-quadratic-model{capacity=10}")
    once, again = pipeline.run(module), pipeline.run(module)
    assert once == again
    assert parse_module(SourceFile("net.qir", print_module(once))) == once
    assert [func.name for func in once] == ["main", "gradient", "problem"]
    assert once.func("problem") == replace(once.main, name="problem")


def test_requests_of_the_source_are_kept() -> None:
    module = network((3, 2), samples=4)
    sample = anneal.SampleOp(reads=7)
    module = module.with_main(replace(module.main, ops=(*module.main.ops, sample)))
    assert LocalQuadraticModel().run(module).main.only(anneal.SampleOp) == sample


def test_the_ledger_names_every_loss() -> None:
    module = network((5, 4, 3), samples=7)
    entries = LocalQuadraticModel(capacity=10, bits=2, step=0.03).run(module).ledger
    assert [(entry.quantity, entry.kind) for entry in entries] == [
        ("relative error of the quadratic model", Evidence.MEASURED),
        ("weights held fixed", Evidence.PROVED),
        ("largest grid step of a weight", Evidence.PROVED),
        ("relative error of the decrease that the quadratic model promises", Evidence.MEASURED),
    ]
    assert 0 < entries[0].value < 0.5
    assert entries[1].value == 39 - 5
    assert entries[2].value == pytest.approx(0.06 / 3, rel=1e-6)


def test_a_quadratic_loss_is_met_exactly() -> None:
    module = one_weight(lambda b, w: b.add(nn.PolynomialOp(w, Array(np.array([1.0, -2.0, 3.0])))), value=0.5)
    lowered = LocalQuadraticModel().run(module)
    assert lowered.ledger[0].value < 1e-6
    points = np.linspace(-1, 1, 5)[:, None]
    energies = evaluate(lowered.main.only(poly.ObjectiveOp).polynomial, points)
    np.testing.assert_allclose(energies, 1 - 2 * points + 3 * points**2, rtol=1e-6)


def test_a_parameter_keeps_its_range_and_its_bits() -> None:
    square = lambda b, w: b.add(nn.PowerOp(w, 2))  # noqa: E731
    lowered = LocalQuadraticModel(step=0.25).run(one_weight(square, 1.0, lower=-1.0, upper=1.125, bits=3))
    variable = lowered.main.only(problem.VariableOp)
    assert (variable.lower.values.tolist(), variable.upper.values.tolist()) == ([0.625], [1.125])
    assert variable.bits == 3


@settings(max_examples=100, deadline=None)
@given(st.floats(-2, 2), st.floats(1e-3, 3), st.floats(-1, 0), st.floats(0.125, 1))
def test_boxes_stay_in_range_and_are_never_empty(centre: float, step: float, lower: float, upper: float) -> None:
    (low,), (high,) = boxes(*(np.array([x]) for x in (centre, step, lower, upper)))
    assert low < high
    assert low >= lower - 1e-15
    assert high <= upper + 1e-15
    assert high - low <= 2 * step * (1 + 1e-12)


def test_rounding_keeps_that_many_binary_digits() -> None:
    numbers = np.random.default_rng(1).normal(size=100) * np.exp2(np.arange(-50, 50))
    found = rounded(numbers, 10)
    assert (np.abs(found / numbers - 1) <= 2.0**-10).all()
    np.testing.assert_array_equal(rounded(found, 10), found)
    scale = np.exp2(np.arange(6.0) * 1.5)
    matrix = np.cov(np.random.default_rng(2).normal(size=(6, 9))) * np.outer(scale, scale)
    error = np.abs(rounded_symmetric(matrix, 12) - matrix) / np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
    assert error.max() < 2.0**-11
    np.testing.assert_array_equal(rounded_symmetric(np.zeros((2, 2)), 12), np.zeros((2, 2)))


def test_new_weights_reach_every_func() -> None:
    module = Pipeline.parse("gradient-extraction").run(network((3, 2), samples=4))
    moved = with_parameters(module, {"layers.0.bias": np.array([3.0, 4.0])})
    for func in moved:
        assert {op.symbol: op for op in func.ops_of(nn.ParameterOp)}["layers.0.bias"].value.values.tolist() == [
            3.0,
            4.0,
        ]
    assert with_parameters(moved, {"layers.0.bias": np.array([3.0, 4.0])}) is moved
    with pytest.raises(Invalid, match=r"layers\.7"):
        with_parameters(module, {"layers.7": np.zeros(2)})
    with pytest.raises(Invalid, match="shape"):
        with_parameters(module, {"layers.0.bias": np.zeros(3)})


def test_a_stale_gradient_is_not_used() -> None:
    module = Pipeline.parse("gradient-extraction").run(network((3, 2), samples=4))
    stale = module.func("gradient")
    moved = with_parameters(module, {"layers.0.bias": np.array([3.0, 4.0])})
    assert Loss.of(moved.with_func(stale)).value_and_gradient()[0] == Loss.of(moved).value_and_gradient()[0]


def test_blocks_that_do_not_fit_are_refused_with_their_size() -> None:
    module = network((5, 4, 3), samples=7)
    assert diagnosed(module, LocalQuadraticModel(size=10, bits=2, capacity=12)) == (BlockTooLarge(None, 10, 20, 12, 6),)
    assert diagnosed(module, LocalQuadraticModel(block="layers.0", capacity=12)) == (
        BlockTooLarge(None, 24, 24, 12, 12),
    )
    assert diagnosed(module, LocalQuadraticModel(bits=4, capacity=3)) == (BlockTooLarge(None, 1, 4, 3, 0),)
    error = BlockTooLarge(None, 24, 48, 12, 6)
    assert "48 fully connected spins with 1128 couplings" in error.fill(error.note)


def test_all_unknown_names_are_reported_at_once() -> None:
    first, second = diagnosed(network((5, 4, 3), samples=7), LocalQuadraticModel(block="layers.0.wieght:layer.1"))
    assert isinstance(first, UnknownWeight)
    assert isinstance(second, UnknownWeight)
    assert {first.suggestion, second.suggestion} == {"did you mean `layers.0.weight`?", "did you mean `layers.1`?"}


def test_numbers_that_are_not_finite_are_refused() -> None:
    log = lambda b, w: b.add(nn.ApplyOp(w, Function.LOG))  # noqa: E731
    assert diagnosed(one_weight(log, -1.0), LocalQuadraticModel())[0].quantity == "loss"
    root = lambda b, w: b.add(nn.ApplyOp(w, Function.SQRT))  # noqa: E731
    (found,) = diagnosed(one_weight(root, 0.0), LocalQuadraticModel())
    assert isinstance(found, NotFinite)
    assert found.quantity == "gradient of the loss"


def test_a_stationary_point_needs_a_step() -> None:
    square = lambda b, w: b.add(nn.PowerOp(w, 2))  # noqa: E731
    assert diagnosed(one_weight(square, 0.0), LocalQuadraticModel()) == (StationaryPoint(None, 1),)
    assert LocalQuadraticModel(step=0.1).run(one_weight(square, 0.0)).main.only(problem.VariableOp).size == 1


def test_programs_that_are_no_loss_are_refused() -> None:
    builder = Builder()
    x = builder.add(problem.VariableOp("x", problem.Domain.BINARY, ()))
    builder.append(problem.ObjectiveOp(x))
    assert diagnosed(Module("m", (builder.finish(),)), LocalQuadraticModel()) == (
        NotOnlyParameters(None, "the variable", "x"),
    )
    builder = Builder()
    builder.append(problem.ObjectiveOp(builder.add(nn.ConstantOp(Array(np.array(1.0))))))
    assert diagnosed(Module("m", (builder.finish(),)), LocalQuadraticModel()) == (NothingToTrain(None, "parameter"),)
    builder = Builder()
    parameter(builder, "empty", np.zeros((0, 2)))
    w = parameter(builder, "w", np.array(1.0))
    builder.append(problem.ObjectiveOp(w))
    found = diagnosed(Module("m", (builder.finish(),)), LocalQuadraticModel(block="empty"))
    assert found == (NothingToTrain(None, "weight in `empty`"),)


def test_options_out_of_range_are_reported_together() -> None:
    found = diagnosed(network((3, 2), samples=4), LocalQuadraticModel(bits=0, radius=-1.0, damping=float("nan")))
    assert [error.option for error in found if isinstance(error, BadOption)] == ["bits", "damping", "radius"]

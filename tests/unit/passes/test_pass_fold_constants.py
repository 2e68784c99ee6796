import numpy as np
import pytest

from qevo_compiler.dialects import nn, problem
from qevo_compiler.evaluator.reference import evaluate_func
from qevo_compiler.ir import Array, Builder, Module, parse_module, print_module, verify
from qevo_compiler.passes.fold_constants import FoldConstants
from qevo_compiler.source import SourceFile

RNG = np.random.default_rng(3)


def program(*body):
    return 'qir 1\nmodule "m" {\n  func @main() {\n    ' + "\n    ".join(body) + "\n  }\n}\n"


def module_of(*body):
    return parse_module(SourceFile("m.qir", program(*body)))


def test_data_are_evaluated():
    before = module_of(
        '%0 = nn.constant() {value = f64<2>(1.0, 2.0), symbol = "w"} : tensor{shape = [2]}',
        "%1 = nn.mul(%0, %0) : tensor{shape = [2]}",
        "%2 = nn.sum(%1) {axes = [0]} : tensor{shape = []}",
        "problem.objective(%2) {sense = Sense.minimize}",
    )
    after = FoldConstants().run(before)
    assert print_module(after) == program(
        '%0 = nn.constant() {value = f64<scalar>(5.0), symbol = ""} : tensor{shape = []}',
        "problem.objective(%0) {sense = Sense.minimize}",
    )
    assert FoldConstants().run(after) is after


def test_a_broadcast_of_data_is_not_stored():
    builder = Builder()
    x = builder.add(problem.VariableOp("x", problem.Domain.BINARY, (1000,)))
    one = builder.add(nn.ConstantOp(Array(np.array(1.0))))
    two = builder.add(nn.AddOp(one, one))
    builder.append(problem.ObjectiveOp(builder.add(nn.SumOp(_times(builder, x, two), (0,)))))
    folded = FoldConstants().run(Module("m", (builder.finish(),)))
    assert [op.value.size for op in folded.main.ops_of(nn.ConstantOp)] == [1]
    assert folded.main.only(nn.BroadcastOp).shape == (1000,)
    assert FoldConstants().run(folded) is folded


def _times(builder, x, factor):
    return builder.add(nn.MulOp(x, builder.add(nn.BroadcastOp(factor, (1000,)))))


def test_nothing_to_do_is_the_same_object():
    module = module_of(
        '%0 = problem.variable() {symbol = "x", domain = Domain.binary, shape = [], lower = none, upper = none, bits = '
        "none, labels = [], encoding = none, positions = none, tensor_shape = []} : tensor{shape = []}",
        "problem.objective(%0) {sense = Sense.minimize}",
    )
    assert FoldConstants().run(module) is module


def test_inputs_of_a_traced_model_can_still_be_replaced():
    builder = Builder()
    x = builder.add(nn.ConstantOp(Array(RNG.normal(size=(2, 3))), "inputs"))
    flat = builder.add(nn.ReshapeOp(x, (6,)))
    builder.append(nn.OutputOp(flat))
    folded = FoldConstants().run(Module("m", (builder.finish(),)))
    other = RNG.normal(size=(2, 3))
    assert evaluate_func(folded.main, constants={"inputs": other}).outputs[0].tolist() == other.reshape(-1).tolist()


def network(*, convolution=True, bias=True, affine=True, shared=False):
    """Layer, batch norm, sum; with `shared` the layer's result is used twice."""
    builder = Builder()

    def parameter(name, *shape):
        return builder.add(nn.ParameterOp(name, Array(RNG.normal(size=shape))))

    x = builder.add(nn.ConstantOp(Array(RNG.normal(size=(2, 3, 4, 4) if convolution else (5, 3))), "inputs"))
    weight = parameter("c.weight", *((4, 3, 3, 3) if convolution else (4, 3)))
    b = parameter("c.bias", 4) if bias else None
    layer = builder.add(nn.Conv2dOp(x, weight, b) if convolution else nn.LinearOp(x, weight, b))
    scale, shift = (parameter("n.weight", 4), parameter("n.bias", 4)) if affine else (None, None)
    mean = builder.add(nn.ConstantOp(Array(RNG.normal(size=4)), "n.running_mean"))
    variance = builder.add(nn.ConstantOp(Array(RNG.random(4)), "n.running_var"))
    y = builder.add(nn.BatchNormOp(layer, scale, shift, mean, variance, 1e-3))
    if shared:
        y = builder.add(nn.AddOp(y, layer))
    builder.append(nn.OutputOp(y))
    return Module("m", (builder.finish(),))


@pytest.mark.parametrize("convolution", [True, False])
@pytest.mark.parametrize(("bias", "affine"), [(True, True), (False, True), (True, False)])
def test_batch_norm_is_folded(convolution, bias, affine):
    module = network(convolution=convolution, bias=bias, affine=affine)
    folded = FoldConstants(norms=True).run(module)
    verify(folded)
    assert not folded.main.ops_of(nn.BatchNormOp)
    want, got = (evaluate_func(m.main).outputs[0] for m in (module, folded))
    np.testing.assert_allclose(got, want, atol=1e-12)
    assert FoldConstants(norms=True).run(folded) is folded


@pytest.mark.parametrize("bias", [True, False])
def test_folded_parameters_fit_the_original_architecture(bias):
    module = network(bias=bias)
    folded = FoldConstants(norms=True).run(module)
    values = {op.symbol: op.value.values for op in folded.main.ops_of(nn.ParameterOp)}
    buffers = {name: values.pop(name) for name in ("n.running_mean", "n.running_var")}
    want = evaluate_func(module.main).outputs[0]
    got = evaluate_func(module.main, parameters=values, constants=buffers).outputs[0]
    np.testing.assert_allclose(got, want, atol=1e-12)


@pytest.mark.parametrize("options", [{"shared": True}, {"bias": False, "affine": False}])
def test_batch_norm_stays_where_it_cannot_be_folded(options):
    module = network(**options)
    assert FoldConstants(norms=True).run(module) is module


def test_batch_norms_stay_unless_asked_for():
    module = network()
    assert FoldConstants().run(module) is module

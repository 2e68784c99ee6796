"""The reference evaluator against torch's own definitions, worked out by hand where torch is absent."""

import numpy as np
import pytest

from qevo_compiler.dialects import nn, poly, problem
from qevo_compiler.dialects.anneal import SampleOp
from qevo_compiler.dialects.nn import Function
from qevo_compiler.dialects.poly import arithmetic
from qevo_compiler.dialects.problem import Domain, Relation
from qevo_compiler.evaluator.functions import apply_function
from qevo_compiler.evaluator.reference import apply_op, evaluate_func, run_func
from qevo_compiler.ir import Array, Builder, Invalid, TensorType

RNG = np.random.default_rng(5)


def run(make, *arrays):
    """The result of the op that `make` builds from arguments with the given values."""
    builder = Builder()
    values = [builder.argument(TensorType(np.shape(a))) for a in arrays]
    result = builder.add(make(*values))
    return run_func(builder.finish(result), [np.asarray(a, float) for a in arrays])[result]


@pytest.mark.parametrize("function", list(Function))
def test_functions_equal_torch(function):
    torch = pytest.importorskip("torch")
    from torch.nn import functional as f

    x = np.concatenate([np.linspace(-40, 40, 801), [-1e-300, 0.0, 1e-300, 700.0, -700.0]])
    if function in (Function.LOG, Function.SQRT):
        x = np.abs(x) + 1e-9
    t = torch.tensor(x)
    same = {
        Function.TANH: torch.tanh,
        Function.SIGMOID: torch.sigmoid,
        Function.EXP: torch.exp,
        Function.LOG: torch.log,
        Function.SQRT: torch.sqrt,
        Function.ERF: torch.erf,
        Function.GELU: f.gelu,
        Function.GELU_TANH: lambda v: f.gelu(v, approximate="tanh"),
        Function.SILU: f.silu,
        Function.RELU: torch.relu,
        Function.ABS: torch.abs,
        Function.SIGN: torch.sign,
        Function.STEP: lambda v: (v > 0).double(),
    }[function]
    np.testing.assert_allclose(apply_function(function, x), same(t).numpy(), rtol=2e-13, atol=1e-15)


def test_layers_equal_torch():
    torch = pytest.importorskip("torch")
    from torch.nn import functional as f

    x, weight, bias = RNG.normal(size=(3, 4, 7, 6)), RNG.normal(size=(6, 2, 3, 2)), RNG.normal(size=6)
    stride, padding, dilation = (2, 1), (1, 1), (1, 2)
    want = f.conv2d(*map(torch.tensor, (x, weight, bias)), stride, padding, dilation, 2).numpy()
    got = run(lambda a, b, c: nn.Conv2dOp(a, b, c, stride, padding, dilation, 2), x, weight, bias)
    np.testing.assert_allclose(got, want, atol=1e-13)

    want = f.avg_pool2d(torch.tensor(x), (3, 2), (2, 1), (1, 0)).numpy()
    got = run(lambda a: nn.AveragePool2dOp(a, (3, 2), (2, 1), (1, 0)), x)
    np.testing.assert_allclose(got, want, atol=1e-13)

    scale, shift, mean, variance = RNG.normal(size=(4, 4))
    variance = variance**2
    want = f.batch_norm(*map(torch.tensor, (x, mean, variance, scale, shift)), eps=1e-3).numpy()
    got = run(lambda a, b, c, d, e: nn.BatchNormOp(a, b, c, d, e, 1e-3), x, scale, shift, mean, variance)
    np.testing.assert_allclose(got, want, atol=1e-13)

    want = torch.log_softmax(torch.tensor(x) * 100, 1).numpy()
    np.testing.assert_allclose(run(lambda a: nn.LogSoftmaxOp(a, 1), x * 100), want, atol=1e-11)


def test_linear_with_leading_axes_and_no_bias():
    x, weight = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(5, 4))
    np.testing.assert_allclose(
        run(lambda a, b: nn.LinearOp(a, b, None), x, weight), np.einsum("abi,oi->abo", x, weight)
    )


def test_layout_ops():
    x = np.arange(6.0).reshape(2, 3)
    assert run(lambda a: nn.TransposeOp(a, (1, 0)), x).tolist() == x.T.tolist()
    assert run(lambda a: nn.GatherOp(a, Array(np.array([5, -1, 0]))), x).tolist() == [5.0, 0.0, 0.0]
    indices = Array(np.array([[0, 1, 0], [-1, 1, 3]]))
    assert run(lambda a: nn.ScatterAddOp(a, indices, (4,)), x).tolist() == [2.0, 5.0, 0.0, 5.0]
    assert run(lambda a, b: nn.ConcatOp((a, b), 1), x, x).shape == (2, 6)
    assert run(lambda a: nn.SumOp(a, ()), x).tolist() == x.tolist()
    assert run(lambda a: nn.SumOp(a, (0, 1)), x).shape == ()
    assert run(lambda a: nn.BroadcastOp(a, (4, 2, 3)), x).shape == (4, 2, 3)


def test_scalar_arithmetic():
    x = np.array([1.0, -2.0, 4.0])
    assert run(lambda a: nn.PowerOp(a, -2), x).tolist() == [1.0, 0.25, 0.0625]
    assert run(lambda a: nn.PolynomialOp(a, Array(np.array([1.0, 0.0, 2.0]))), x).tolist() == [3.0, 9.0, 33.0]
    assert run(nn.DivOp, x, np.array([2.0, 4.0, 8.0])).tolist() == [0.5, -0.5, 0.5]
    assert run(nn.NegOp, x).tolist() == [-1.0, 2.0, -4.0]


def test_an_op_without_results_is_refused():
    with pytest.raises(Invalid, match=r"anneal\.sample"):
        apply_op(SampleOp(), [])


def choice_func():
    builder = Builder()
    op = builder.add(problem.VariableOp("op", Domain.CHOICE, (2,), labels=("a", "b", "c")))
    table = builder.add(nn.ConstantOp(Array(np.array([[1.0], [10.0], [100.0]])), "cost"))
    scale = builder.add(nn.ParameterOp("scale", Array(np.array(2.0))))
    total = builder.add(nn.SumOp(builder.add(nn.MatmulOp(op, table)), (0, 1)))
    builder.append(problem.ObjectiveOp(builder.add(nn.MulOp(total, scale))))
    builder.append(problem.ConstraintOp(total, "budget", Relation.LE, Array(np.zeros((1, 0), np.int64))))
    return builder.finish(total)


def test_choices_by_label_or_indicator_and_replaced_data():
    func = choice_func()
    by_label = evaluate_func(func, variables={"op": np.array([0, 2])})
    by_indicator = evaluate_func(func, variables={"op": np.array([[1, 0, 0], [0, 0, 1]])})
    assert by_label.objective == by_indicator.objective == 202.0
    assert by_label.constraints["budget"].tolist() == [101.0]
    assert by_label.returns[0] == 101.0
    replaced = evaluate_func(
        func,
        variables={"op": np.array([0, 0])},
        parameters={"scale": np.array(3.0)},
        constants={"cost": np.array([[5.0], [0.0], [0.0]])},
    )
    assert replaced.objective == 30.0


def test_a_packed_problem_is_evaluated_too():
    builder = Builder()
    builder.append(problem.VariableOp("x", Domain.BINARY, (2,)))
    builder.append(problem.VariableOp("k", Domain.CHOICE, (), labels=("a", "b")))
    body = arithmetic.variables(np.array([0, 1, 2, 3]))
    builder.append(poly.ObjectiveOp(arithmetic.total(arithmetic.scale(body, np.array([1.0, 10.0, 100.0, 1000.0])))))
    builder.append(poly.ConstraintOp("each", Relation.EQ, body, Array(np.arange(4)[:, None])))
    found = evaluate_func(builder.finish(), variables={"x": np.array([1, 1]), "k": np.array(1)})
    assert found.objective == 1011.0
    assert found.constraints["each"].tolist() == [1.0, 1.0, 0.0, 1.0]


def test_mistakes_are_named():
    func = choice_func()
    with pytest.raises(Invalid, match="no value for the variable `op`"):
        run_func(func)
    with pytest.raises(Invalid, match="`op` has shape"):
        run_func(func, variables={"op": np.zeros(3)})
    with pytest.raises(Invalid, match="takes 0 arguments"):
        run_func(func, [np.zeros(1)])

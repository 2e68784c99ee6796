import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.analyses.intervals import decision_values, intervals
from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn import Function
from qevo_compiler.dialects.problem import Domain
from qevo_compiler.evaluator.reference import run_func
from qevo_compiler.ir import Array, Builder, Invalid

RNG = np.random.default_rng(2)
COEFFICIENTS = Array(np.array([1.0, -2.0, 0.5, 1.0, -0.25]))
UNARY = {
    **{f.name: (lambda x, f=f: nn.ApplyOp(x, f)) for f in Function},
    **{f"power {k}": (lambda x, k=k: nn.PowerOp(x, k)) for k in range(-3, 5)},
    "polynomial": lambda x: nn.PolynomialOp(x, COEFFICIENTS),
    "constant polynomial": lambda x: nn.PolynomialOp(x, Array(np.array([2.0]))),
    "log softmax": lambda x: nn.LogSoftmaxOp(x, 1),
    "neg": nn.NegOp,
    "square": lambda x: nn.MulOp(x, x),
    "sum": lambda x: nn.SumOp(x, (0,)),
    "gather": lambda x: nn.GatherOp(x, Array(np.array([0, -1, 3]))),
}
BINARY = {"add": nn.AddOp, "sub": nn.SubOp, "mul": nn.MulOp, "div": nn.DivOp}


def variable(builder, name, lower, upper):
    bounds = (Array(np.asarray(b, float)) for b in (lower, upper))
    return builder.add(problem.VariableOp(name, Domain.REAL, np.shape(lower), *bounds, 3))


def corners_and_points(lower, upper):
    yield lower
    yield upper
    for _ in range(20):
        yield RNG.uniform(lower, upper)


def check(make, *boxes):
    """Every value at every sampled point lies in the interval; gives intervals and sampled extremes."""
    builder = Builder()
    values = [variable(builder, f"v{k}", *box) for k, box in enumerate(boxes)]
    result = builder.add(make(*values))
    func = builder.finish(result)
    low, high = intervals(func)[result]
    least, most = np.full(low.shape, np.inf), np.full(low.shape, -np.inf)
    for point in zip(*(corners_and_points(*box) for box in boxes), strict=True):
        value = run_func(func, variables={f"v{k}": p for k, p in enumerate(point)})[result]
        value = value[...]
        slack = 1e-12 * (1 + np.abs(value))
        inside = (value >= low - slack) & (value <= high + slack) | ~np.isfinite(value)
        assert inside.all(), (value, low, high)
        least, most = np.fmin(least, value), np.fmax(most, value)
    return low, high, least, most


def box():
    lower = RNG.uniform(-3, 2, (2, 2))
    return lower, lower + RNG.uniform(0, 3, (2, 2))


@pytest.mark.parametrize("name", list(UNARY))
def test_unary_ops_are_enclosed(name):
    for _ in range(20):
        lower, upper = box()
        if name in ("LOG", "SQRT"):
            lower, upper = lower + 3.1, upper + 3.1
        check(UNARY[name], (lower, upper))


@pytest.mark.parametrize("name", list(BINARY))
def test_binary_ops_are_enclosed(name):
    for _ in range(20):
        check(BINARY[name], box(), box())


def test_matrix_products_are_enclosed_and_tight_with_data():
    for _ in range(20):
        check(nn.MatmulOp, box(), box())
        low, high, *_ = check(nn.MatmulOp, box(), (matrix := RNG.normal(size=(2, 2)), matrix))
        assert (high >= low).all()
    builder = Builder()
    x = builder.add(problem.VariableOp("x", Domain.SPIN, (1, 3)))
    data = builder.add(nn.ConstantOp(Array(np.array([[1.0], [-2.0], [3.0]]))))
    columns = builder.add(nn.MatmulOp(x, data))
    rows = builder.add(nn.MatmulOp(*(builder.add(nn.TransposeOp(v, (1, 0))) for v in (data, x))))
    found = intervals(builder.finish())
    for value in (columns, rows):
        assert [float(bound[0, 0]) for bound in found[value]] == [-6.0, 6.0]


@pytest.mark.parametrize("function", [Function.GELU, Function.GELU_TANH, Function.SILU])
@settings(max_examples=40, deadline=None)
@given(st.floats(-6, 6), st.floats(0, 6))
def test_functions_with_a_minimum_are_tight(function, lower, width):
    from qevo_compiler.evaluator.functions import apply_function

    builder = Builder()
    x = variable(builder, "x", lower, lower + width)
    y = builder.add(nn.ApplyOp(x, function))
    low, high = intervals(builder.finish())[y]
    values = apply_function(function, np.linspace(lower, lower + width, 4001))
    assert low - 1e-14 <= values.min() <= low + 1e-6 + width * 1e-4
    assert values.max() - 1e-14 <= high <= values.max() + 1e-12


def test_domains_and_parameters():
    builder = Builder()
    kinds = [
        builder.add(problem.VariableOp("b", Domain.BINARY, (2,))),
        builder.add(problem.VariableOp("s", Domain.SPIN, ())),
        builder.add(problem.VariableOp("c", Domain.CHOICE, (), labels=("x", "y"))),
        builder.add(nn.ParameterOp("ranged", Array(np.array(0.5)), -2.0, 2.0, 3)),
        builder.add(nn.ParameterOp("held", Array(np.array(0.5)))),
    ]
    found = intervals(builder.finish())
    assert [(float(found[v][0].min()), float(found[v][1].max())) for v in kinds] == [
        (0, 1), (-1, 1), (0, 1), (-2, 2), (0.5, 0.5),
    ]  # fmt: skip
    builder = Builder()
    free = builder.add(nn.ParameterOp("free", Array(np.array(0.5))))
    func = builder.finish()
    assert [float(bound) for bound in intervals(func)[free]] == [-np.inf, np.inf]
    assert decision_values(func) == frozenset()


def test_unbounded_arguments_stay_unbounded():
    builder = Builder()
    free = builder.add(nn.ParameterOp("free", Array(np.zeros((2, 2)))))
    zero = builder.add(nn.ConstantOp(Array(np.zeros((2, 2)))))
    values = [
        builder.add(nn.MatmulOp(free, zero)),
        builder.add(nn.SubOp(free, free)),
        builder.add(nn.ApplyOp(free, Function.TANH)),
        builder.add(nn.ApplyOp(free, Function.SILU)),
        builder.add(nn.MulOp(free, zero)),
    ]
    found = intervals(builder.finish())
    ends = [(float(found[v][0].min()), float(found[v][1].max())) for v in values]
    assert ends[:3] == [(-np.inf, np.inf), (-np.inf, np.inf), (-1, 1)]
    assert ends[3] == (pytest.approx(-0.2784645427610738), np.inf)
    assert ends[4] == (0, 0)


def test_a_layer_has_no_rule():
    builder = Builder()
    x = builder.add(problem.VariableOp("x", Domain.BINARY, (1, 2)))
    builder.add(nn.LinearOp(x, builder.add(nn.ConstantOp(Array(np.ones((1, 2))))), None))
    with pytest.raises(Invalid, match=r"nn\.linear"):
        intervals(builder.finish())

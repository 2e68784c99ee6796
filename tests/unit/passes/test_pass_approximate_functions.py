import numpy as np
import pytest

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn import Function
from qevo_compiler.dialects.problem import ApproximateOp, Domain
from qevo_compiler.evaluator.functions import apply_function
from qevo_compiler.evaluator.reference import evaluate_func
from qevo_compiler.ir import Array, Builder, Evidence, Module
from qevo_compiler.passes.approximate_functions import ApproximateFunctions
from qevo_compiler.passes.pipeline import Pipeline


def real_module(function, lower, upper, *requests):
    """Minimise `function` of one real variable on [lower, upper]."""
    builder = Builder()
    bounds = Array(np.array(float(lower))), Array(np.array(float(upper)))
    x = builder.add(problem.VariableOp("x", Domain.REAL, (), *bounds, 8))
    for request in requests:
        builder.append(request)
    builder.append(problem.ObjectiveOp(builder.add(nn.ApplyOp(x, function))))
    return Module("m", (builder.finish(),))


def approximate(module, **options):
    step = ApproximateFunctions(**options)
    result = Pipeline((step,)).run(module)
    assert step.run(result) is result
    return result


def test_the_pair_of_the_docstring():
    result = approximate(real_module(Function.TANH, -1, 1))
    assert not result.main.ops_of(nn.ApplyOp)
    coefficients = result.main.only(nn.PolynomialOp).coefficients.values
    assert coefficients.round(2).tolist() == [0.0, 0.97, 0.0, -0.22]


@pytest.mark.parametrize("function", list(Function))
@pytest.mark.parametrize(("lower", "upper"), [(-2.0, 3.0), (0.0, 1.0), (0.5, 6.0), (9.0, 10.0)])
@pytest.mark.parametrize("degree", [0, 1, 4, 9])
def test_the_error_in_the_ledger_holds_and_is_tight(function, lower, upper, degree):
    if (lower < 0 and function is Function.SQRT) or (lower <= 0 and function is Function.LOG):
        refuse(real_module(function, lower, upper), "Q0604")
        return
    module = real_module(function, lower, upper)
    result = approximate(module, degree=degree)
    (entry,) = result.ledger
    assert (entry.subject, entry.kind) == (function.name.lower(), Evidence.PROVED)
    points = np.concatenate([np.random.default_rng(0).uniform(lower, upper, 300), [lower, upper, max(lower, 0.0)]])
    objective = [evaluate_func(result.main, variables={"x": x}).objective for x in points]
    errors = np.abs(np.array(objective) - apply_function(function, points))
    assert errors.max() <= entry.value
    assert entry.value <= 1.3 * errors.max() + 2e-5 * np.abs(apply_function(function, points)).max() + 1e-9


def test_an_approximate_line_sets_degree_and_interval():
    request = ApproximateOp(Function.EXP, 2, -1.0, 1.0)
    result = approximate(real_module(Function.EXP, -0.5, 0.5, request))
    assert result.main.only(nn.PolynomialOp).coefficients.size == 3
    assert not result.main.ops_of(ApproximateOp)
    (entry,) = result.ledger
    assert "degree 2 on [-1.0, 1.0]" in entry.note
    assert entry.kind is Evidence.PROVED


def test_an_interval_that_does_not_cover_the_argument_proves_nothing():
    result = approximate(real_module(Function.EXP, -2, 2, ApproximateOp(Function.EXP, 3, -1.0, 1.0)))
    (entry,) = result.ledger
    assert entry.kind is Evidence.ESTIMATED
    assert "[-2.0, 2.0]" in entry.note


@pytest.mark.parametrize(
    ("domain", "bounds", "values"),
    [(Domain.BINARY, (), [0, 1]), (Domain.SPIN, (), [-1, 1]), (Domain.INTEGER, (2, 5), [2, 3, 4, 5])],
)
def test_functions_of_few_values_are_exact(domain, bounds, values):
    builder = Builder()
    x = builder.add(problem.VariableOp("x", domain, (2,), *(Array(np.array(float(b))) for b in bounds)))
    moved = builder.add(nn.GatherOp(x, Array(np.array([1]))))
    builder.append(problem.ObjectiveOp(builder.add(nn.SumOp(builder.add(nn.ApplyOp(moved, Function.GELU)), (0,)))))
    result = approximate(Module("m", (builder.finish(),)))
    (entry,) = result.ledger
    assert entry.value < 1e-13
    for value in values:
        found = evaluate_func(result.main, variables={"x": np.array([values[0], value])}).objective
        assert found == pytest.approx(float(apply_function(Function.GELU, np.array(float(value)))), abs=1e-13)


def test_functions_of_shifted_integers_are_exact():
    builder = Builder()
    ends = (Array(np.array(0)), Array(np.array(4)))
    k = builder.add(problem.VariableOp("k", Domain.INTEGER, (), *ends))
    late = builder.add(nn.SubOp(k, builder.add(nn.ConstantOp(Array(np.array(3.0))))))
    builder.append(problem.ObjectiveOp(builder.add(nn.ApplyOp(late, Function.ABS))))
    result = approximate(Module("m", (builder.finish(),)))
    found = [evaluate_func(result.main, variables={"k": np.array(k)}).objective for k in range(5)]
    assert found == pytest.approx([3, 2, 1, 0, 1], abs=1e-12)


def test_ends_of_a_range_may_be_stored_as_integers():
    builder = Builder()
    ends = (Array(np.array([2, 3])), Array(np.array(5)))
    k = builder.add(problem.VariableOp("k", Domain.INTEGER, (2,), *ends))
    builder.append(problem.ObjectiveOp(builder.add(nn.SumOp(builder.add(nn.ApplyOp(k, Function.TANH)), (0,)))))
    (entry,) = approximate(Module("m", (builder.finish(),))).ledger
    assert "4 values" in entry.note


def test_functions_of_data_and_of_held_parameters_stay():
    builder = Builder()
    x = builder.add(problem.VariableOp("x", Domain.BINARY, ()))
    held = builder.add(nn.ApplyOp(builder.add(nn.ParameterOp("p", Array(np.array(1.0)))), Function.EXP))
    builder.append(problem.ObjectiveOp(builder.add(nn.MulOp(x, held))))
    module = Module("m", (builder.finish(),))
    assert ApproximateFunctions().run(module) is module


def test_a_parameter_with_a_range_is_a_variable():
    builder = Builder()
    p = builder.add(nn.ParameterOp("p", Array(np.array([0.5])), -1.0, 1.0, 4))
    builder.append(problem.ObjectiveOp(builder.add(nn.SumOp(builder.add(nn.ApplyOp(p, Function.SIGMOID)), (0,)))))
    assert approximate(Module("m", (builder.finish(),))).main.ops_of(nn.PolynomialOp)


def refuse(module, code):
    with pytest.raises(CompileError) as caught:
        ApproximateFunctions().run(module)
    assert [d.code for d in caught.value.diagnostics] == [code]
    return caught.value.diagnostics[0]


def test_an_argument_without_a_range_is_refused():
    refuse(real_module(Function.TANH, -1, np.inf), "Q0603")
    refuse(real_module(Function.EXP, 0, 1e4), "Q0604")


@pytest.mark.parametrize("request_", [(41, None, None), (3, 1.0, 1.0), (-1, 0.0, 1.0)])
def test_a_useless_request_is_refused(request_):
    builder = Builder()
    builder.append(ApproximateOp(Function.TANH, *request_))
    refuse(Module("m", (builder.finish(),)), "Q0608")


def test_several_mistakes_are_reported_together():
    builder = Builder()
    x = builder.add(problem.VariableOp("x", Domain.SPIN, (40,)))
    total = builder.add(nn.SumOp(x, (0,)))
    logs = [builder.add(nn.ApplyOp(total, function)) for function in (Function.LOG, Function.SQRT)]
    builder.append(problem.ObjectiveOp(builder.add(nn.AddOp(*logs))))
    with pytest.raises(CompileError) as caught:
        ApproximateFunctions().run(Module("m", (builder.finish(),)))
    assert [d.function for d in caught.value.diagnostics] == ["log", "sqrt"]

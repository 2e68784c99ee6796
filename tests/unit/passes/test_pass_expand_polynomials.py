import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import nn, poly, problem
from qevo_compiler.dialects.problem import Domain, Relation
from qevo_compiler.evaluator.reference import evaluate_func, run_func
from qevo_compiler.ir import Array, Builder, Evidence, Module, parse_module, print_module, verify
from qevo_compiler.passes.expand_polynomials import ExpandPolynomials
from qevo_compiler.passes.pipeline import Pipeline
from qevo_compiler.source import SourceFile

PLAIN = "lower = none, upper = none, bits = none, labels = [], encoding = none, positions = none, tensor_shape = []"


def expand(module, **options):
    step = ExpandPolynomials(**options)
    result = Pipeline((step,)).run(module)
    assert step.run(result) is result
    return result


def constant(builder, values):
    return builder.add(nn.ConstantOp(Array(np.asarray(values, float))))


def minimise(builder, x):
    shape = x.type.shape
    total = builder.add(nn.SumOp(x, tuple(range(len(shape))))) if shape else x
    builder.append(problem.ObjectiveOp(total))
    return Module("m", (builder.finish(),))


def terms(module):
    """The objective's terms as {variables: coefficient}."""
    found = {}
    for block in module.main.only(poly.ObjectiveOp).polynomial.terms:
        for names, coefficient in zip(block.variables.values.tolist(), block.coefficients.values.tolist(), strict=True):
            found[tuple(names)] = coefficient
    return found


def test_the_pair_of_the_docstring():
    text = f"""qir 1
module "m" {{
  func @main() {{
    %0 = problem.variable() {{symbol = "x", domain = Domain.int, shape = [2], {PLAIN}}} : tensor{{shape = [2]}}
    %1 = nn.mul(%0, %0) : tensor{{shape = [2]}}
    %2 = nn.sum(%1) {{axes = [0]}} : tensor{{shape = []}}
    problem.objective(%2) {{sense = Sense.minimize}}
  }}
}}
""".replace("Domain.int", "Domain.integer").replace(
        "lower = none, upper = none", "lower = f64<scalar>(0.0), upper = f64<scalar>(3.0)"
    )
    result = expand(parse_module(SourceFile("m.qir", text)))
    printed = print_module(result)
    assert (
        printed.count(
            "poly.objective() {polynomial = polynomials{rows = 1, terms = [terms{row = i32<2>(0, 0), "
            "variables = i32<2x2>(0, 0, 1, 1), coefficients = f64<2>(1.0, 1.0)}]}, sense = Sense.minimize}"
        )
        == 2
    )
    assert result.func("problem").ops == result.main.ops


@pytest.mark.parametrize(
    ("domain", "power", "wanted"),
    [
        (Domain.BINARY, 5, {(0,): 1.0}),
        (Domain.SPIN, 5, {(0,): 1.0}),
        (Domain.SPIN, 4, {(): 1.0}),
        (Domain.BINARY, 0, {(): 1.0}),
    ],
)
def test_powers_of_bits_and_spins(domain, power, wanted):
    builder = Builder()
    x = builder.add(problem.VariableOp("x", domain, ()))
    assert terms(expand(minimise(builder, builder.add(nn.PowerOp(x, power))))) == wanted


def test_labels_of_one_choice_exclude_each_other():
    builder = Builder()
    op = builder.add(problem.VariableOp("op", Domain.CHOICE, (2,), labels=("a", "b", "c")))
    left = builder.add(nn.SumOp(op, (1,)))
    product = builder.add(nn.MulOp(left, left))
    assert terms(expand(minimise(builder, product))) == {(k,): 1.0 for k in range(6)}


def test_squares_of_sums_are_merged():
    builder = Builder()
    x = builder.add(problem.VariableOp("x", Domain.BINARY, (3,)))
    weighted = builder.add(nn.SumOp(builder.add(nn.MulOp(constant(builder, [1, 2, 3]), x)), (0,)))
    square = builder.add(nn.PowerOp(builder.add(nn.SubOp(weighted, constant(builder, 4))), 2))
    assert terms(expand(minimise(builder, square))) == {
        (): 16.0, (0,): -7.0, (1,): -12.0, (2,): -15.0, (0, 1): 4.0, (0, 2): 6.0, (1, 2): 12.0,
    }  # fmt: skip


def test_constraints_keep_their_rows_and_names():
    builder = Builder()
    x = builder.add(problem.VariableOp("x", Domain.BINARY, (2, 3)))
    total = builder.add(nn.SumOp(x, (0,)))
    body = builder.add(nn.SubOp(total, builder.add(nn.BroadcastOp(constant(builder, 1), (3,)))))
    builder.append(problem.ConstraintOp(body, "each", Relation.LE, Array(np.arange(3)[:, None]), 2.5))
    result = expand(Module("m", (builder.finish(),)))
    found = result.main.only(poly.ConstraintOp)
    assert (found.symbol, found.relation, found.weight, found.body.rows) == ("each", Relation.LE, 2.5, 3)
    assert found.body.block(1)[1].tolist() == [[0], [3], [1], [4], [2], [5]]
    assert found.body.constants().tolist() == [-1.0, -1.0, -1.0]


def declare(builder, draw, index):
    shape = draw(st.sampled_from([(), (2,), (2, 2), (3,)]))
    domain = draw(st.sampled_from(list(Domain)))
    bounds = (Array(np.array(-1.0)), Array(np.array(2.0))) if domain in (Domain.INTEGER, Domain.REAL) else (None, None)
    bits = 2 if domain is Domain.REAL else None
    labels = ("a", "b") if domain is Domain.CHOICE else ()
    return builder.add(problem.VariableOp(f"v{index}", domain, shape, *bounds, bits, labels))


def grow(builder, draw, values, rng):
    """One more op on values made before."""
    x = draw(st.sampled_from(values))
    shape = x.type.shape
    same = [v for v in values if v.type.shape == shape]
    data = constant(builder, rng.integers(-2, 3, shape))
    size = int(np.prod(shape))
    kind = draw(st.integers(0, 12))
    match kind:
        case 0 | 1 | 2:
            op = (nn.AddOp, nn.SubOp, nn.MulOp)[kind](x, draw(st.sampled_from(same)))
        case 3 | 4:
            op = (nn.MulOp, nn.SubOp)[kind - 3](*((x, data) if draw(st.booleans()) else (data, x)))
        case 5:
            op = nn.PowerOp(x, draw(st.integers(0, 3)))
        case 6:
            op = nn.GatherOp(x, Array(rng.integers(-1, size, draw(st.sampled_from([(2,), (2, 2), (5,)])))))
        case 7:
            op = nn.ScatterAddOp(x, Array(rng.integers(-1, 3, shape)), (3,))
        case 8:
            axes = draw(st.sampled_from([tuple(range(len(shape))), (len(shape) - 1,) if shape else ()]))
            op = nn.SumOp(x, axes)
        case 9:
            op = nn.BroadcastOp(x, (2, *shape)) if size < 8 else nn.NegOp(x)
        case 10:
            op = nn.TransposeOp(x, tuple(reversed(range(len(shape)))))
        case 11:
            op = nn.ConcatOp((x, draw(st.sampled_from(same)), data), 0) if shape else nn.ReshapeOp(x, (1, 1))
        case _:
            column = builder.add(nn.ReshapeOp(x, (size, 1)))
            row = builder.add(nn.ReshapeOp(draw(st.sampled_from(same)), (1, size)))
            table = constant(builder, rng.integers(-1, 2, (size, 2)))
            op = draw(st.sampled_from([nn.MatmulOp(row, column), nn.MatmulOp(row, table)]))
    return builder.add(op)


@st.composite
def random_modules(draw):
    builder = Builder()
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    values = [declare(builder, draw, index) for index in range(draw(st.integers(1, 3)))]
    for _ in range(draw(st.integers(1, 7))):
        values.append(grow(builder, draw, values, rng))
    last = values[-1]
    rows = int(np.prod(last.type.shape))
    builder.append(problem.ConstraintOp(last, "c", Relation.EQ, Array(np.arange(rows)[:, None])))
    return minimise(builder, last), rng


def random_point(func, rng):
    point = {}
    for op in func.ops_of(problem.VariableOp):
        choices = {Domain.SPIN: [-1, 1], Domain.REAL: [-1.0, 0.0, 1.0, 2.0], Domain.INTEGER: [-1, 0, 1, 2]}
        point[op.symbol] = rng.choice(choices.get(op.domain, [0, 1]), op.shape)
    return point


@settings(max_examples=150, deadline=None)
@given(random_modules())
def test_expansion_keeps_every_value(case):
    module, rng = case
    try:
        result = expand(module, max_terms=100_000)
    except CompileError as error:
        # Random powers of powers may grow beyond the limit; nothing else may be refused.
        if {d.code for d in error.diagnostics} != {"Q0605"}:
            raise
        return
    verify(result)
    for _ in range(3):
        point = random_point(module.main, rng)
        before, after = (evaluate_func(m.main, variables=point) for m in (module, result))
        scale = 1.0 + np.abs(before.constraints["c"]).max(initial=0.0)
        np.testing.assert_allclose(after.constraints["c"], before.constraints["c"], atol=1e-9 * scale)
        assert after.objective == pytest.approx(before.objective, abs=1e-8 * scale)


def test_polynomials_of_sums():
    builder = Builder()
    x = builder.add(problem.VariableOp("x", Domain.SPIN, (4,)))
    total = builder.add(nn.SumOp(x, (0,)))
    p = builder.add(nn.PolynomialOp(total, Array(np.array([0.5, 0.0, -1.0, 0.25]))))
    module = minimise(builder, p)
    result = expand(module)
    for bits in range(16):
        point = {"x": np.array([1.0 if bits >> k & 1 else -1.0 for k in range(4)])}
        assert evaluate_func(result.main, variables=point).objective == pytest.approx(
            run_func(module.main, variables=point)[p]
        )


@pytest.mark.parametrize("square", [True, False])
def test_sums_of_many_squares_take_the_way_through_one_matrix(square):
    rng = np.random.default_rng(0)
    data, other = rng.normal(size=(2, 400, 80))
    builder = Builder()
    x = builder.add(problem.VariableOp("x", Domain.BINARY, (80, 1)))
    shift = constant(builder, rng.normal(size=(400, 1)))
    left = builder.add(nn.SubOp(builder.add(nn.MatmulOp(constant(builder, data), x)), shift))
    right = left if square else builder.add(nn.MatmulOp(constant(builder, other), x))
    weights = constant(builder, rng.normal(size=(400, 1)))
    product = builder.add(nn.MulOp(weights, builder.add(nn.NegOp(builder.add(nn.MulOp(left, right))))))
    module = minimise(builder, product)
    result = expand(module, max_terms=2_000_000 if square else 3_000_000)
    assert len(result.main.only(poly.ObjectiveOp).polynomial) <= 81 * 82 // 2
    point = {"x": rng.integers(0, 2, (80, 1))}
    want = evaluate_func(module.main, variables=point).objective
    assert evaluate_func(result.main, variables=point).objective == pytest.approx(want, rel=1e-10)


def parameters_module(*ranges, train=False, linearize=False):
    builder = Builder()
    parts = [builder.add(nn.ParameterOp(f"p{k}", Array(np.array([1.0, 2.0])), *r)) for k, r in enumerate(ranges)]
    if train:
        builder.append(problem.TrainOp(0.1, 10))
    if linearize:
        builder.append(problem.LinearizeOp(3, None, problem.Pivot.START, None))
    total = parts[0]
    for part in parts[1:]:
        total = builder.add(nn.MulOp(total, part))
    return minimise(builder, total)


def test_a_parameter_with_bits_becomes_a_variable_and_others_are_held():
    result = expand(parameters_module((-1.0, 3.0, 4), (None, None, None), train=True))
    variable = result.main.only(problem.VariableOp)
    assert (variable.symbol, variable.domain, variable.bits, float(variable.upper.values)) == (
        "p0",
        Domain.REAL,
        4,
        3.0,
    )
    assert result.main.first(problem.TrainOp) is not None
    assert terms(result) == {(0,): 1.0, (1,): 2.0}
    (entry,) = result.ledger
    assert (entry.subject, entry.value, entry.kind) == ("p1", 2.0, Evidence.PROVED)


def refused(module, code, **options):
    with pytest.raises(CompileError) as caught:
        ExpandPolynomials(**options).run(module)
    assert {d.code for d in caught.value.diagnostics} == {code}
    return caught.value.diagnostics


def test_parameters_alone_are_nothing_to_decide():
    (found,) = refused(parameters_module((None, None, None)), "Q0607")
    assert "in [lo, hi] bits b" in found.fill(found.help)
    (found,) = refused(parameters_module((None, None, None), train=True), "Q0607")
    assert "train sgd" not in found.fill(found.help)


def test_linearize_is_refused_by_name():
    refused(parameters_module((None, None, None), train=True, linearize=True), "Q0610")


def one_op(make, **kwargs):
    builder = Builder()
    x = builder.add(problem.VariableOp("x", Domain.BINARY, (3,)))
    return minimise(builder, builder.add(make(builder, x)))


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda b, x: nn.ApplyOp(x, nn.Function.TANH), "Q0601"),
        (lambda b, x: nn.LogSoftmaxOp(x, 0), "Q0601"),
        (lambda b, x: nn.DivOp(constant(b, [1, 1, 1]), x), "Q0602"),
        (lambda b, x: nn.PowerOp(x, -1), "Q0602"),
        (lambda b, x: nn.DivOp(x, constant(b, [1, 0, 1])), "Q0606"),
        (lambda b, x: nn.MulOp(x, constant(b, [1, np.nan, 1])), "Q0606"),
        (lambda b, x: nn.MulOp(x, b.add(nn.DivOp(constant(b, [1, 0, 1]), constant(b, [1, 0, 1])))), "Q0606"),
    ],
)
def test_what_is_no_polynomial_is_refused(make, code):
    refused(one_op(make), code)


def test_too_many_terms_are_refused_before_they_are_made():
    builder = Builder()
    x = builder.add(problem.VariableOp("x", Domain.INTEGER, (100,), Array(np.array(0.0)), Array(np.array(3.0))))
    total = builder.add(nn.SumOp(x, (0,)))
    module = minimise(builder, builder.add(nn.PowerOp(total, 9)))
    (found,) = refused(module, "Q0605", max_terms=10_000)
    assert found.terms > found.limit == 10_000


def test_a_million_terms_are_arrays():
    edges = 1_000_000
    rng = np.random.default_rng(1)
    builder = Builder()
    s = builder.add(problem.VariableOp("s", Domain.SPIN, (edges // 10,)))
    ends = [builder.add(nn.GatherOp(s, Array(rng.integers(0, edges // 10, edges)))) for _ in range(2)]
    product = builder.add(nn.MulOp(*ends))
    one = builder.add(nn.BroadcastOp(constant(builder, 1.0), (edges,)))
    module = minimise(builder, builder.add(nn.SubOp(one, product)))
    result = expand(module)
    point = {"s": rng.choice([-1.0, 1.0], edges // 10)}
    assert (
        evaluate_func(result.main, variables=point).objective == evaluate_func(module.main, variables=point).objective
    )

"""The passes of the Carleman route: from a program to its history system."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from qevo_compiler.analyses.carleman.aposteriori import iterate
from qevo_compiler.analyses.carleman.lift import lift_of_op, propagate
from qevo_compiler.analyses.carleman.optimizer import Sampling
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import linear, problem
from qevo_compiler.driver import lower_linear
from qevo_compiler.ir import Evidence, Module, parse_module, print_module
from qevo_compiler.passes.base import Context
from qevo_compiler.passes.carleman_truncation import CarlemanTruncation
from qevo_compiler.passes.dissipation_analysis import DissipationAnalysis
from qevo_compiler.passes.history_system import HistorySystemPass
from qevo_compiler.passes.pivot import PivotPass
from qevo_compiler.passes.select_order import SelectOrder
from qevo_compiler.passes.step_map import StepMapPass
from qevo_compiler.source import SourceFile

QUARTIC = """program quartic
param x: real = 0.5
minimize x^2 / 2 + x^4 / 4
train sgd(rate = 0.1, steps = 50)
linearize carleman({asked})
"""
REGRESSION = """program regression
data X: real[m, 2] = [[1, 0.5], [1, -1], [1, 2], [1, 0]]
data y: real[m] = [1, -0.5, 2.5, 0.25]
param theta: real[2] = [0, 0]
{objective}
train sgd(rate = 0.2, steps = 8, {options})
linearize carleman(order = 2)
"""
MEAN = "minimize mean((X @ theta - y)^2) / 2"


def quartic(asked: str = "order = 5", until: str | None = None, **passes) -> Module:
    return lower_linear(QUARTIC.format(asked=asked), until=until, passes=passes)


def regression(options: str, objective: str = MEAN, until: str | None = None, **passes) -> Module:
    text = REGRESSION.format(options=options, objective=objective)
    return lower_linear(text, until=until, passes={k.replace("_", "-"): v for k, v in passes.items()})


def entries(module: Module, quantity: str, kind: Evidence | None = None) -> list[float]:
    return [e.value for e in module.ledger if e.quantity == quantity and kind in (None, e.kind)]


def the_map(module: Module) -> linear.MapOp:
    return module.main.only(linear.MapOp)


def test_the_step_map_of_a_quartic() -> None:
    module = quartic(until="step-map")
    op = the_map(module)
    assert (op.symbols, op.parameters, op.map.steps, len(op.map.variants)) == (("x",), 1, 50, 1)
    terms = {b.degree: b.coefficients.values.tolist() for b in op.map.variants[0].terms}
    assert terms == {1: [0.9], 3: [-0.1]}
    assert StepMapPass().run(module) is module
    assert {type(o) for o in module.main.ops} == {linear.MapOp, problem.TrainOp, problem.LinearizeOp}


def test_the_whole_pipeline_and_its_text() -> None:
    module = quartic()
    history = module.main.only(linear.HistoryOp)
    lifted = module.main.only(linear.LiftOp)
    assert (history.steps, history.padding, history.unknowns) == (50, 51, 102 * lifted.size)
    text = print_module(module)
    again = parse_module(SourceFile("again.qir", text))
    assert again == module
    assert print_module(again) == text
    assert lower_linear(QUARTIC.format(asked="order = 5")) == module


def test_the_lift_holds_what_the_specification_says_of_a1() -> None:
    lifted = lift_of_op(quartic().main.only(linear.LiftOp))
    state = propagate(lifted, lifted.initial, 50)[-1, lifted.first_block]
    assert state == pytest.approx([0.00227410063524761], rel=1e-12)


def test_the_ledger_tells_proved_from_measured() -> None:
    module = quartic()
    assert entries(module, "R_d") == pytest.approx([0.5])
    a, b = entries(module, "truncation error", Evidence.PROVED)
    (true,) = entries(module, "truncation error", Evidence.MEASURED)
    assert (a, b, true) == pytest.approx((2.050e-05, 1.554e-02, 1.299554e-05), rel=5e-4)
    measured, proved = entries(module, "condition number")
    assert measured <= proved
    assert 0 < entries(module, "success probability")[0] < 1


def test_every_pass_leaves_its_own_result_alone() -> None:
    module = quartic()
    for step in (PivotPass(), DissipationAnalysis(), SelectOrder(), CarlemanTruncation(), HistorySystemPass()):
        assert step.run(module) is module, step.name


def test_momentum_doubles_the_state_and_names_it() -> None:
    op = the_map(regression("momentum = 0.9", until="step-map"))
    assert op.symbols == ("theta[0]", "theta[1]", "v:theta[0]", "v:theta[1]")
    assert op.parameters == 2


def test_minibatches_make_variants_and_keep_terms_without_data_whole() -> None:
    plain = the_map(regression("batch = 2", until="step-map"))
    assert plain.map.which.values.tolist() == [0, 1] * 4
    decayed = the_map(regression("batch = 2, weight_decay = 0.02", until="step-map"))
    written = the_map(regression("batch = 2", f"{MEAN} + 0.01 * sum(theta^2)", until="step-map"))
    for a, b in zip(decayed.map.variants, written.map.variants, strict=True):
        for degree in (0, 1):
            assert a.block(degree)[2] == pytest.approx(b.block(degree)[2], abs=1e-15)


@pytest.mark.parametrize(
    "objective",
    [
        "minimize sum((X @ theta - y)^2) / 8",
        "maximize -mean((X @ theta - y)^2) / 2",
        "minimize 0.5 * mean((X @ theta - y)^2) - 3",
        "minimize sum((X[i] @ theta - y[i])^2 for i in 0..4) / 8",
    ],
)
def test_ways_to_write_the_same_sum_over_samples(objective: str) -> None:
    expected = the_map(regression("batch = 2", until="step-map"))
    found = the_map(regression("batch = 2", objective, until="step-map"))
    for a, b in zip(expected.map.variants, found.map.variants, strict=True):
        for degree in (0, 1):
            assert a.block(degree)[2] == pytest.approx(b.block(degree)[2], abs=1e-14)


def test_options_of_the_step_map() -> None:
    decayed = regression("batch = 0", until="step-map", step_map={"decay_every": 3, "decay": 0.5})
    assert len(the_map(decayed).map.variants) == 3
    noisy = regression("seed = 4", until="step-map", step_map={"noise": 0.01})
    assert len(the_map(noisy).map.variants) == 8
    drawn = regression("batch = 2, seed = 4", until="step-map", step_map={"sampling": Sampling.INDEPENDENT})
    assert the_map(drawn).map.which.values.tolist() != [0, 1] * 4


def test_moments_by_option() -> None:
    module = regression("batch = 2", carleman_truncation={"moments": True})
    lifted = lift_of_op(module.main.only(linear.LiftOp))
    assert lifted.moments
    final = propagate(lifted, lifted.initial, 8)[-1] / lifted.weights
    assert final[3:] == pytest.approx([0.200211761750350, 0.422498641116393, 0.893089772723634], rel=1e-12)


def test_pivots() -> None:
    start = the_map(quartic("order = 5, pivot = start", until="pivot"))
    assert (start.start.values.tolist(), start.pivot.values.tolist()) == ([0.5], [0.5])
    assert start.map.variants[0].constants() == pytest.approx([0.9 * 0.5 - 0.1 * 0.125 - 0.5])
    point = the_map(quartic(until="pivot", pivot={"at": (0.25,)}))
    assert point.pivot.values.tolist() == [0.25]
    assert not the_map(quartic("order = 5, pivot = minimiser", until="pivot")).pivot.values.any()
    with pytest.raises(CompileError, match="Q0618"):
        quartic(until="pivot", pivot={"at": (0.25, 1.0)})


def test_the_order_from_a_tolerance() -> None:
    module = quartic("tolerance = 1e-6")
    lifted = module.main.only(linear.LiftOp)
    bound = min(entries(module, "truncation error", Evidence.PROVED))
    assert bound <= 1e-6
    assert module.main.only(problem.LinearizeOp).order == lifted.order
    lower = quartic(f"order = {lifted.order - 1}")
    assert min(entries(lower, "truncation error", Evidence.PROVED)) > 1e-6


def test_reupload_lifts_one_chunk_and_certifies_the_loop() -> None:
    module = quartic("tolerance = 1e-6, pivot = start, reupload = 10")
    assert module.main.only(linear.LiftOp).steps == 10
    assert the_map(module).map.steps == 50
    (measured,) = entries(module, "error after all re-uploads", Evidence.MEASURED)
    (proved,) = entries(module, "error after all re-uploads", Evidence.PROVED)
    assert measured <= proved <= 1e-6


WELL = """program well
param x: real = 0.7
minimize (x^2 - 1)^2 / 4
train sgd(rate = 0.05, steps = 40)
linearize carleman(order = 3)
"""


def test_a_divergent_lift_is_refused_unless_forced() -> None:
    with pytest.raises(CompileError) as caught:
        lower_linear(WELL)
    (found,) = caught.value.diagnostics
    assert found.code == "Q0615"
    for advice in ("minimiser", "weight_decay", "reupload = 6"):
        assert advice in found.fill(found.help)
    module = lower_linear(WELL, passes={"carleman-truncation": {"force": True}})
    assert entries(module, "log of the amplification") == pytest.approx([3 * 40 * np.log(1.05)])


@pytest.mark.parametrize("line", ["order = 3, pivot = minimiser", "order = 3, pivot = start, reupload = 6"])
def test_what_the_refusal_advises_helps(line: str) -> None:
    module = lower_linear(WELL.replace("order = 3", line))
    assert entries(module, "truncation error", Evidence.PROVED)


def test_warnings_say_what_is_not_certified() -> None:
    warned = []
    far = QUARTIC.replace("= 0.5", "= 1.2").format(asked="order = 5")
    module = lower_linear(far, context=Context(warn=warned.append))
    assert [d.code for d in warned] == ["Q0616"]
    assert not entries(module, "truncation error", Evidence.PROVED)


def test_rescaling_by_option() -> None:
    plain = quartic()
    auto = quartic(**{"history-system": {"gamma": "auto", "padding": 0}})
    op = auto.main.only(linear.HistoryOp)
    assert (op.padding, plain.main.only(linear.HistoryOp).gamma) == (0, 1.0)
    assert op.gamma > 0
    with pytest.raises(CompileError, match="Q0504"):
        quartic(**{"history-system": {"gamma": "much"}})


def test_functions_need_an_interval_and_get_their_own_error() -> None:
    text = """program unit
param w: real[2] = [0.1, 0.05]
data X: real[m, 2] = [[0.5, 1], [-0.4, 1], [0.8, 1]]
data y: real[m] = [0.3, -0.2, 0.45]
minimize mean((tanh(X @ w) - y)^2) / 2
train sgd(rate = 0.2, steps = 30, weight_decay = 0.05)
linearize carleman(order = 3, pivot = start, reupload = 5)
"""
    with pytest.raises(CompileError, match="Q0603"):
        lower_linear(text)
    module = lower_linear(text + "approximate tanh degree = 3 on [-1, 1]\n")
    stages = [entry.stage for entry in module.ledger]
    assert stages[:2] == ["approximate-functions", "step-map"]
    assert "carleman-truncation" in stages
    (error,) = entries(module, "activation error")
    assert error == pytest.approx(_activation_error_by_hand(module), rel=1e-9)
    assert not entries(quartic(), "activation error")


def _activation_error_by_hand(module: Module) -> float:
    """The same unit trained with the true tanh, the gradient written out."""
    x, y = np.array([[0.5, 1], [-0.4, 1], [0.8, 1]]), np.array([0.3, -0.2, 0.45])
    theta = np.array([0.1, 0.05])
    for _ in range(30):
        out = np.tanh(x @ theta)
        theta = theta - 0.2 * (x.T @ ((out - y) * (1 - out**2)) / 3 + 0.05 * theta)
    # The specification's true tanh value of d1.
    assert theta == pytest.approx([0.406632869522171, 0.0677948227278004], rel=1e-12)
    op = the_map(module)
    return float(np.linalg.norm(theta - op.pivot.values - iterate(op.map, op.start.values - op.pivot.values)[-1]))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (WELL.replace("train sgd(rate = 0.05, steps = 40)\n", ""), "Q0611"),
        (WELL.replace("param x: real = 0.7", "param x: real = 0.7\nvar b: binary").replace("/ 4", "/ 4 + b"), "Q0619"),
        (WELL.replace("minimize", "subject to\n  cap: x <= 1\nminimize"), "Q0619"),
        (WELL.replace("(x^2 - 1)^2 / 4", "tanh(x)"), "Q0603"),
        (WELL.replace("linearize carleman(order = 3)\n", ""), "Q0613"),
    ],
)
def test_what_cannot_be_linearized(text: str, code: str) -> None:
    with pytest.raises(CompileError, match=code):
        lower_linear(text)


def test_options_have_text_forms() -> None:
    for cls in (StepMapPass, PivotPass, SelectOrder, CarlemanTruncation, HistorySystemPass):
        from qevo_compiler.passes.pipeline import Pipeline

        given = {f.name: f.default for f in dataclasses.fields(cls)}
        assert str(Pipeline.parse(cls.name)) == cls.name
        assert cls(**given) == cls()
    from qevo_compiler.passes.pipeline import Pipeline

    text = "step-map{sampling=shuffled,decay-every=3,decay=0.5},pivot{at=0.5:1.0},history-system{gamma=auto}"
    assert str(Pipeline.parse(text)) == text


BOWL = """program bowl
param x: real = 0.9
param y: real = -0.4
minimize (x^2 + y^2 - 1)^2 * (x * y + 2)^2
train sgd(rate = 0.01, steps = 6, momentum = 0.5)
linearize carleman(order = 2, pivot = start, activations = {form})
"""


def test_activations_are_state_where_asked_for() -> None:
    staged, plain = (lower_linear(BOWL.format(form=form)) for form in ("state", "expanded"))
    op, other = the_map(staged), the_map(plain)
    assert op.symbols[:4] == other.symbols == ("x", "y", "v:x", "v:y")
    assert op.symbols[4].startswith("z:")
    assert op.map.degree == 2
    assert op.map.updates == 6
    found, expected = (
        entries(staged, "truncation error", Evidence.MEASURED),
        entries(plain, "truncation error", Evidence.MEASURED),
    )
    # Lifts of sub-steps compose, so both forms are cut off alike.
    assert found == pytest.approx(expected, rel=1e-6)
    assert entries(staged, "norm of F_1") == pytest.approx(entries(plain, "norm of F_1"), rel=1e-9)
    assert parse_module(SourceFile("m", print_module(staged))) == staged


def test_the_smaller_form_is_chosen_and_both_sizes_are_kept() -> None:
    module = lower_linear(BOWL.format(form="auto"), until="step-map")
    (entry,) = [e for e in module.ledger if e.quantity == "numbers of a lifted step"]
    assert ("activations as state" in entry.note.partition(";")[0]) == (the_map(module).map.stages is not None)
    assert "weights expanded: 4 coordinates, degree 7" in entry.note
    forced = [lower_linear(BOWL.format(form="auto"), until="step-map", passes={"step-map": {"activations": form}})
              for form in ("state", "expanded")]  # fmt: skip
    assert the_map(module) in [the_map(each) for each in forced]


def test_moments_need_the_expanded_form() -> None:
    with pytest.raises(CompileError) as caught:
        lower_linear(BOWL.format(form="state"), passes={"carleman-truncation": {"moments": True}})
    assert caught.value.diagnostics[0].code == "Q0504"
    assert "expanded" in caught.value.diagnostics[0].help.format(**vars(caught.value.diagnostics[0]))

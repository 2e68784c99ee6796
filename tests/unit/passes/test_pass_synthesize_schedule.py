"""Schedules of every kind, their limits, and the error of a smooth curve drawn with few points."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects.anneal import RequestOp, SampleOp, ScheduleKind, ScheduleOp
from qevo_compiler.ir import Array, Builder, Evidence, Module, verify
from qevo_compiler.passes.schedules import exponential
from qevo_compiler.passes.synthesize_schedule import SynthesizeSchedule


def synthesized(*ops: RequestOp | SampleOp, **options: float) -> Module:
    builder = Builder()
    for op in ops:
        builder.append(op)
    result = SynthesizeSchedule(**options).run(Module("m", (builder.finish(),)))
    verify(result)
    return result


def points(module: Module) -> list[tuple[float, float]]:
    op = module.main.only(ScheduleOp)
    return list(zip(op.times.values.tolist(), op.fractions.values.tolist(), strict=True))


def request(kind: ScheduleKind, **options: float) -> RequestOp:
    return RequestOp(kind, tuple(options), tuple(options.values()))


def given_points(*pairs: tuple[float, float]) -> RequestOp:
    return RequestOp(ScheduleKind.POINTS, points=Array(np.array(pairs)))


def test_default_is_linear_and_moves_into_the_limits() -> None:
    assert points(synthesized()) == [(0, 0), (20, 1)]
    assert points(synthesized(max_time=5.0)) == [(0, 0), (5, 1)]
    assert points(synthesized(time=0.1, min_time=0.2)) == [(0, 0), (0.5, 1)]


def test_the_request_is_consumed_and_other_ops_stay() -> None:
    module = synthesized(request(ScheduleKind.LINEAR, time=50.0), SampleOp(10))
    assert points(module) == [(0, 0), (50, 1)]
    assert not module.main.ops_of(RequestOp)
    assert module.main.ops_of(SampleOp)
    assert SynthesizeSchedule().run(module) is module


def test_adaptive_is_slow_in_the_middle() -> None:
    times, fractions = np.array(points(synthesized(request(ScheduleKind.ADAPTIVE, fast=0.1, slow=0.01)))).T
    np.testing.assert_allclose(np.diff(fractions) / np.diff(times), [0.1, 0.01, 0.1])
    times, fractions = np.array(points(synthesized(request(ScheduleKind.ADAPTIVE, fast=2, slow=1, time=30)))).T
    assert times[-1] == pytest.approx(30)
    slopes = np.diff(fractions) / np.diff(times)
    assert slopes[0] / slopes[1] == pytest.approx(2)


@pytest.mark.parametrize("rate", [0.1, 0.5, 2.0, -0.1])
@pytest.mark.parametrize("count", [3, 12])
def test_exponential_error_is_exact(rate: float, count: int) -> None:
    curve = exponential(20.0, rate, count)
    t = np.linspace(0, 20, 200_001)
    smooth = np.expm1(-rate * t) / np.expm1(-rate * 20.0)
    error = np.abs(np.interp(t, curve.times, curve.fractions) - smooth).max()
    assert curve.error == pytest.approx(error, rel=1e-4)
    assert len(curve.times) == count


def test_exponential_error_is_in_the_ledger() -> None:
    module = synthesized(request(ScheduleKind.EXPONENTIAL, time=20.0, rate=0.2))
    (entry,) = module.ledger
    assert (entry.quantity, entry.kind) == ("schedule discretisation", Evidence.PROVED)
    assert 0 < entry.value < 0.01
    assert points(module)[0] == (0, 0)
    assert points(module)[-1] == (20, 1)


def broken(*ops: RequestOp, **options: float) -> set[str]:
    with pytest.raises(CompileError) as caught:
        synthesized(*ops, **options)
    return {getattr(d, "limit", d.code) for d in caught.value.diagnostics}


@pytest.mark.parametrize(
    ("op", "limits"),
    [
        (request(ScheduleKind.LINEAR, time=0.1), {"slope", "time"}),
        (request(ScheduleKind.LINEAR, time=5000.0), {"time"}),
        (given_points((0, 0), (0.1, 0.9), (20, 1)), {"slope"}),
        (given_points((1, 0), (20, 1)), {"the first point"}),
        (given_points((0, 0), (20, 0.9)), {"the last point"}),
        (given_points((0, 0), (5, 0.5), (5, 0.6), (20, 1)), {"order"}),
        (given_points((0, 0), (5, 0.5), (8, 0.4), (20, 1)), {"order"}),
        (given_points(*((float(k), k / 13) for k in range(14))), {"points"}),
        (request(ScheduleKind.LINEAR, time=-1.0), {"Q0661"}),
        (request(ScheduleKind.LINEAR, rate=1.0), {"Q0661"}),
        (given_points((0, 0)), {"Q0661"}),
    ],
)
def test_broken_limits_are_named(op: RequestOp, limits: set[str]) -> None:
    assert broken(op) == limits


def test_limits_are_options() -> None:
    steep = given_points((0, 0), (0.1, 1))
    assert broken(steep) == {"slope", "time"}
    assert points(synthesized(steep, max_slope=10.0, min_time=0.1)) == [(0, 0), (0.1, 1)]


def test_bad_options() -> None:
    assert broken(max_slope=0.0) == {"Q0663"}

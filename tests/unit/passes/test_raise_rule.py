"""The raise rule: ground states are feasible and optimal at the weights it asks for, and the weights are tight."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from qevo_compiler import CompiledProgram, compile
from qevo_compiler.backends.enumeration import all_energies, lowest
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.ising import PenaltyRule

LARGEST = 21


def program(seed: int) -> tuple[str, float]:
    """A text with rows below an integer, and its optimum."""
    rng = np.random.default_rng(seed)
    rows, gains = rng.integers(-2, 5, (2, 3)), rng.integers(0, 7, 3)
    price, factor, fixed = int(rng.integers(0, 4)), int(rng.integers(1, 3)), int(rng.integers(0, 2))
    top = int(rows.clip(0).sum(axis=1).max()) + fixed
    group = seed % 2
    lines = [f"program raised\nvar x: binary[3]\nvar t: int in [0, {top}]"]
    lines += [f"minimize {price} * t" + "".join(f" - {g} * x[{i}]" for i, g in enumerate(gains)), "subject to"]
    sums = [" + ".join(f"{c} * x[{i}]" for i, c in enumerate(row)) for row in rows]
    lines += [f"  low[i]: {factor} * t >= [{', '.join(sums)}][i] + {fixed} for i in 0..2"]
    lines += ["  one: sum(x) == 1"] if group else []
    best = np.inf
    for x in itertools.product((0, 1), repeat=3):
        if group and sum(x) != 1:
            continue
        need = max(0, *(-(-(int(row @ x) + fixed) // factor) for row in rows))
        best = min(best, price * need - float(gains @ x))
    return "\n".join(lines) + "\n", best


def rule(found: CompiledProgram, symbol: str) -> tuple[PenaltyRule, float]:
    (op,) = [op for op in found.module.main.ops_of(ising.PenaltyOp) if op.symbol == symbol and not op.implied]
    return op.rule, op.weight


@pytest.mark.parametrize("seed", range(40))
def test_ground_states_are_optima(seed: int) -> None:
    text, best = program(seed)
    found = compile(text, level=0)
    model = found.module.main.only(ising.ModelOp)
    if model.size > LARGEST:
        pytest.skip("too many spins to enumerate")
    assert all_energies(model).min() / model.scale == pytest.approx(best)
    ground = found.decode(lowest(model, 1).spins[0])
    assert ground.feasible
    assert ground.objective == pytest.approx(best)


def test_the_rule_is_taken_and_tight() -> None:
    text = """program span
data p: int[n] = [3, 2, 2]
var on: binary[n, 2]
minimize 2 * max(sum(p[j] * on[j, m] for j in 0..n) for m in 0..2)
subject to
  once[j]: sum(on[j, m] for m in 0..2) == 1 for j in 0..n
"""
    found = compile(text, level=0)
    kind, weight = rule(found, "max1_entries")
    assert kind is PenaltyRule.RAISE
    assert 2 < weight < 2.1
    model = found.module.main.only(ising.ModelOp)
    assert all_energies(model).min() / model.scale == pytest.approx(8)
    less = found.reweight(max1_entries=1.9).module.main.only(ising.ModelOp)
    assert all_energies(less).min() / less.scale < 8


@pytest.mark.parametrize(
    ("objective", "more", "code"),
    [
        ("t * t", "", ""),
        ("t * x[0]", "", ""),
        ("t", "  other: t + x[0] >= 1\n", ""),
        ("t", "  wish: t <= 2 weight 3\n", ""),
        ("t", "", " encoded as onehot"),
        ("t", "", " encoded as domainwall"),
    ],
)
def test_where_more_hangs_on_the_integer_it_is_not_taken(objective: str, more: str, code: str) -> None:
    text = (
        f"program other\nvar x: binary[3]\nvar t: int in [0, 5]{code}\nminimize {objective} - 3 * sum(x)\nsubject to\n"
    )
    found = compile(f"{text}  low: t >= 2 * x[0] + 3 * x[1] - x[2]\n{more}", level=0)
    assert rule(found, "low")[0] is not PenaltyRule.RAISE


def test_an_integer_that_cannot_be_raised_far_enough_is_not_taken() -> None:
    text = "program short\nvar x: binary[3]\nvar t: int in [0, 5]\nminimize t - 3 * sum(x)\nsubject to\n"
    assert rule(compile(f"{text}  low: t >= 3 * sum(x) - 1\n"), "low")[0] is not PenaltyRule.RAISE
    assert rule(compile(f"{text}  low: t >= 2 * sum(x) - 1\n"), "low")[0] is PenaltyRule.RAISE

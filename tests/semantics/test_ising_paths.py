"""Random programs through every path of the Ising compiler: all states of the emitted model against the source.

For every state of the model's spins the program is decoded, and the source evaluated at the decoded point without
the compiler. Then no state lies below its point's objective, the least state is the best feasible point, infeasible
points and broken codes lie strictly above it, and without presolve the least energy over slacks and auxiliaries of
every feasible point is its objective.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from random_programs import RandomProgram, random_program

from qevo_compiler import CompiledProgram, CompileError, compile
from qevo_compiler.dialects.ising import ModelOp, PenaltyOp, RegisterOp, Role
from qevo_compiler.ir import Evidence

MOST_SPINS = 9
CODES = ("log", "bounded", "unary", "onehot", "domainwall", "order")
SLACKS = ("auto", "log", "bounded", "unary", "domainwall")
METHODS = ("hybrid", "greedy", "termwise")


def configured(seed: int) -> tuple[RandomProgram, int, dict[str, dict[str, Any]]]:
    """A random program with the level and pass options of its seed; all combinations come in turn."""
    source = random_program(seed)
    for k, variable in enumerate(source.variables):
        if variable.kind == "int":
            variable.encoding = CODES[(seed + k) % len(CODES)]
    passes: dict[str, dict[str, Any]] = {
        "quadratize": {"method": METHODS[seed // 3 % 3], "sweeps": 20},
        "penalize-constraints": {
            "slack": SLACKS[seed % 5],
            "slack_bound": 1 + seed % 3,
            "clauses": seed % 4,
            "method": "range" if seed % 7 == 0 else "auto",
        },
        "encode-variables": {"bound": 2, "choice": ("onehot", "domainwall")[seed // 2 % 2]},
    }
    if seed % 11 == 0 and seed % 3:
        passes["presolve"] = {"contraction": True, "symmetry": seed % 2 == 0}
    return source, seed % 3, passes


def all_spins(count: int) -> np.ndarray:
    return (2 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1) - 1).astype(np.int8)


def energies(model: ModelOp, spins: np.ndarray) -> np.ndarray:
    """Energies of all states in the problem's scale, coupling by coupling."""
    total = np.full(len(spins), model.offset) + spins @ model.fields.values
    for i, j, coupling in zip(model.rows.values, model.columns.values, model.couplings.values, strict=True):
        total += coupling * (spins[:, i] * spins[:, j])
    return np.asarray(total / model.scale)


def check(source: RandomProgram, program: CompiledProgram, level: int) -> None:
    spins = all_spins(program.decoder.size)
    energy = energies(program.module.main.only(ModelOp), spins)
    answers = program.decoder.decode(spins)
    sign = 1.0 if source.sense == "minimize" else -1.0
    kept = [op.rule.proved for op in program.module.main.ops_of(PenaltyOp)]
    exact = all(kept) and all(e.kind is Evidence.PROVED for e in program.ledger if e.stage == "penalize-constraints")
    slack = 1e-9 * max(1.0, float(np.abs(energy).max()))
    optimum = source.optimum()
    least: dict[str, float] = {}
    merit: dict[str, float] = {}
    for state, value in enumerate(energy.tolist()):
        point = {v.name: np.reshape(answers.values[v.name][state], -1).tolist() for v in source.variables}
        key = str(point)
        if not answers.codes_valid[state]:
            assert optimum is None or value > sign * optimum + slack
            continue
        if key not in merit:
            holds = all(c.holds(point) for c in source.constraints)
            merit[key] = sign * sum(t.value(point) for t in source.objective) if holds else np.inf
        if merit[key] == np.inf:
            assert not answers.feasible[state]
            assert not exact or optimum is None or value > sign * optimum + slack
            continue
        assert answers.feasible[state]
        assert sign * answers.objective[state] == pytest.approx(merit[key], abs=1e-9)
        assert value >= merit[key] - slack
        least[key] = min(value, least.get(key, np.inf))
    if level == 0:
        for key, value in least.items():
            assert value == pytest.approx(merit[key], abs=slack + 1e-9)
    if optimum is not None and exact:
        assert energy.min() == pytest.approx(sign * optimum, abs=slack + 1e-9)


def sweep(first: int, wanted: int) -> Counter[str]:
    """Check `wanted` programs from seed `first` on; which paths they took."""
    met: Counter[str] = Counter()
    seed = first
    while met["programs"] < wanted:
        seed += 1
        source, level, passes = configured(seed)
        try:
            program = compile(source.text(), level=level, passes=passes)
        except CompileError:
            assert source.optimum() is None, source.text()
            met["refused"] += 1
            continue
        if program.decoder.size > MOST_SPINS:
            continue
        try:
            check(source, program, level)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, level {level}, {passes}\n{source.text()}") from error
        met["programs"] += 1
        met[f"level {level}"] += 1
        for register in program.module.main.ops_of(RegisterOp):
            met[f"{register.role.value} {register.encoding.value if register.encoding else ''}".strip()] += 1
            if register.role is Role.AUXILIARY:
                met[f"{passes['quadratize']['method']} at level {level}"] += 1
        for op in program.module.main.ops_of(PenaltyOp):
            met[op.form.value] += 1
        met["presolved"] += program.decoder.numbering.reduction is not None
    return met


@pytest.mark.parametrize("part", range(4))
def test_every_state_of_random_programs(part: int) -> None:
    met = sweep(1_000_000 * (part + 1), 160)
    wanted = {f"level {k}" for k in range(3)} | {f"decision {code}" for code in CODES} | {"presolved", "auxiliary"}
    wanted |= {"square", "linear"}
    missing = {path for path in wanted if met[path] < 3}
    assert not missing, met


@pytest.mark.slow
def test_every_state_of_many_random_programs() -> None:
    met = sweep(50_000_000, 6000)
    assert all(met[f"{method} at level {level}"] > 10 for method in METHODS for level in range(3))
    assert all(met[f"slack {code}"] > 10 for code in ("log", "unary", "domainwall"))

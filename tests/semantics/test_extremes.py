"""`max`, `min`, `abs` and `relu` of decisions, from text to the decoded ground state, in every position.

The oracle evaluates the stated text in Python at every point.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from qevo_compiler import CompileError, Problem, compile
from qevo_compiler.dialects import ising
from qevo_compiler.frontend.builder import maximum, minimum, relu

LINEAR = ["x[0] + 2 * x[1]", "k - x[2]", "3 - k", "2 * x[2] - 1", "x[0] - x[1]", "1.5 * x[1] + 0.5", "k - 2 * x[0] + 1"]
ENUMERATED = 20
# Programs whose constraints are found to be impossible by themselves.
IMPOSSIBLE = (19, 22, 40, 49, 55)


def atom(rng: np.random.Generator, depth: int = 1) -> str:
    word = str(rng.choice(["max", "min", "abs", "relu"]))
    count = 1 if word in ("abs", "relu") else int(rng.integers(2, 4))
    parts = [str(part) for part in rng.choice(LINEAR, count, replace=False)]
    if depth and rng.random() < 0.25:
        parts[0] = atom(rng, 0)
    return f"{word}({', '.join(parts)})"


class Stated:
    """A random program over three bits and an integer."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.sense = ["minimize", "maximize"][seed % 2]
        self.objective = f"{int(rng.integers(1, 4))} * {atom(rng)} {rng.choice(['+', '-'])} x[0] - 0.5 * k"
        self.constraints: dict[str, str] = {}
        if seed % 3 == 1:
            self.constraints["bound"] = f"{atom(rng)} {rng.choice(['<=', '>=', '=='])} {int(rng.integers(0, 3))}"
        if seed % 5 == 2:
            self.constraints["pair"] = f"{atom(rng, 0)} <= {atom(rng, 0)} + 1"
        self.weight = [None, 1.5][seed % 7 == 3]

    @property
    def text(self) -> str:
        soft = f" weight {self.weight}" if self.weight else ""
        rows = [f"  {name}: {row}{soft}" for name, row in self.constraints.items()]
        lines = ["program stated", "var x: binary[3]", "var k: int in [0, 2]", f"{self.sense} {self.objective}"]
        return "\n".join([*lines, "subject to", *rows]) + "\n"

    @property
    def problem(self) -> Problem:
        p = Problem("stated")
        names: dict[str, Any] = {"x": p.binary("x", 3), "k": p.integer("k", low=0, high=2)}
        names |= {"max": maximum, "min": minimum, "relu": relu}
        (p.minimize if self.sense == "minimize" else p.maximize)(eval(self.objective, names))
        for name, row in self.constraints.items():
            p.subject_to(eval(row, names), name=name, weight=self.weight)
        return p

    def points(self) -> Iterator[dict[str, Any]]:
        for *x, k in itertools.product(*[range(2)] * 3, range(3)):
            yield {"x": x, "k": k, "relu": lambda v: max(v, 0)}

    def merit(self, point: dict[str, Any]) -> float | None:
        """What is minimised at a feasible point."""
        merit = float(eval(self.objective, dict(point))) * (1 if self.sense == "minimize" else -1)
        for row in self.constraints.values():
            left, relation, right = row.rpartition("<=") if "<=" in row else row.rpartition(row.split()[-2])
            over = eval(left, dict(point)) - eval(right, dict(point))
            over = {"<=": max(over, 0), ">=": min(over, 0), "==": over}[relation]
            if over and self.weight is None:
                return None
            merit += (self.weight or 0) * over**2
        return merit


@pytest.mark.parametrize("seed", range(60))
def test_the_ground_state_is_the_optimum_of_the_stated_problem(seed: int) -> None:
    stated = Stated(seed)
    merits = [merit for merit in map(stated.merit, stated.points()) if merit is not None]
    if seed in IMPOSSIBLE:
        with pytest.raises(CompileError, match="Q0650"):
            compile(stated.text, target="dwave", level=seed % 3)
        assert not merits
        return
    program = compile(stated.text, target="dwave", level=seed % 3)
    assert compile(stated.problem, target="dwave", level=seed % 3).bqm == program.bqm
    if program.module.main.only(ising.ModelOp).size > ENUMERATED:
        pytest.skip("too many spins to enumerate")
    result = program.run()
    if not merits:
        assert result.status == "infeasible"
        return
    best = result.best
    assert set(best.values) == {"x", "k"}
    assert set(best.violations) == set(stated.constraints)
    point = {**next(stated.points()), "x": best.values["x"].tolist(), "k": best.values["k"]}
    assert result.status == "optimal"
    assert stated.merit(point) == pytest.approx(min(merits))
    assert best.objective == pytest.approx(eval(stated.objective, dict(point)))

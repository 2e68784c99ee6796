"""How large a module is at each stage, noted between the passes of a compilation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from qevo_compiler.dialects import gate, ising, linear, poly
from qevo_compiler.dialects.ising import ProductsOp, RegisterOp, Role
from qevo_compiler.dialects.problem import VariableOp
from qevo_compiler.ir import Func, Module
from qevo_compiler.passes.base import Pass


@dataclass(frozen=True)
class ModelSize:
    """`variables` are the source's (before encoding) or decision bits; `terms[d]` counts terms of degree d >= 1.

    `constraints` counts instances that are still constraints; `ops` the ops of `@main`. `words` say what there is in
    place of terms.
    """

    variables: int = 0
    slacks: int = 0
    auxiliaries: int = 0
    constraints: int = 0
    terms: tuple[int, ...] = ()
    gates: int = 0
    ops: int = 0
    words: str = ""

    @property
    def all_terms(self) -> int:
        return sum(self.terms)

    def degree(self, at: int) -> int:
        """How many terms have degree `at`."""
        return self.terms[at - 1] if at <= len(self.terms) else 0

    def above(self, at: int) -> int:
        """How many terms have a degree above `at`."""
        return sum(self.terms[at:])


@dataclass(frozen=True)
class Step:
    """One pass that ran: whether it returned another module, and the size it left."""

    name: str
    changed: bool
    size: ModelSize


@dataclass
class SizeLog:
    """An `after` hook for the driver: keeps sizes, never modules."""

    start: ModelSize | None = None
    steps: list[Step] = field(default_factory=list)

    def __call__(self, step: Pass, before: Module, result: Module) -> None:
        """Note the size that a pass left. Cost: linear in the ops of `@main`, not in their terms."""
        if self.start is None:
            self.start = measure(before)
        # A pass that only records to the ledger or keeps a copy leaves @main as it was.
        changed = result.find("main") is not before.find("main")
        last = self.steps[-1].size if self.steps else self.start
        self.steps.append(Step(step.name, changed, measure(result) if changed else last))


def measure(module: Module) -> ModelSize:
    """The size of `@main`, at whatever stage it is."""
    main = module.main
    counts = dict.fromkeys(Role, 0)
    for register in main.ops_of(RegisterOp):
        counts[register.role] += register.count
    families = main.ops_of(ising.FamilyOp)
    variables = sum(op.width for op in main.ops_of(VariableOp)) + sum(f.members * f.width for f in families)
    return ModelSize(
        variables + counts[Role.DECISION],
        counts[Role.SLACK],
        counts[Role.AUXILIARY],
        sum(op.body.rows for op in main.ops_of(poly.ConstraintOp)),
        _terms(main),
        sum(len(op) for op in main.ops_of(gate.CircuitOp)),
        len(main.ops),
        _words(main),
    )


def _words(main: Func) -> str:
    """The latest form of a linear program's dynamics, or that expressions still are over tensors."""
    history, lift, step = main.first(linear.HistoryOp), main.first(linear.LiftOp), main.first(linear.MapOp)
    if main.first(gate.CircuitOp) is not None:
        return ""
    if history is not None:
        return f"{history.unknowns:,} unknowns, {history.nonzeros:,} nonzeros"
    if lift is not None:
        return f"{lift.size:,} monomials, order {lift.order}"
    if step is not None:
        count = len(step.symbols)
        return f"{count:,} coordinate{'s' * (count > 1)}, {max(map(len, step.map.variants)):,} terms a step"
    return "over tensors"


def _terms(main: Func) -> tuple[int, ...]:
    found: dict[int, int] = {}
    polynomials = [op.polynomial for op in main.ops_of(poly.ObjectiveOp)]
    polynomials += [op.body for op in main.ops_of(poly.ConstraintOp)]
    polynomials += [op.energy for op in main.ops_of(ProductsOp)]
    for block in (block for p in polynomials for block in p.terms if block.degree):
        found[block.degree] = found.get(block.degree, 0) + len(block)
    singles = [op.fields.values for op in main.ops_of(ising.ModelOp)]
    singles += [op.linear.values for op in main.ops_of(ising.QuboOp)]
    pairs = sum(op.rows.size for op in main.ops_of(ising.ModelOp))
    pairs += sum(op.rows.size for op in main.ops_of(ising.QuboOp))
    for family in main.ops_of(ising.FamilyOp):
        singles.append(family.linear.values)
        pairs += family.members * family.width * (family.width - 1) // 2
    if singles:
        found[1] = found.get(1, 0) + sum(int(np.count_nonzero(values)) for values in singles)
        found[2] = found.get(2, 0) + pairs
    return tuple(found.get(degree, 0) for degree in range(1, max(found, default=0) + 1))

"""Whether layer activations as extra state would make a lift smaller: sizes of both forms, side by side.

Directly, the state is the n weights and one step a polynomial of degree d = (degree of the loss) - 1. The other form
makes every product of two quantities that depend on weights, and its adjoint, a coordinate of its own: then a step of
the optimizer is a sequence of quadratic sub-steps over more coordinates (`torch.md` 2.4). A lift needs at least the
order that makes one (sub-)step exact, d or 2, so those are the bases that are compared.
"""

from __future__ import annotations

import math

from qevo_compiler.dialects import nn, problem
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.ir import Func, Op, Value
from qevo_compiler.records import dataclass


@dataclass(frozen=True)
class LiftSizes:
    """`weights` n and the step's `degree` d; `coordinates` n' and `substeps` with activations as state."""

    weights: int
    degree: int
    coordinates: int
    substeps: int

    @property
    def direct(self) -> int:
        """Monomials of the weights up to the degree of a step: C(n + d, d)."""
        return math.comb(self.weights + self.degree, self.degree)

    @property
    def with_activations(self) -> int:
        """Monomials of weights and activations up to degree two: C(n' + 2, 2)."""
        return math.comb(self.coordinates + 2, 2)

    def note(self) -> str:
        """The comparison in one sentence."""
        smaller = "the direct form is kept" if self.direct <= self.with_activations else "the latter would be smaller"
        return (
            f"{self.weights} weights, steps of degree {self.degree}: {self.direct:,} monomials; with activations as "
            f"state {self.coordinates:,} coordinates, {self.substeps} quadratic sub-steps each: "
            f"{self.with_activations:,}; {smaller}"
        )


def lift_sizes(func: Func) -> LiftSizes | None:
    """The sizes for a func of primitive ops with polynomials only; None where an op is no polynomial."""
    degrees: dict[Value, int] = {}
    weights = products = stages = 0
    for op in func.ops:
        if not op.results:
            continue
        found = _degree(op, degrees)
        if found is None:
            return None
        degrees[op.results[0]] = found
        if isinstance(op, nn.ParameterOp):
            weights += op.value.size
        count = _products(op, degrees)
        products += count * math.prod(shape_of(op.results[0]))
        stages += count
    objective = func.first(problem.ObjectiveOp)
    if objective is None or not weights:
        return None
    return LiftSizes(weights, max(degrees[objective.x] - 1, 1), weights + 2 * products, 2 * stages + 1)


def _degree(op: Op, degrees: dict[Value, int]) -> int | None:
    inputs = [degrees.get(value, 0) for value in op.operands]
    match op:
        case nn.ParameterOp():
            return 1
        case nn.MulOp() | nn.MatmulOp():
            return sum(inputs)
        case nn.PowerOp():
            return inputs[0] * op.exponent if op.exponent >= 0 else _constant(inputs)
        case nn.PolynomialOp():
            return inputs[0] * max(op.coefficients.size - 1, 0)
        case nn.DivOp():
            return inputs[0] if not inputs[1] else None
        case nn.ApplyOp() | nn.LogSoftmaxOp():
            return _constant(inputs)
    return max(inputs, default=0)


def _constant(inputs: list[int]) -> int | None:
    return None if any(inputs) else 0


def _products(op: Op, degrees: dict[Value, int]) -> int:
    """How many products of two weight-dependent quantities make one element of the op's result."""
    inputs = [degrees.get(value, 0) for value in op.operands]
    if not all(inputs) or not inputs:
        return 0
    match op:
        case nn.MulOp() | nn.MatmulOp():
            return 1
        case nn.PowerOp():
            return max(op.exponent - 1, 0)
        case nn.PolynomialOp():
            return max(op.coefficients.size - 2, 0)
    return 0

"""Replace functions of decision variables by polynomials, with a bound on the error in the ledger.

before: %1 = nn.apply(%0) {function = Function.tanh}
after:  %1 = nn.polynomial(%0) {coefficients = f64<4>(0.0, 0.97, 0.0, -0.22)}

The func `@stated` keeps the problem as it was where a polynomial is not exact, to judge samples by.

The polynomial is a Chebyshev fit on the range of the argument, found by interval arithmetic, or on the
interval that an `approximate` line gives. Where the argument takes no more than degree + 1 values, as small
integers and sums of a few bits do, the polynomial through these is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevo_compiler.analyses.chebyshev import Fit, fit, interpolate, is_defined
from qevo_compiler.analyses.intervals import decision_values, intervals
from qevo_compiler.analyses.value_sets import ValueSets
from qevo_compiler.diagnostics import Diagnostics, Error
from qevo_compiler.diagnostics.poly import BadInterval, OutsideDomain, UnboundedArgument
from qevo_compiler.dialects import nn
from qevo_compiler.dialects.nn import Function
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.dialects.problem import ApproximateOp
from qevo_compiler.ir import Array, Builder, Evidence, Func, LedgerEntry, Module, Value, format_float
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.quantities import FUNCTION_ERROR
from qevo_compiler.passes.stages import PRIMITIVE
from qevo_compiler.passes.stated import stated

MAX_DEGREE = 40
# Errors up to here are rounding.
EXACT = 1e-9
_ALLOWED = {Function.LOG: "above 0", Function.SQRT: "at or above 0"}


@dataclass(frozen=True)
class ApproximateFunctions(Pass):
    """`degree` is that of the polynomials where no `approximate` line gives one."""

    name = "approximate-functions"
    takes = PRIMITIVE
    leaves = PRIMITIVE
    degree: int = 4

    def run(self, module: Module, context: Context = SILENT) -> Module:
        requests = {op.function: op for op in module.main.ops_of(ApproximateOp)}
        applied = module.main.ops_of(nn.ApplyOp)
        decided = decision_values(module.main) if applied else frozenset()
        if not requests and not any(op.x in decided for op in applied):
            return module
        work = _Approximation(module.main, requests, self.degree)
        lowered = module.with_main(work.run()).record(*work.ledger)
        exact = all(entry.value <= EXACT for entry in work.ledger)
        if exact or module.main.first(nn.ParameterOp) or module.find("stated") is not None:
            return lowered
        return lowered.with_func(stated(module.main))


class _Approximation:
    """One walk over a func that replaces its functions of decided values and drops its requests."""

    def __init__(self, func: Func, requests: dict[Function, ApproximateOp], degree: int) -> None:
        self._func = func
        self._requests = requests
        self._degree = degree
        self._decided = decision_values(func)
        self._values = ValueSets(func.definitions(), MAX_DEGREE + 1)
        self._ranges = intervals(func) if any(op.x in self._decided for op in func.ops_of(nn.ApplyOp)) else {}
        self._found = Diagnostics()
        self._builder = Builder(func.name)
        self.ledger: list[LedgerEntry] = []

    def run(self) -> Func:
        names = {argument: self._builder.argument(argument.type) for argument in self._func.arguments}
        for op in self._func.ops:
            self._builder.span = op.span
            mapped = op.map_operands(names.__getitem__)
            if isinstance(op, ApproximateOp):
                self._check(op)
            elif isinstance(op, nn.ApplyOp) and op.x in self._decided:
                names[op.result] = self._replaced(op, names[op.x])
            else:
                names.update(zip(op.results, self._builder.append(mapped), strict=True))
        self._found.raise_if_any()
        return self._builder.finish(*(names[value] for value in self._func.returns))

    def _replaced(self, op: nn.ApplyOp, x: Value) -> Value:
        found = self._exact(op) or self._fitted(op)
        if found is None:
            return x
        if found.centre:
            centre = self._builder.add(nn.ConstantOp(Array(np.array(found.centre))))
            if shape_of(x):
                centre = self._builder.add(nn.BroadcastOp(centre, shape_of(x)))
            x = self._builder.add(nn.SubOp(x, centre))
        return self._builder.add(nn.PolynomialOp(x, Array(found.coefficients)))

    def _exact(self, op: nn.ApplyOp) -> Fit | None:
        """The function as a polynomial through the few values that its argument takes."""
        points = self._values.of(op.x)
        if points is None or len(points) > self._degree_of(op.function) + 1:
            return None
        if not is_defined(op.function, float(points[0]), float(points[-1])):
            return None
        found = interpolate(op.function, points)
        note = f"interpolated at the {len(points)} values that the argument takes"
        self._record(op.function, found.error, Evidence.PROVED, note)
        return found

    def _fitted(self, op: nn.ApplyOp) -> Fit | None:
        """The fit on the asked interval or on the argument's range; None where it cannot be made."""
        low, high = self._ranges[op.x]
        if not low.size:
            return Fit(0.0, np.zeros(1), 0.0)
        hull = float(low.min()), float(high.max())
        lower, upper = self._asked(op.function) or hull
        if wrong := _refusal(op, lower, upper):
            self._found.add(wrong)
            return None
        found = fit(op.function, lower, upper, self._degree_of(op.function))
        covered = lower <= hull[0] and hull[1] <= upper
        degree = len(np.trim_zeros(found.coefficients, "b")) - 1
        note = f"degree {max(degree, 0)} on [{format_float(lower)}, {format_float(upper)}]"
        if not covered:
            note += (
                f"; the argument may lie in [{format_float(hull[0])}, {format_float(hull[1])}], where it can be larger"
            )
        self._record(op.function, found.error, Evidence.PROVED if covered else Evidence.ESTIMATED, note)
        return found

    def _asked(self, function: Function) -> tuple[float, float] | None:
        request = self._requests.get(function)
        if request is None or request.lower is None or request.upper is None:
            return None
        return request.lower, request.upper

    def _degree_of(self, function: Function) -> int:
        request = self._requests.get(function)
        return self._degree if request is None else request.degree

    def _record(self, function: Function, error: float, kind: Evidence, note: str) -> None:
        name = function.name.lower()
        self.ledger.append(LedgerEntry(ApproximateFunctions.name, FUNCTION_ERROR, error, kind, name, note))

    def _check(self, op: ApproximateOp) -> None:
        name = op.function.name.lower()
        if not 0 <= op.degree <= MAX_DEGREE:
            self._found.add(BadInterval(op.span, name, f"degree {op.degree}"))
        if op.lower is not None and op.upper is not None and not op.lower < op.upper:
            interval = f"an empty interval [{format_float(op.lower)}, {format_float(op.upper)}]"
            self._found.add(BadInterval(op.span, name, interval))


def _refusal(op: nn.ApplyOp, lower: float, upper: float) -> Error | None:
    name = op.function.name.lower()
    if not (np.isfinite(lower) and np.isfinite(upper)):
        return UnboundedArgument(op.span, name, lower, upper)
    if not is_defined(op.function, lower, upper):
        return OutsideDomain(op.span, name, lower, upper, _ALLOWED.get(op.function, "smaller"))
    return None

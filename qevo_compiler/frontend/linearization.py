"""A request to lift the training of a model: from the dictionary `linearize` of a model file or a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.resources import BadLinearization
from qevo_compiler.dialects import problem
from qevo_compiler.dialects.nn import Function
from qevo_compiler.source import Span

WordT = TypeVar("WordT", problem.Pivot, problem.Activations)
_FUNCTIONS = {function.value: function for function in Function}


@dataclass(frozen=True)
class Linearization:
    """How many `steps` are lifted to which `order` (or the least within `tolerance`), about which `pivot`.

    `batch` rows a step (0: all), cyclic; `approximate` maps a function's name to (degree, low, high) of a polynomial in
    its place. `activations` says whether products of weights are multiplied out. `jet` above 0 is the degree of a
    Taylor polynomial of the loss about the present weights, taken over the share `density` of weights that are
    largest; the others are pruned to 0. `estimate` lifts nothing: what the cost of one chunk follows from is estimated
    (`frontend.torch.estimate`), for models too large to expand.
    """

    steps: int
    order: int | None = None
    tolerance: float | None = None
    pivot: problem.Pivot = problem.Pivot.START
    reupload: int | None = None
    activations: problem.Activations = problem.Activations.AUTO
    batch: int = 0
    seed: int = 0
    jet: int = 0
    density: float = 1.0
    estimate: bool = False
    approximate: Mapping[Function, tuple[int, float, float]] = field(default_factory=dict)

    @staticmethod
    def of(given: Mapping[str, Any] | None, span: Span | None = None) -> Linearization:
        """The request that a dictionary states; raises `CompileError` for names and values that do not fit."""
        if given is None:
            raise _refused(span, "there is no `linearize`")
        known = [item.name for item in fields(Linearization)]
        for name in given:
            if name not in known:
                suggestion = did_you_mean(name, known)
                raise _refused(span, f"`{name}` is no setting{f'; {suggestion}' if suggestion else ''}")
        values = dict(given)
        values["pivot"] = _word(problem.Pivot, "pivot", values.get("pivot", problem.Pivot.START), span)
        forms = problem.Activations
        values["activations"] = _word(forms, "activations", values.get("activations", forms.AUTO), span)
        values["approximate"] = _approximate(values.get("approximate", {}), span)
        for name in ("steps", "order", "reupload", "batch", "seed", "jet"):
            _whole(values, name, span)
        found = Linearization(**{"steps": 0, **values})
        _check(found, span)
        return found

    def directives(
        self, optimizer: Mapping[str, Any], schedule: Mapping[str, Any], span: Span | None
    ) -> problem.TrainOp:
        """The training op with the optimizer's hyper-parameters. Raises `CompileError` unless it is plain SGD."""
        kind = optimizer.get("kind")
        if kind != "SGD":
            raise _refused(span, "there is no optimizer" if kind is None else f"its optimizer is `{kind}`")
        if optimizer.get("maximize"):
            raise _refused(span, "the optimizer maximizes")
        if schedule and schedule.get("kind") != "StepLR":
            raise _refused(span, f"its scheduler is `{schedule.get('kind')}`")
        return problem.TrainOp(
            float(optimizer.get("initial_lr", optimizer["lr"])),
            self.steps,
            float(optimizer["momentum"]),
            bool(optimizer["nesterov"]),
            float(optimizer["dampening"]),
            float(optimizer["weight_decay"]),
            self.batch,
            self.seed,
            int(schedule.get("step_size", 0)),
            float(schedule.get("gamma", 1.0)),
            span=span,
        )

    def linearize_op(self, span: Span | None) -> problem.LinearizeOp:
        """The op that asks for the lift."""
        return problem.LinearizeOp(self.order, self.tolerance, self.pivot, self.reupload, self.activations, span=span)


def _refused(span: Span | None, why: str) -> CompileError:
    return CompileError(BadLinearization(span, why))


def _word(kind: type[WordT], name: str, given: Any, span: Span | None) -> WordT:
    try:
        return kind(given)
    except ValueError:
        raise _refused(span, f"`{name}` cannot be {given!r}") from None


def _approximate(given: Any, span: Span | None) -> dict[Function, tuple[int, float, float]]:
    found = {}
    for name, stated in dict(given).items():
        if name not in _FUNCTIONS:
            raise _refused(span, f"`{name}` is no function that can be replaced")
        if not isinstance(stated, tuple | list) or len(stated) != 3:
            raise _refused(span, f"`approximate` of `{name}` is not (degree, low, high)")
        found[_FUNCTIONS[name]] = (int(stated[0]), float(stated[1]), float(stated[2]))
    return found


def _whole(values: Mapping[str, Any], name: str, span: Span | None) -> None:
    value = values.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise _refused(span, f"`{name}` is no whole number")


def _check(found: Linearization, span: Span | None) -> None:
    faults = (
        (found.steps < 1, "`steps` is missing or below 1"),
        (found.order is None and found.tolerance is None, "neither `order` nor `tolerance` is given"),
        (found.order is not None and found.order < 1, "`order` is below 1"),
        (found.reupload is not None and found.reupload < 1, "`reupload` is below 1"),
        (found.batch < 0, "`batch` is below 0"),
        (not 0 < found.density <= 1, "`density` is not above 0 and at most 1"),
        (found.jet and not 2 <= found.jet <= 4, "`jet` is not 2, 3 or 4"),
        (found.estimate not in (True, False), "`estimate` is neither true nor false"),
        (found.jet and found.approximate, "`jet` and `approximate` are two ways for one thing"),
    )
    for wrong, reason in faults:
        if wrong:
            raise _refused(span, reason)

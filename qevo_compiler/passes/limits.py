"""Options that are numbers, checked before a pass works with them."""

from __future__ import annotations

import math

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.schedule import BadLimit
from qevo_compiler.passes.base import Pass


def check_numbers(step: Pass, *options: str, least: float | None = None, most: float = math.inf) -> None:
    """Every one of `options` that is given is finite, at least `least` (None: above 0), and at most `most`.

    Raises `CompileError` naming the first that is not.
    """
    for option in options:
        value = getattr(step, option)
        if value is None:
            continue
        enough = value > 0 if least is None else value >= least
        if not (enough and math.isfinite(value) and value <= most):
            raise CompileError(BadLimit(None, step.name, option.replace("_", "-"), f"{value:g}", least, most))

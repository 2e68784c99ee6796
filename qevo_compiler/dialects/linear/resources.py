"""What a quantum solver of a history system would cost: figures with the way in which each is known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from qevo_compiler.ir import Attribute, EnumAttribute, Invalid, Op


class Known(EnumAttribute):
    """How a figure is known, strongest first: an option, of the actual system, as a proved bound, by an estimate, or
    by a statement that nobody checked here. What follows from several figures is as weak as the weakest."""

    CHOSEN = "chosen"
    MEASURED = "measured"
    PROVED = "proved"
    ESTIMATED = "estimated"
    ASSUMED = "assumed"


def weakest(kinds: Iterable[Known]) -> Known:
    """The weakest of some kinds; chosen where there is none."""
    order = tuple(Known)
    return max(kinds, key=order.index, default=Known.CHOSEN)


@dataclass(frozen=True)
class Figure(Attribute):
    """One number: `quantity` is its name, unique in a record, `group` what it belongs to."""

    name: ClassVar[str] = "figure"
    group: str
    quantity: str
    value: float
    known: Known
    unit: str = ""
    note: str = ""


@dataclass(frozen=True)
class DeclaredOp(Op):
    """A training run too large to lift, by declared quantities (`docs/resources.md` lists them).

    `tolerance` is the error allowed in the 2-norm of the parameters.
    """

    name: ClassVar[str] = "linear.declared"
    pure: ClassVar[bool] = False
    figures: tuple[Figure, ...]
    tolerance: float
    description: str = ""

    def verify(self) -> None:
        _check(self.figures)
        if not (math.isfinite(self.tolerance) and self.tolerance > 0):
            raise Invalid("the tolerance is not a positive number")


@dataclass(frozen=True)
class ResourcesOp(Op):
    """The cost record of the history system, or of the declared run, before it."""

    name: ClassVar[str] = "linear.resources"
    pure: ClassVar[bool] = False
    figures: tuple[Figure, ...]

    def verify(self) -> None:
        _check(self.figures)


def _check(figures: tuple[Figure, ...]) -> None:
    names = [figure.quantity for figure in figures]
    if len(set(names)) != len(names):
        raise Invalid("two figures have one name")
    if any(math.isnan(figure.value) for figure in figures):
        raise Invalid("a figure is not a number")

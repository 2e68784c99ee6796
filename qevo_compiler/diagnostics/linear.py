"""Wording for training dynamics as a linear system (Q061x)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qevo_compiler.diagnostics.core import Error


@dataclass(frozen=True)
class LinearizeRefused(Error):
    """`linearize` asks for the Carleman system of the training dynamics, which no pass lowers.

    The line is read and checked with the rest of the program. To get a program that runs, leave it out
    and give the parameters ranges and bits, so that they become decision variables.

    Bad:   linearize carleman(order = 5, pivot = start)
    Good:  param theta: real[2] = [0.1, 0.05] in [-1, 1] bits 6
    """

    code: ClassVar[str] = "Q0610"
    title: ClassVar[str] = "`linearize` is not lowered to any target"
    label: ClassVar[str] = "this asks for a Carleman system"
    help: ClassVar[str] = "remove the line and give the parameters `in [lo, hi] bits b`"

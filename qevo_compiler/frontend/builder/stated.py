"""What expressions and choices of a `Problem` have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from qevo_compiler.frontend.tensors import Choice, Tensor

if TYPE_CHECKING:
    from qevo_compiler.frontend.builder.problem import Problem


class Stated(ABC):
    """An array over the variables of one problem: of numbers or of choices."""

    _problem: Problem

    @property
    @abstractmethod
    def _value(self) -> Tensor | Choice:
        """What the array stands for."""

"""0, 1, 2, ... as an attribute that a rule describes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.ir import Array
from qevo_compiler.ir.counting import is_counting
from qevo_compiler.ir.deferred import Deferred


class Counting(Deferred):
    """0, 1, 2, ... below `count`, as 64 bits: where plain bits start in an affine map."""

    def __init__(self, count: int) -> None:
        super().__init__((count,), "i64", 0, max(count - 1, 0))

    def _elements(self) -> NDArray[Any]:
        return np.arange(self._shape[0])


def holds_counting(array: Array) -> bool:
    """`is_counting` of the elements, which are not formed for it."""
    return isinstance(array, Counting) or is_counting(array.values)

"""What a block encoding is, and the two operations every one of them shares.

U is a block encoding of A with subnormalisation alpha when <0|_anc U |0>_anc = A / alpha (A. Gilyen, Y. Su,
G. H. Low, N. Wiebe, STOC 2019, definition 43).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.passes.qlsa.fragment import Fragment
from qevo_compiler.passes.qlsa.simulate import apply


@dataclass(frozen=True)
class BlockEncoding:
    """Qubits 0..`ancillas`-1 must start and end in |0>; the matrix acts on the `system` qubits after them."""

    fragment: Fragment
    ancillas: int
    system: int
    alpha: float

    @property
    def qubit_count(self) -> int:
        return self.ancillas + self.system

    @property
    def adjoint(self) -> BlockEncoding:
        """Of the conjugate transpose."""
        return replace(self, fragment=self.fragment.inverse)

    def on(self, ancillas: Sequence[int], system: Sequence[int]) -> Fragment:
        """The unitary on given qubits."""
        return self.fragment.on([*ancillas, *system])


def encoded_block(encoding: BlockEncoding) -> NDArray[np.complex128]:
    """The matrix [2^n, 2^n] that the circuit encodes, alpha included, by simulation: O(gates 4^n 2^a)."""
    size = 1 << encoding.system
    inputs = np.zeros((1 << encoding.qubit_count, size), np.complex128)
    inputs[:size] = np.eye(size)
    return np.asarray(encoding.alpha * apply(encoding.fragment, inputs)[:size], np.complex128)

"""Singular values of a block encoding through a polynomial, and with it the linear solver.

A. Gilyen, Y. Su, G. H. Low, N. Wiebe, STOC 2019, theorem 17: phases e^(i phi (2 Pi - 1)), Pi = |0><0| on the
ancillas, alternate with U and its inverse. One further qubit between two h runs the phases with either sign, so
that the sum keeps the polynomial wanted: the real part in that convention.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qevo_compiler.dialects.gate import CircuitOp, Gate
from qevo_compiler.passes.qlsa.block_encoding import BlockEncoding
from qevo_compiler.passes.qlsa.controls import controlled_x
from qevo_compiler.passes.qlsa.fragment import Fragment, counts, gate, gates, join, phase, tidy
from qevo_compiler.passes.qlsa.inverse_polynomial import inverse_degree, inverse_polynomial
from qevo_compiler.passes.qlsa.phase_factors import PhaseFactors, phase_factors

# Beyond this the circuit is a matter of the resource estimate: the degree grows as kappa.
KAPPA_LIMIT = 100.0


@dataclass(frozen=True)
class Solver:
    """A circuit whose `system` amplitudes, where all `post_select` qubits read 0, are the solution / `scale`.

    The unitary starts from |0...0>. `error` bounds the relative error per singular value, `queries` counts uses of
    the block encoding or its inverse, `kappa` is alpha times the norm of the inverse that the polynomial is made for.
    """

    fragment: Fragment
    qubit_count: int
    post_select: tuple[int, ...]
    system: tuple[int, ...]
    scale: float
    error: float
    queries: int
    alpha: float
    kappa: float

    @property
    def circuit(self) -> CircuitOp:
        """Bits: the post-selected qubits first, then the system, most significant first."""
        return self.fragment.circuit(self.qubit_count, [*self.post_select, *self.system])


def transformed(encoding: BlockEncoding, factors: PhaseFactors) -> Fragment:
    """f(A / alpha) in the singular-value sense, odd f, on qubits (sign, ancillas, system); sign from |0> to |0>."""
    ancillas = list(range(1, encoding.ancillas + 1))
    system = list(range(encoding.ancillas + 1, encoding.qubit_count + 1))
    forward = encoding.on(ancillas, system)
    backward = forward.inverse
    degree = factors.degree
    # W = i e^(-i pi/4 Z) R e^(-i pi/4 Z) for the reflection R that U is in every invariant plane.
    angles = factors.phases - math.pi / 2
    angles[[0, -1]] += math.pi / 4
    flip = _projector_flip(ancillas, system)
    parts = [gate(Gate.H, 0), _projector_phase(flip, float(angles[-1]))]
    for k in range(degree):
        parts.append(backward if k % 2 else forward)
        parts.append(_projector_phase(flip, float(angles[degree - 1 - k])))
    sign = 0.0 if degree % 4 == 1 else math.pi
    return tidy(join([*parts, gate(Gate.H, 0), phase(sign)]))


def _projector_flip(ancillas: Sequence[int], borrowed: Sequence[int]) -> tuple[Fragment, float]:
    """x of qubit 0 where all ancillas read 0, and 1; or where they do not, and -1, which is shorter for one."""
    if len(ancillas) == 1:
        return gate(Gate.CX, ancillas[0], 0), -1.0
    return join([gates(Gate.X, ancillas), controlled_x(ancillas, 0, borrowed)]), 1.0


def _projector_phase(flip: tuple[Fragment, float], angle: float) -> Fragment:
    """e^(i angle (2 Pi - 1)) where qubit 0 reads 0, and its inverse where it reads 1."""
    there, sense = flip
    return join([there, gate(Gate.RZ, 0, angle=2 * sense * angle), there.inverse])


def solve(
    encoding: BlockEncoding,
    preparation: Fragment,
    norm: float,
    inverse_norm: float,
    tolerance: float = 0.01,
) -> Solver:
    """The solver of A x = b from a block encoding of A and a preparer of b / `norm` on qubits 0..n-1.

    `inverse_norm` bounds the 2-norm of the inverse of A. Raises `ValueError` for a kappa beyond `KAPPA_LIMIT`.
    """
    kappa = max(encoding.alpha * inverse_norm, 1.0)
    if not kappa <= KAPPA_LIMIT:
        raise ValueError(f"kappa is {kappa:.3g}; circuits are written up to {KAPPA_LIMIT:.0f}")
    polynomial = inverse_polynomial(kappa, tolerance)
    factors = phase_factors(polynomial.coefficients)
    count = encoding.qubit_count + 1
    system = tuple(range(encoding.ancillas + 1, count))
    # The inverse transposes singular vectors: the polynomial goes through the encoding of the adjoint.
    body = transformed(encoding.adjoint, factors)
    fragment = tidy(join([preparation.on(system), body]))
    scale = norm / (polynomial.height * encoding.alpha)
    waste = tuple(range(encoding.ancillas + 1))
    return Solver(fragment, count, waste, system, scale, polynomial.error, factors.degree, encoding.alpha, kappa)


def estimated(encoding: BlockEncoding, preparation: Fragment, kappa: float, tolerance: float) -> tuple[int, int]:
    """(queries, cx) of `solve`, from one use of the encoding: nothing of the length of the circuit is made.

    The queries are exact; the cx count is at most what neighbouring pieces save above the circuit's.
    """
    ancillas = list(range(1, encoding.ancillas + 1))
    flip, _ = _projector_flip(ancillas, list(range(encoding.ancillas + 1, encoding.qubit_count + 1)))
    queries = inverse_degree(kappa, tolerance)
    each = counts(encoding.fragment).cnot
    return queries, counts(preparation).cnot + queries * each + 2 * (queries + 1) * counts(flip).cnot

"""The circuit of one query to a history system, and of its right-hand side, for gate counts."""

from __future__ import annotations

import numpy as np

from qevo_compiler.analyses.carleman.history import HistorySystem
from qevo_compiler.analyses.carleman.monomials import Floats
from qevo_compiler.analyses.resources.system import QueryCircuit
from qevo_compiler.analyses.resources.tally import Tally, tally
from qevo_compiler.passes.qlsa.fragment import Fragment
from qevo_compiler.passes.qlsa.history_encoding import history_encoding
from qevo_compiler.passes.qlsa.linear_system import Encoding, encode
from qevo_compiler.passes.qlsa.sparse_state import sparse_vector

# Emitting a query takes about 4^n gates for 2^n monomials, times the number of distinct steps.
MOST_ROWS = 64
MOST_VARIANTS = 4


def query_circuit(system: HistorySystem, encoding: Encoding) -> QueryCircuit | None:
    """The emitted circuits of L = I - S ⊗ M and of b; None for lifts beyond `MOST_ROWS` or many distinct steps."""
    if system.lift.size > MOST_ROWS or len(system.matrices) > MOST_VARIANTS:
        return None
    steps = [encode(_widened(matrix.toarray()), encoding) for matrix in system.matrices]
    single = len(steps) == 1
    which = system.lift.which.tolist()
    encoded = history_encoding(steps[0] if single else steps, system.steps, system.padding, which)
    target = np.zeros(1 << steps[0].system)
    target[: system.lift.size] = system.initial
    prepared = sparse_vector(target, range(steps[0].system)).fragment
    rule = f"{encoding.value} of the lifted step, counted in the emitted circuit"
    return QueryCircuit(_tally(encoded.fragment), _tally(prepared), encoded.alpha, encoded.ancillas, rule)


def _tally(fragment: Fragment) -> Tally:
    return tally(fragment.opcodes, fragment.angles)


def _widened(step: Floats) -> Floats:
    size = max(1 << (len(step) - 1).bit_length(), 2)
    full = np.zeros((size, size))
    full[: len(step), : len(step)] = step
    return full

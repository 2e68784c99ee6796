"""Views of the emitted model against dimod's energies, and that they are views."""

from __future__ import annotations

import itertools

import dimod
import numpy as np
import pytest
import scipy.sparse

from qevo_compiler import CompileError, compile
from qevo_compiler.dialects.poly import Vartype

TEXT = "program p\nvar x: binary[5]\nminimize 3 * x[0] * x[1] * x[2] - 2 * sum(x) + 1.5 * x[0] * x[4] + 7\n"
TEXT += "subject to\n  few: 2 * x[0] + 3 * x[1] + x[3] + x[4] <= 4\n"


@pytest.mark.parametrize(("target", "vartype"), [("dwave", Vartype.SPIN), ("qubo", Vartype.BINARY)])
@pytest.mark.parametrize("level", [0, 1])
def test_every_view_has_the_energies_of_the_model(target: str, vartype: Vartype, level: int) -> None:
    program = compile(TEXT, target=target, level=level)
    arrays = program.arrays
    assert arrays.vartype is vartype
    low = -1 if vartype is Vartype.SPIN else 0
    states = np.array(list(itertools.product((low, 1), repeat=arrays.size)), np.int8)
    rows, _, values = arrays.coo()
    starts, again, same = arrays.csr()
    sparse = scipy.sparse.csr_array((same, again, starts), shape=(arrays.size, arrays.size)).toarray()
    np.testing.assert_array_equal(sparse, arrays.dense())
    assert (np.diff(starts) == np.bincount(rows, minlength=arrays.size)).all()
    energies = arrays.offset + states @ arrays.linear + np.einsum("si,ij,sj->s", states, arrays.dense(), states)
    np.testing.assert_allclose(arrays.to_dimod().energies((states, list(range(arrays.size)))), energies)
    bqm = program.bqm.change_vartype("SPIN" if low else "BINARY", inplace=False)
    assert energies.min() / arrays.scale == pytest.approx(dimod.ExactSolver().sample(bqm).first.energy / arrays.scale)
    assert np.shares_memory(program.arrays.coo()[2], same)
    assert not values.flags.writeable


def test_a_circuit_with_products_has_no_quadratic_model() -> None:
    with pytest.raises(CompileError, match="Q0015"):
        _ = compile(TEXT, target="openqasm3").arrays

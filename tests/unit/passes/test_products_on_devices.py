"""On a device, products are kept or split by what a routed layer is expected to come to; who says so decides."""

from __future__ import annotations

import numpy as np
import pytest
from test_commuting_router import grid

import qevo_compiler
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.validation import validate

MERIT = """program merit
var s: spin[6]
minimize sum(sum(s[i] * s[i + k] for i in 0..6 - k)^2 for k in 1..6)
"""
LATTICE = tuple(grid(5, 6).reshape(-1).tolist())


def sparse(bits, clauses):
    """Random products of three with signs."""
    random = np.random.default_rng(3)
    terms = [
        f"{random.integers(-9, 9)} * " + " * ".join(f"x[{i}]" for i in random.permutation(bits)[:3])
        for _ in range(clauses)
    ]
    return f"program sparse\nvar x: binary[{bits}]\nminimize {' + '.join(terms)}\n"


def compiled(text, **passes):
    settings = {name.replace("_", "-"): values for name, values in passes.items()}
    settings["anneal-to-circuit"] = {"layers": 1}
    return qevo_compiler.compile(text, target="openqasm3", level=0, passes=settings)


def entries(program):
    return [entry for entry in program.ledger if entry.stage == "quadratize"]


def test_sparse_products_are_split_where_pairs_are_nearer():
    program = compiled(sparse(14, 14), route_qubits={"coupling": LATTICE})
    (entry,) = entries(program)
    assert entry.note.startswith("products are split: ")
    assert program.module.main.first(ProductsOp) is None


@pytest.mark.parametrize("keep", [2, 6])
def test_who_says_so_decides(keep):
    program = compiled(sparse(14, 14), route_qubits={"coupling": LATTICE}, quadratize={"keep": keep})
    assert (program.module.main.first(ProductsOp) is None) == (keep == 2)
    assert not entries(program)


def test_products_that_share_much_are_kept():
    program = compiled(MERIT, route_qubits={"coupling": LATTICE})
    (entry,) = entries(program)
    assert entry.note.startswith("products are kept: ")
    assert "have the Hamiltonian's probabilities" in validate(program)


def test_without_a_device_they_are_kept():
    program = compiled(sparse(14, 14))
    assert program.module.main.first(ProductsOp) is not None
    assert not entries(program)


def test_auxiliaries_that_find_no_room_are_not_made():
    program = compiled(sparse(14, 14), route_qubits={"coupling": tuple(grid(2, 8).reshape(-1).tolist())})
    (entry,) = entries(program)
    assert "inf with" in entry.note
    assert program.module.main.first(ProductsOp) is not None

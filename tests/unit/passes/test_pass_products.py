"""Products of three and more spins on the way to a circuit: kept, restated, scaled, turned, sampled and refused."""

from __future__ import annotations

from itertools import product

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.qasm3 import loads
from qiskit.quantum_info import Statevector
from quantum_support import RAMP, codes, energies, outcome_probabilities, program, spin_model, states
from scipy.linalg import expm

import qevo_compiler
from qevo_compiler.backends.base import energies_of
from qevo_compiler.backends.enumeration import all_energies, product_energies
from qevo_compiler.backends.local import LocalBackend
from qevo_compiler.backends.statevector import probabilities
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.dialects.poly import Polynomials, Vartype
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.evaluation import evaluate_module
from qevo_compiler.ir import Invalid, parse_module, print_module
from qevo_compiler.passes.anneal_to_circuit import AnnealToCircuit
from qevo_compiler.passes.scale_coefficients import ScaleCoefficients
from qevo_compiler.report import SizeLog, report_page
from qevo_compiler.source import SourceFile
from qevo_compiler.validation import validate

CUBIC = """program cubic
var x: binary[4]
minimize 3 * x[0] * x[1] * x[2] - 2 * x[1] * x[2] * x[3] + x[0] * x[1] * x[2] * x[3] - x[0] + 0.5 * x[1] * x[3]
"""
MERIT = """program merit
var s: spin[7]
minimize sum(sum(s[i] * s[i + k] for i in 0..7 - k)^2 for k in 1..7)
"""
FITTED = """program fitted
var x: binary[4]
maximize x[0] * x[1] * x[2] + 2 * x[1] * x[2] * x[3] + x[0]
subject to
  few: sum(x) <= 2
"""
LABELS = """program labels
var s: spin[5]
minimize s[0] * s[1] * s[2] * s[3] * s[4] - 0.5 * s[0] * s[2] * s[4] + s[1] * s[2]
"""
HELD = """program held
var x: binary[3]
minimize x[0] * x[1] * x[2] - x[0] - x[1]
subject to
  one: x[0] + x[1] == 1
"""


def compiled(text, target="openqasm3", level=1, **passes):
    options = {name.replace("_", "-"): values for name, values in passes.items()}
    return qevo_compiler.compile(text, target=target, level=level, passes=options)


def products_of(terms):
    """A dict from tuples of spins to coefficients as an op over spins."""
    blocks = []
    for spins, value in terms.items():
        blocks.append((np.zeros(1, np.int32), np.array([spins], np.int32), np.array([value])))
    return ProductsOp(pack(1, blocks), Vartype.SPIN)


def by_definition(model, terms):
    spins = states(model.size)
    return energies(model) + sum(value * spins[:, list(members)].prod(axis=1) for members, value in terms.items())


@pytest.mark.parametrize("text", [CUBIC, MERIT, FITTED, LABELS])
@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("target", ["openqasm3", "cirq"])
def test_circuits_of_products_need_no_auxiliaries_and_are_verified(text, level, target):
    program = compiled(text, target, level)
    assert not any(op.role is ising.Role.AUXILIARY for op in program.provenance)
    assert "have the Hamiltonian's probabilities" in validate(program)


@pytest.mark.parametrize("text", [CUBIC, MERIT, LABELS])
def test_energies_are_the_problems_at_every_state(text):
    program = compiled(text, level=0)
    every = np.array(list(product([-1, 1], repeat=program.decoder.size)), np.int8)
    found = program.decoder.decode(every)
    np.testing.assert_allclose(found.energy, found.objective, atol=1e-12)
    given = evaluate_module(program.module.with_main(_without_circuit(program.module.main)), {"spins": every})
    np.testing.assert_allclose(given["energies"], found.objective, atol=1e-12)


def _without_circuit(main):
    return type(main)(main.name, (), tuple(op for op in main.ops if not isinstance(op, CircuitOp)))


def test_a_degree_beyond_keep_is_split_as_before():
    kept, split = compiled(LABELS, quadratize={"keep": 5}), compiled(LABELS, quadratize={"keep": 4})
    assert kept.module.main.first(ProductsOp) is not None
    assert split.module.main.first(ProductsOp) is None
    assert any(op.role is ising.Role.AUXILIARY for op in split.provenance)


TERMS = st.dictionaries(
    st.sets(st.integers(0, 4), min_size=3, max_size=5).map(lambda spins: tuple(sorted(spins))),
    st.floats(-2, 2).filter(lambda value: abs(value) > 1e-3),
    min_size=1,
    max_size=5,
)


@settings(max_examples=25, deadline=None)
@given(TERMS, st.integers(0, 1000))
def test_energies_by_kernels_and_by_the_definition(terms, seed):
    rng = np.random.default_rng(seed)
    model = spin_model(rng.normal(size=5), {(0, 1): rng.normal(), (2, 4): rng.normal()}, 0.3)
    op = products_of(terms)
    expected = by_definition(model, terms)
    np.testing.assert_allclose(all_energies(model) + product_energies(op, 5), expected, atol=1e-12)
    np.testing.assert_allclose(energies_of(model, states(5).astype(np.int8), op), expected, atol=1e-12)


@pytest.mark.parametrize("order", [1, 2])
def test_layers_are_the_exponentials_of_the_whole_energy_and_the_bound_holds(order):
    terms = {(0, 1, 2): 0.8, (0, 1, 2, 3): -1.5, (1, 2, 3): 0.4}
    model = spin_model([0.3, 0.0, -0.2, 0.1], {(0, 3): 0.7, (1, 2): -0.4})
    module = AnnealToCircuit(layers=3, order=order, time=0.6).run(program(model, RAMP, products_of(terms)))
    cost = np.diag(by_definition(model, terms) / 1.5)
    spins = states(4)
    mixer = -np.array([[float((a != b).sum() == 1) for b in spins] for a in spins])
    split = exact = np.full(16, 0.25, complex)
    for s in (1 / 6, 1 / 2, 5 / 6):
        a, b = 0.2 * (1 - s) * mixer, 0.2 * s * cost
        exact = expm(-1j * (a + b)) @ exact
        parts = (a, b) if order == 1 else (a / 2, b, a / 2)
        for part in parts[::-1]:
            split = expm(-1j * part) @ split
    np.testing.assert_allclose(outcome_probabilities(module.main.only(CircuitOp)), np.abs(split) ** 2, atol=1e-12)
    bound = next(entry.value for entry in module.ledger if entry.quantity == "splitting error")
    assert 0 < np.linalg.norm(split - exact) <= bound


def test_products_print_are_read_and_are_scaled_with_the_model():
    module = program(spin_model([1.0, 2.0, 0.5], {(0, 1): 4.0}), products_of({(0, 1, 2): -3.0}))
    assert parse_module(SourceFile("tiny.qir", print_module(module))) == module
    scaled = ScaleCoefficients(max_coupling=1.0).run(module).main
    assert scaled.only(ising.ModelOp).scale == 0.25
    assert scaled.only(ProductsOp) == products_of({(0, 1, 2): -0.75})


@pytest.mark.parametrize(
    ("terms", "reason"),
    [({(0, 1): 1.0}, "three and more"), ({(0, 0, 1): 1.0}, "different"), ({(0, 1, 2): np.inf}, "finite")],
)
def test_broken_products_are_refused(terms, reason):
    with pytest.raises(Invalid, match=reason):
        products_of(terms).verify()


def test_two_rows_of_products_are_refused():
    with pytest.raises(Invalid, match="one row"):
        ProductsOp(Polynomials(2, ()), Vartype.SPIN).verify()


def test_annealers_and_quadratic_models_refuse_products():
    with pytest.raises(CompileError) as caught:
        compiled(CUBIC, "dwave", quadratize={"keep": 4})
    assert codes(caught) == ["Q0404"]
    with pytest.raises(CompileError) as caught:
        compiled(CUBIC, "qubo", quadratize={"keep": 4})
    assert codes(caught) == ["Q0404"]
    with pytest.raises(CompileError) as caught:
        compiled(CUBIC, round_coefficients={"bits": 4})
    assert codes(caught) == ["Q0404"]
    built = compiled(CUBIC)
    with pytest.raises(CompileError) as caught:
        _ = built.bqm
    assert codes(caught) == ["Q0015"]
    with pytest.raises(CompileError) as caught:
        LocalBackend().sample(built.module.with_main(_without_circuit(built.module.main)))
    assert codes(caught) == ["Q0404"]


@pytest.mark.parametrize("text", [CUBIC, MERIT, LABELS])
def test_enumeration_finds_the_least_energy_and_samples_have_theirs(text):
    built = compiled(text)
    lowest = LocalBackend(exact=True).sample(built.module, reads=3)
    every = np.array(list(product([-1, 1], repeat=built.decoder.size)), np.int8)
    assert lowest.energies[0] == pytest.approx(built.decoder.decode(every).energy.min())
    found = LocalBackend().sample(built.module, reads=50, seed=3)
    np.testing.assert_allclose(found.energies, built.decoder.decode(found.spins).energy, atol=1e-12)


def test_other_weights_make_the_products_anew():
    built = compiled(HELD, level=0).reweight(one=5.0)
    assert len(built.module.main.ops_of(ProductsOp)) == 1
    assert "the circuit's outcomes" in validate(built)


def test_the_report_counts_products():
    page = report_page(compiled(CUBIC), SizeLog(), "").decode()
    assert "of 3 to 4 spins" in page
    assert "products of three and more" in page
    assert "Products of three and more spins are not drawn." in page


@pytest.mark.parametrize("text", [CUBIC, MERIT, LABELS])
def test_qiskit_and_cirq_see_the_same_outcomes(text):
    program = compiled(text)
    expected = probabilities(program.module.main.only(CircuitOp))
    read = loads(program.files[f"{program.name}.qasm"].decode())
    read.remove_final_measurements()
    # Qubit 0 is the last bit of a state's number there.
    cube = Statevector(read).probabilities().reshape((2,) * read.num_qubits)
    np.testing.assert_allclose(cube.transpose().reshape(-1), expected, atol=1e-9)
    built = cirq.read_json(json_text=compiled(text, "cirq").files[f"{program.name}.cirq.json"].decode())
    state = cirq.Simulator(dtype=np.complex128).simulate(cirq.drop_terminal_measurements(built)).final_state_vector
    np.testing.assert_allclose(np.abs(state) ** 2, expected, atol=1e-9)

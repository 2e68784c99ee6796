"""The facts of a history system that is at hand: everything from its own matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevo_compiler.analyses.carleman.assembly import Csr
from qevo_compiler.analyses.carleman.history import HistorySystem, dense_norm
from qevo_compiler.analyses.resources.formulas import T_PER_BIT, T_PER_ITEM
from qevo_compiler.analyses.resources.sheet import Sheet
from qevo_compiler.analyses.resources.tally import Tally
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.dialects.linear.resources import Known

# Bits of an entry in assumed oracles.
VALUE_BITS = 24


@dataclass(frozen=True)
class QueryCircuit:
    """The emitted circuits of one query and of the right-hand side, and the encoding's subnormalisation."""

    query: Tally
    preparation: Tally
    alpha: float
    ancillas: int
    rule: str


def state_system(sheet: Sheet, system: HistorySystem, exact_limit: int, horizon: int) -> None:
    """Sizes, sparsity, norms and success probability; singular values up to `exact_limit` unknowns.

    `horizon` is the number of (sub-)steps of the whole training, of which the system may be the first chunk.
    """
    lifted = system.lift
    n = lifted.first_block.stop - lifted.first_block.start
    how = Known.MEASURED
    for quantity, value, note in (
        ("n", n, "coordinates of the state"),
        ("N", lifted.order, "truncation order"),
        ("T", system.steps, "steps of the lift"),
        ("P", system.padding, "copies of the final block after it"),
        ("gamma", system.gamma, "u = gamma u'"),
        ("chunks", -(-horizon // system.steps), "uploads in all; what follows is for the first"),
        ("D", lifted.size, "monomials kept"),
        ("unknowns", system.unknowns, "dim L = D (T + P + 1)"),
        ("nonzeros", system.nonzeros, "of L"),
        ("live", n, "amplitudes to read"),
    ):
        sheet.state("sizes", quantity, value, how, note)
    rows, columns = _sparsity(system.matrices)
    sheet.state("system", "s_row", rows, how, "most entries in a row of L")
    sheet.state("system", "s_col", columns, how, "most entries in a column of L")
    _norms(sheet, system, exact_limit)
    y = system.solution()
    norm = float(np.linalg.norm(y))
    last = float(np.linalg.norm(y[system.steps, lifted.first_block]))
    sheet.state("system", "y_norm", norm, how, "||y||")
    sheet.state("system", "u_final", last * system.gamma, how, "||u(T)||")
    success = (system.padding + 1) * last**2 / norm**2
    sheet.state("system", "P_final", success, how, "chance of a copy of the final block at degree one")


def _sparsity(matrices: tuple[Csr, ...]) -> tuple[int, int]:
    """Most entries in a row and in a column of L: the identity adds one to each."""
    rows = max(int(np.diff(matrix.indptr).max(initial=0)) for matrix in matrices)
    columns = max(int(np.bincount(matrix.indices, minlength=1).max()) for matrix in matrices)
    return 1 + max(rows, 1), 1 + max(columns, 1)


def _norms(sheet: Sheet, system: HistorySystem, exact_limit: int) -> None:
    if system.unknowns <= exact_limit:
        how = Known.MEASURED if system.exact else Known.ESTIMATED
        rule = "dense singular values" if system.exact else "Lanczos and block substitution"
        largest, smallest = system.singular_values
        sheet.state("system", "norm_L", largest, how, f"||L||: {rule}")
        sheet.state("system", "sigma_min", smallest, how, f"1 / ||L^-1||: {rule}")
        return
    largest = 1 + max(1.0, *map(dense_norm, system.matrices))
    sheet.state("system", "norm_L", largest, Known.PROVED, "||L|| <= 1 + max(1, ||M||)")
    note = "1 / ||L^-1|| >= 1 / sum of norms of products"
    sheet.state("system", "sigma_min", 1 / system.inverse_bound(), Known.PROVED, note)


def balanced_weight(matrices: tuple[Csr, ...]) -> float:
    """alpha_M of balanced sparse access: sqrt(largest row sum times largest column sum of |M|) over steps."""
    return max(float(np.sqrt(abs(m).sum(axis=0).max() * abs(m).sum(axis=1).max())) for m in matrices)


def state_circuit(sheet: Sheet, system: HistorySystem, circuit: QueryCircuit | None, steps: StepMap) -> None:
    """Registers and gates: counted in emitted circuits where there are some, else by assumed oracles."""
    time_qubits = (system.blocks - 1).bit_length()
    lifted_qubits = max(system.lift.size - 1, 1).bit_length()
    sheet.state("registers", "time_qubits", time_qubits, Known.MEASURED, "ceil(log2(T + P + 1))")
    sheet.state("registers", "lifted_qubits", lifted_qubits, Known.MEASURED, "ceil(log2 D)")
    terms = max(sum(block.row.size for block in variant.terms) for variant in steps.variants)
    if circuit is None:
        _assumed_circuit(sheet, system, terms)
    else:
        _counted_circuit(sheet, circuit)
    total = time_qubits + lifted_qubits + sheet["ancilla_qubits"] + 2
    sources = ("time_qubits", "lifted_qubits", "ancilla_qubits")
    sheet.derive("registers", "logical_qubits", total, sources, "and two for the solver's signal and amplification")
    state_classical(sheet, terms, Known.MEASURED, system.steps)
    lifted = sum(system.lift.matrices[k].nnz for k in system.lift.which.tolist())
    sheet.state("classical", "lifted_operations", 2 * lifted, Known.MEASURED, "propagating the lift on a computer")


def state_classical(sheet: Sheet, terms: float, known: Known, steps: float) -> None:
    """Plain descent: one evaluation of the step map a step, about two operations a term."""
    sheet.state("classical", "terms", terms, known, "terms of one step of the optimizer")
    sheet.state("classical", "descent_operations", 2 * terms * steps, known, "T steps of plain descent, about 2 a term")


def _counted_circuit(sheet: Sheet, circuit: QueryCircuit) -> None:
    how = Known.MEASURED
    sheet.state("system", "alpha_L", circuit.alpha, how, f"1 + max(1, alpha_M), {circuit.rule}")
    sheet.state("registers", "ancilla_qubits", circuit.ancillas, how, "of the block encoding")
    for group, prefix, found in (("preparation", "prep", circuit.preparation), ("query", "query", circuit.query)):
        sheet.state(group, f"{prefix}_cnot", found.cnot, how, "cx of the emitted circuit")
        sheet.state(group, f"{prefix}_one_qubit", found.one_qubit, how, "one-qubit gates")
        sheet.state(group, f"{prefix}_t_fixed", found.t, how, "turns by odd multiples of pi/4")
        sheet.state(group, f"{prefix}_rotations", found.rotations, how, "turns to synthesise")


def _assumed_circuit(sheet: Sheet, system: HistorySystem, terms: int) -> None:
    weight = max(1.0, balanced_weight(system.matrices))
    sheet.state("system", "alpha_L", 1 + weight, Known.MEASURED, "1 + max(1, alpha_M), balanced sparse access")
    n = int(sheet["n"])
    width = max(n - 1, 1).bit_length()
    start = int(np.count_nonzero(system.initial[system.lift.first_block]))
    state_oracles(sheet, order=system.lift.order, width=width, terms=terms, start=start)


def state_oracles(sheet: Sheet, order: int, width: int, terms: float, start: float) -> None:
    """Gates of oracles that were not written out: a table of the step's terms for every slot, looked up and undone.

    `width` is the number of qubits of a slot, `start` the non-zeros of u(0), merged in pairs for each of the N copies.
    """
    how = Known.ASSUMED
    load = 2 * order * T_PER_ITEM * terms
    arithmetic = 2 * order * T_PER_BIT * (width + VALUE_BITS)
    sheet.state("registers", "ancilla_qubits", 4 + VALUE_BITS + np.ceil(np.log2(max(terms, 2))), how, "table and value")
    sheet.state("preparation", "prep_cnot", order * start * width, how, "N copies, s m cx each")
    sheet.state("preparation", "prep_one_qubit", 2 * order * start, how, "two turns a non-zero and copy")
    sheet.state("preparation", "prep_t_fixed", 0, how)
    sheet.state("preparation", "prep_rotations", 2 * order * start, how)
    sheet.state("query", "query_cnot", load * VALUE_BITS / 8, how, "half of the table's bits")
    sheet.state("query", "query_one_qubit", 0, how, "not counted")
    note = "N slots: a look-up of the step's terms at 4 T each, and back; adders at 4 T a bit"
    sheet.state("query", "query_t_fixed", load + arithmetic, how, note)
    sheet.state("query", "query_rotations", order, how, "one by a value register for each slot")

"""The facts of a training run too large to lift, from declared or estimated quantities.

What has to be declared: `n` (state coordinates), `N`, `T`, `terms` (terms of one step), `row_terms` (most of them in
one coordinate), `start_norm` and `final_norm` (||u(0)||, ||u(T)|| about the pivot), `g_0`, `g_1`, .. (norms of F_j).
Optional: `density` (share of live coordinates, 1), `P` (T + 1), `growth` (a bound on ||M_{t+tau-1} .. M_t||, 1),
`chunks` (uploads in all, 1), `truncation`, `activation` and `remainder` (errors). Every figure that follows is marked
by the weakest of its sources.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from qevo_compiler.analyses.carleman.monomials import Floats
from qevo_compiler.analyses.resources.costing import complete
from qevo_compiler.analyses.resources.formulas import block_weight
from qevo_compiler.analyses.resources.sheet import Sheet
from qevo_compiler.analyses.resources.system import state_classical, state_oracles
from qevo_compiler.dialects.linear.resources import Figure, Known

REQUIRED = ("n", "N", "T", "terms", "row_terms", "start_norm", "final_norm", "g_1")
OPTIONAL = {"density": 1.0, "growth": 1.0, "g_0": 0.0, "chunks": 1.0}
ERRORS = ("truncation", "activation", "remainder")
WHOLE = ("n", "N", "T", "P", "chunks")
# Steps whose norms are added up one by one.
_MOST_STEPS = 1_000_000


def declared_resources(figures: Iterable[Figure], tolerance: float) -> tuple[Figure, ...]:
    """The cost record of a declared run; raises `ValueError` for a missing quantity or one out of range."""
    given = {figure.quantity: figure for figure in figures}
    missing = [name for name in REQUIRED if name not in given]
    if missing:
        raise ValueError(f"{', '.join(missing)} not declared")
    sheet = Sheet()
    _sizes(sheet, given)
    _system(sheet, given)
    _registers(sheet)
    complete(sheet, tolerance, {name: (given[name].value, given[name].known) for name in ERRORS if name in given})
    return sheet.figures()


def _sizes(sheet: Sheet, given: dict[str, Figure]) -> None:
    for name in ("n", "N", "T"):
        _copy(sheet, "sizes", given, name)
    if "P" in given:
        _copy(sheet, "sizes", given, "P")
    else:
        sheet.derive("sizes", "P", sheet["T"] + 1, ("T",), "T + 1, the default")
    n, order, blocks = int(sheet["n"]), int(sheet["N"]), sheet["T"] + sheet["P"] + 1
    sheet.state("sizes", "gamma", 1.0, Known.CHOSEN, "no rescaling")
    _copy(sheet, "sizes", given, "chunks")
    _copy(sheet, "sizes", given, "density")
    live = max(round(n * sheet["density"]), 1)
    sheet.derive("sizes", "live", live, ("n", "density"), "coordinates of the pruned model, those of the lift")
    monomials = float(math.comb(live + order, order))
    sheet.derive("sizes", "D", monomials, ("live", "N"), "C(live + N, N): the full symmetric basis")
    sheet.derive("sizes", "unknowns", monomials * blocks, ("D", "T", "P"), "dim L = D (T + P + 1)")
    state_classical(sheet, given["terms"].value, given["terms"].known, sheet["T"])


def _system(sheet: Sheet, given: dict[str, Figure]) -> None:
    order, blocks = int(sheet["N"]), sheet["T"] + sheet["P"] + 1
    norms = [_copy(sheet, "system", given, name) for name in _norm_names(given)]
    for name in ("row_terms", "growth", "start_norm", "final_norm"):
        _copy(sheet, "system", given, name)
    most = min(sheet["D"], sheet["row_terms"] ** order)
    note = "at most 1 + (sum of s_j)^N, or the basis"
    sheet.derive("system", "s_row", 1 + most, ("row_terms", "N"), note, Known.PROVED)
    sheet.state("system", "s_col", 1 + most, Known.ASSUMED, "as many as in a row")
    sources = _norm_names(given)
    weight = max(1.0, block_weight(np.array(norms), order))
    note = "1 + max(1, alpha_M), alpha_M by Carleman structure from the norms g_j"
    sheet.derive("system", "alpha_L", 1 + weight, sources, note)
    sheet.derive("system", "norm_L", 1 + weight, sources, "||L|| <= alpha_L", Known.PROVED)
    bound = sheet["growth"] * blocks
    sheet.derive(
        "system", "sigma_min", 1 / bound, ("growth", "T", "P"), "1 / ||L^-1|| >= 1 / (growth (T + P + 1))", Known.PROVED
    )
    total, last = _history_norms(sheet["start_norm"], sheet["final_norm"], order, int(sheet["T"]), sheet["P"])
    sources = ["start_norm", "final_norm", "N", "T", "P"]
    sheet.state("system", "y_norm", total, Known.ASSUMED, "norms of the steps between the declared ones interpolated")
    sheet.derive("system", "u_final", last, ("final_norm",), "||u(T)||")
    sheet.derive("system", "P_final", (sheet["P"] + 1) * last**2 / total**2, ("y_norm", *sources), "final, degree one")


def _registers(sheet: Sheet) -> None:
    order = int(sheet["N"])
    width = max(int(sheet["live"]) - 1, 1).bit_length()
    blocks = int(sheet["T"] + sheet["P"])
    sheet.derive("registers", "time_qubits", blocks.bit_length(), ("T", "P"), "ceil(log2(T + P + 1))")
    lifted = order * width + math.ceil(math.log2(order + 1))
    sheet.derive("registers", "lifted_qubits", lifted, ("live", "N"), "N slots of ceil(log2 live) and the degree")
    start = sheet["live"] if sheet["start_norm"] else 0
    state_oracles(sheet, order, width, sheet["terms"], start)
    total = sheet["time_qubits"] + lifted + sheet["ancilla_qubits"] + 2
    sources = ("time_qubits", "lifted_qubits", "ancilla_qubits")
    sheet.derive("registers", "logical_qubits", total, sources, "and two for the solver's signal and amplification")


def _history_norms(first: float, last: float, order: int, steps: int, copies: float) -> tuple[float, float]:
    """||y|| and ||u(T)|| when ||u(t)|| runs geometrically (from a start of 0: linearly) between its ends."""
    t = np.arange(min(steps, _MOST_STEPS)) / max(min(steps, _MOST_STEPS), 1)
    radii: Floats = first ** (1 - t) * last**t if first > 0 and last > 0 else first + (last - first) * t
    stretch = steps / len(t) if len(t) else 0.0
    powers = np.arange(order + 1)
    squares = stretch * float((radii[:, None] ** (2 * powers)).sum())
    return math.sqrt(squares + (copies + 1) * float((last ** (2.0 * powers)).sum())), last


def _norm_names(given: dict[str, Figure]) -> list[str]:
    degree = max(int(name[2:]) for name in given if name.startswith("g_"))
    return [f"g_{j}" for j in range(degree + 1)]


def _copy(sheet: Sheet, group: str, given: dict[str, Figure], name: str) -> float:
    figure = given.get(name)
    if figure is None:
        return sheet.state(group, name, OPTIONAL.get(name, 0.0), Known.ASSUMED, "not declared")
    return sheet.state(group, name, figure.value, figure.known, figure.note or "declared", figure.unit)

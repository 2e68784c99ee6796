"""From what is known of a history system to the whole cost record: solvers, read-out, T gates, classical cost.

`complete` expects on the sheet the facts of `system.py` or `declared.py`, in the groups `sizes`, `system`,
`registers`, `preparation`, `query` and `classical`, and adds the rest. Formulas: `formulas.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from qevo_compiler.analyses.resources import formulas
from qevo_compiler.analyses.resources.sheet import Sheet
from qevo_compiler.dialects.linear.resources import Known

# Loss of the precision budget to the synthesis of rotations, as a part of the solver's share.
_SYNTHESIS_SHARE = 0.1
DEFAULT_SOLVER = "known_norm"


Errors = Mapping[str, tuple[float, Known]]


def complete(sheet: Sheet, tolerance: float, errors: Errors) -> None:
    """Add condition numbers, precision budget, queries, amplification, shots, T gates and classical cost.

    `tolerance` is allowed on ||dtheta||; `errors` are there already (truncation, activation, remainder), where known.
    Raises `ValueError` where the success probability is 0: then nothing can be read out.
    """
    if not sheet["P_final"] > 0:
        raise ValueError("the final state has no amplitude at degree one")
    _condition(sheet)
    error = _budget(sheet, tolerance, errors)
    _queries(sheet, error)
    _readout(sheet)
    _gates(sheet, error)


def _condition(sheet: Sheet) -> None:
    note = "||L|| ||L^-1||: no encoding is better"
    sheet.derive("system", "kappa", sheet["norm_L"] / sheet["sigma_min"], ("norm_L", "sigma_min"), note)
    note = "alpha_L ||L^-1||: what a solver with this encoding sees"
    sheet.derive("system", "kappa_alpha", sheet["alpha_L"] / sheet["sigma_min"], ("alpha_L", "sigma_min"), note)


def _budget(sheet: Sheet, tolerance: float, errors: Errors) -> float:
    found = formulas.split(tolerance, sheet["y_norm"] * sheet["gamma"], sheet["P"] + 1, sheet["u_final"])
    sheet.state("budget", "tolerance", tolerance, Known.CHOSEN, "allowed 2-norm error of the parameters; an option")
    note = "a quarter each: truncation, activation, solver, read-out"
    sheet.derive("budget", "share", found.share, ("tolerance",), note)
    for name, (error, known) in errors.items():
        over = "more than its share" if error > found.share else "within its share"
        sheet.state("budget", f"{name}_error", error, known, over)
    note = "2-norm, of the normalised history state"
    sheet.derive("budget", "solver_error", found.solver, ("share", "y_norm"), note)
    note = "2-norm, of the normalised final state"
    sheet.derive("budget", "readout_error", found.readout, ("share", "u_final"), note)
    return found.solver


def _queries(sheet: Sheet, error: float) -> None:
    notes = {
        "known_norm": ("kernel reflection, ||y|| known: kappa ln(2 sqrt(2) / eps), times 1 + O(eps)", Known.PROVED),
        "unknown_norm": ("the same without ||y||: 56 kappa + 1.05 kappa ln(1 / eps) + o(kappa)", Known.PROVED),
        "walk": (
            "walk and filter: 1.84 kappa + kappa ln(2 / eps), 1.84 empirical; twice for a dilation",
            Known.ESTIMATED,
        ),
    }
    for name, queries in formulas.SOLVERS.items():
        note, rule = notes[name]
        sources = ("kappa_alpha", "solver_error")
        sheet.derive("solver", f"queries_{name}", queries(sheet["kappa_alpha"], error), sources, note, rule)
        sources = ("kappa", "solver_error")
        floor = queries(sheet["kappa"], error)
        sheet.derive("solver", f"floor_{name}", floor, sources, "the same with alpha_L = ||L||", rule)


def _readout(sheet: Sheet) -> None:
    success = sheet["P_final"]
    sheet.derive("readout", "rounds", formulas.rounds(success), ("P_final",), "of amplitude amplification")
    note = "solver runs for one accepted shot: 2 rounds + 1, or 1 / P_final repetitions if fewer"
    sheet.derive("readout", "runs_per_shot", formulas.runs_per_shot(success), ("P_final",), note)
    note = "s / (4 eps^2) for magnitudes, on average; signs take as many again"
    count = formulas.shots(sheet["live"], sheet["readout_error"])
    sheet.derive("readout", "shots", count, ("live", "readout_error"), note, Known.ESTIMATED)
    for name in formulas.SOLVERS:
        total = sheet[f"queries_{name}"] * sheet["runs_per_shot"] * sheet["shots"]
        needed = (f"queries_{name}", "runs_per_shot", "shots")
        sheet.derive("readout", f"total_queries_{name}", total, needed, "queries x runs a shot x shots")


def _gates(sheet: Sheet, error: float) -> None:
    """T gates a query and over all shots, rotations synthesised to a tenth of the solver's share in all."""
    queries = sheet[f"queries_{DEFAULT_SOLVER}"]
    turns = sheet["query_rotations"] + 2 * sheet["prep_rotations"]
    fixed = sheet["query_t_fixed"] + 2 * sheet["prep_t_fixed"]
    each = _SYNTHESIS_SHARE * error / max(queries * turns, 1.0)
    sheet.derive("query", "rotation_error", each, ("query_rotations", "solver_error"), "allowed for each rotation")
    counted = ("query_t_fixed", "query_rotations", "prep_t_fixed", "prep_rotations", "rotation_error")
    for quantity, rule, text in (
        ("query_t", formulas.synthesis, "3 log2(1/eps)"),
        ("query_t_fallback", formulas.synthesis_with_fallback, "1.15 log2(1/eps) + 9.2"),
    ):
        note = f"T gates of a query, a preparation and its inverse, rotations at {text}"
        sheet.derive("query", quantity, fixed + turns * rule(each), counted, note, Known.ESTIMATED)
    total = sheet["query_t_fallback"] * sheet[f"total_queries_{DEFAULT_SOLVER}"]
    needed = ("query_t_fallback", f"total_queries_{DEFAULT_SOLVER}")
    sheet.derive("readout", "total_t", total, needed, "T gates of all shots, solver with known norm, with fallback")
    note = "the same for all chunks of the training, one upload each"
    sheet.derive("readout", "training_t", total * sheet["chunks"], ("total_t", "chunks"), note)
    ratio = total / max(sheet["descent_operations"], 1.0)
    note = "T gates for every operation of plain descent"
    sheet.derive("classical", "t_per_operation", ratio, ("total_t", "descent_operations"), note)

"""Quantities of ledger entries that others read; with one of `CHANGES_ENERGIES` energies are not the problem's own."""

from __future__ import annotations

ENERGY_ERROR = "energy error of rounding"
FUNCTION_ERROR = "largest error of a polynomial"
MODEL_ERROR = "relative error of the quadratic model"
PENALTY_GAP = "penalty gap"
PENALTY_FLOOR = "penalty floor"
SLACK_ROUNDING = "slack rounding"

CHANGES_ENERGIES = frozenset({ENERGY_ERROR, FUNCTION_ERROR, MODEL_ERROR, PENALTY_FLOOR, SLACK_ROUNDING})

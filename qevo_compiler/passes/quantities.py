"""Quantities of ledger entries that others read: how far energies are from the stated problem's, when not 0."""

from __future__ import annotations

ENERGY_ERROR = "energy error of rounding"
FUNCTION_ERROR = "largest error of a polynomial"
MODEL_ERROR = "relative error of the quadratic model"
PENALTY_FLOOR = "penalty floor"
SLACK_ROUNDING = "slack rounding"

CHANGES_ENERGIES = frozenset({ENERGY_ERROR, FUNCTION_ERROR, MODEL_ERROR, PENALTY_FLOOR, SLACK_ROUNDING})

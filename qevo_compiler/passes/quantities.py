"""Quantities of ledger entries that others read.

With one of `CHANGES_ENERGIES` energies are not the problem's, with one of `CHANGES_TRAINING` training not the model's.
"""

from __future__ import annotations

ACTIVATION_ERROR = "activation error"
BOUND_ROUNDING = "rounding of a bounding variable"
ENERGY_ERROR = "energy error of rounding"
FUNCTION_ERROR = "largest error of a polynomial"
MODEL_ERROR = "relative error of the quadratic model"
MODEL_ERROR_BELOW = "relative error of the decrease that the quadratic model promises"
PENALTY_GAP = "penalty gap"
PENALTY_FLOOR = "penalty floor"
REMAINDER = "remainder of the Taylor expansion"
SLACK_ROUNDING = "slack rounding"
UNUSED_WEIGHT = "weight without effect"

CHANGES_ENERGIES = frozenset({BOUND_ROUNDING, ENERGY_ERROR, FUNCTION_ERROR, MODEL_ERROR, PENALTY_FLOOR, SLACK_ROUNDING})
CHANGES_TRAINING = (ACTIVATION_ERROR, REMAINDER)

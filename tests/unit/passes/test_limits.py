"""Numbers that options of passes may not be, and what is said of them."""

from __future__ import annotations

import pytest

from qevo_compiler import CompileError, compile

TEXT = "program p\nvar x: binary[3]\nvar k: int in [0, 5]\nminimize max(k, 2 * x[0]) - x[0] * x[1] * x[2]\n"
TEXT += "subject to\n  c: 1.5 * x[0] + k <= 4\n"


@pytest.mark.parametrize(
    ("owner", "option", "value", "range"),
    [
        ("quadratize", "sweeps", -1, "from 0 on"),
        ("quadratize", "coupling-weight", float("nan"), "from 0 on"),
        ("quadratize", "range-weight", float("inf"), "from 0 on"),
        ("penalize-constraints", "coarse-bits", 0, "from 1 to 52"),
        ("penalize-constraints", "slack-bits", 2000, "from 0 to 52"),
        ("penalize-constraints", "clauses", -1, "from 0 on"),
        ("penalize-constraints", "slack-bound", 0, "from 1 on"),
        ("penalize-constraints", "margin", 0, "above 0"),
        ("bound-extremes", "bits", 53, "from 1 to 52"),
        ("settle-bits", "rounds", -1, "from 0 on"),
        ("presolve", "roof-seconds", -0.5, "from 0 on"),
        ("round-coefficients", "bits", 0, "from 1 to 52"),
        ("encode-variables", "bound", 0, "from 1 on"),
        ("scale-coefficients", "max-field", 0, "above 0"),
        ("synthesize-schedule", "min-time", -1, "above 0"),
    ],
)
def test_a_number_out_of_range_is_named_with_its_range(owner: str, option: str, value: float, range: str) -> None:
    with pytest.raises(CompileError) as caught:
        compile(TEXT, passes={owner: {option: value}})
    assert [found.code for found in caught.value.diagnostics] == ["Q0663"]
    assert f"`{owner}`: `{option}` cannot be {value:g}" in str(caught.value)
    assert range in str(caught.value)

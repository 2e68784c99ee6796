"""The text form of options reads back as the same options, whatever names are in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qevo_compiler.passes.penalize_constraints import PenalizeConstraints
from qevo_compiler.passes.pipeline import Pipeline

NAMES = st.text(st.sampled_from("ab1 ,:{}%=[]()'\"\\é2C"), min_size=1).map(str.strip).filter(bool)


@given(st.lists(NAMES, min_size=1, max_size=3))
def test_names_in_options_survive_the_text(names: list[str]) -> None:
    """Names of constraints come from other tools' models, so any sign may be in them."""
    pipeline = Pipeline((PenalizeConstraints(weights=tuple(f"{name}=2" for name in names), scale=2.0),))
    assert Pipeline.parse(str(pipeline)).passes == pipeline.passes

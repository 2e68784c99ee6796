"""Structure and precision in the page and as lines: every option that is named changes what it is said to change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qevo_compiler import CompiledProgram, compile
from qevo_compiler.cli.main import main
from qevo_compiler.dialects.ising import ModelOp
from qevo_compiler.driver import Options, lower
from qevo_compiler.frontend.load import import_source
from qevo_compiler.passes.scale_coefficients import bits_needed
from qevo_compiler.report import SizeLog, StructureLog, precision_lines, report_page
from qevo_compiler.report.precision import advice, scaling_factor

KNAPSACK = """program knapsack
data w: int[8] = [113, 27, 95, 61, 40, 88, 12, 33]
var x: binary[8]
maximize sum((i + 3) * x[i] for i in 0..8)
subject to
  fits: sum(w[i] * x[i] for i in 0..8) <= 231
  order[i]: x[i] <= x[i + 1] for i in 0..3
"""
SMALL = "program small\nvar x: binary[3]\nminimize x[0] * x[1] - x[2] * x[1] + x[0]\n"


def model_of(program: CompiledProgram) -> ModelOp:
    return program.module.main.only(ModelOp)


def test_the_log_sees_the_structure_of_the_encoded_problem() -> None:
    log = StructureLog()
    lower(import_source(KNAPSACK), Options("dwave"), after=log)
    assert log.structure is not None
    lines = list(log.structure.lines())
    assert "3 rows: implication" in lines
    assert "1 row: weighted sum with a limit" in lines
    assert "monotone chains of 4 bits" in lines


def test_spins_have_no_rows_over_bits() -> None:
    log = StructureLog()
    lower(import_source("program s\nvar s: spin[2]\nminimize s[0] * s[1]\n"), Options("dwave"), after=log)
    assert log.structure is None


def test_a_wider_margin_is_advised_where_the_margin_makes_the_smallest_coefficients() -> None:
    ring = [[i, (i + 1) % 40] for i in range(40)] + [[i, (i + 7) % 40] for i in range(0, 40, 3)]
    cover = f"program cover\ndata e: int[m, 2] = {ring}\nvar x: binary[40]\nminimize sum(x)\nsubject to\n"
    cover += "  covered[k]: x[e[k, 0]] + x[e[k, 1]] >= 1 for k in 0..m\n"
    narrow = compile(cover)
    advised = "--set penalize-constraints.margin=0.25"
    assert advised in [what for _, what in advice(narrow, model_of(narrow))]
    wide = compile(cover, passes={"penalize-constraints": {"margin": 0.25}})
    assert bits_needed(model_of(wide)) < bits_needed(model_of(narrow)) - 2
    assert advised not in [what for _, what in advice(wide, model_of(wide))]
    [gap] = [entry for entry in wide.ledger if entry.quantity == "penalty gap"]
    assert (gap.value, gap.kind.value) == (0.25, "proved")


def test_advice_names_options_that_narrow_the_range() -> None:
    light = "program light\nvar x: binary[40]\nmaximize sum(x[i] * (i + 1) for i in 0..40)\n"
    light += "subject to\n  fits: sum((2 + i % 2) * x[i] for i in 0..40) <= 70\n"
    bounded = "--set penalize-constraints.slacks=fits=bounded --set penalize-constraints.slack-bound=3"
    for text, advised in ((light, bounded), (KNAPSACK, "--set penalize-constraints.methods=fits=unbalanced")):
        program = compile(text)
        named = [what for _, what in advice(program, model_of(program))]
        assert advised in named
        pairs = [item.removeprefix("penalize-constraints.").partition("=") for item in advised.split("--set ")[1:]]
        narrower = compile(text, passes={"penalize-constraints": {key: value.strip() for key, _, value in pairs}})
        assert bits_needed(model_of(narrower)) < bits_needed(model_of(program))
    assert any("Coefficients of fits reach from 12 to 113" in why for why, _ in advice(program, model_of(program)))
    assert "--set round-coefficients.bits=5" in named
    rounded = compile(KNAPSACK, passes={"round-coefficients": {"bits": 5}})
    assert bits_needed(model_of(rounded)) <= 5


def test_a_wide_integer_is_told_of_narrower_codes() -> None:
    text = "program wide\nvar k: int in [0, 100]{}\nminimize (k - 37)^2\n"
    program = compile(text.format(""))
    found = list(advice(program, model_of(program)))
    assert any(what == "var k: ... encoded as bounded" for _, what in found)
    assert bits_needed(model_of(compile(text.format(" encoded as bounded")))) < bits_needed(model_of(program))


def test_a_model_that_fits_gets_no_advice() -> None:
    program = compile(SMALL)
    assert list(advice(program, model_of(program))) == []
    page = report_page(program, SizeLog(), "0" * 64).decode()
    assert "The model fits the control" in page


def test_the_scaling_factor_brings_the_model_into_range() -> None:
    model = model_of(compile(KNAPSACK))
    factor = scaling_factor(model)
    fields, couplings = np.abs(model.fields.values) * factor, np.abs(model.couplings.values) * factor
    assert max(fields.max() / 4, couplings.max()) == pytest.approx(1.0)


def test_other_targets_have_no_control() -> None:
    assert list(precision_lines(compile(KNAPSACK, target="qubo"))) == []


def test_verbose_compilation_and_the_page_say_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "knapsack.qevo"
    source.write_text(KNAPSACK)
    page = tmp_path / "page.html"
    assert main(["compile", str(source), "-o", str(tmp_path / "out"), "-v", "--report", str(page)]) == 0
    said = capsys.readouterr().err
    assert "structure: 3 rows: implication" in said
    assert "precision: bits of control, about: 5" in said
    text = page.read_text()
    assert "3 rows: implication." in text
    assert "factor of auto-scaling" in text
    assert "--set penalize-constraints.slack=bounded" not in text
    assert "--set penalize-constraints.methods=fits=unbalanced" in text


def test_parts_of_the_graph_do_not_overlap() -> None:
    from qevo_compiler.analyses.interaction import interaction_of
    from qevo_compiler.report.graph import _layout

    text = "program parts\nvar x: binary[30]\nminimize sum(x[3 * i] * x[3 * i + 1] + x[3 * i + 1] * x[3 * i + 2] "
    text += "+ x[3 * i] * x[3 * i + 2] - x[3 * i] for i in 0..10)\n"
    graph = interaction_of(model_of(compile(text, level=0)))
    places = _layout(graph)
    distances = np.abs(places[:, None] - places[None, :]).max(axis=2) + 1000 * np.eye(len(places), dtype=int)
    assert distances.min() > 24

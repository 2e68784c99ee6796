"""The page holds what the program holds, loads nothing, and is the same bytes every time."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from qevo_compiler.analyses.circuit_depth import circuit_depth
from qevo_compiler.cli.main import main
from qevo_compiler.decode.numbering import Numbering
from qevo_compiler.decode.projection import Projection
from qevo_compiler.decode.sources import sources_of
from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.dialects.ising import ModelOp
from qevo_compiler.driver import Options, lower
from qevo_compiler.frontend.load import import_source
from qevo_compiler.ir import Array, Func
from qevo_compiler.program import CompiledProgram
from qevo_compiler.report import SizeLog, report_page
from qevo_compiler.report.coefficients import coefficients_section, lost_share
from qevo_compiler.report.graph import graph_section
from qevo_compiler.report.markup import element, number, table

CUBIC = """program cubic
var x: binary[5]
minimize sum(x[i] * x[(i + 1) % 5] * x[(i + 2) % 5] * (2 * i - 5) for i in 0..5) - x[0] * x[3]
subject to
  few: 2 * x[0] + 3 * x[1] + x[2] + x[4] <= 4
"""
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Checks that tags close in order, and keeps text, tags and table rows by section."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(content.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data

    def count(self, tag: str, **attributes: str) -> int:
        return sum(name == tag and attributes.items() <= found.items() for name, found in self.tags)

    def row(self, first: str) -> list[str]:
        return next(row for row in self.rows if row and row[0] == first)


def compiled(text: str, target: str = "dwave", **passes: dict[str, object]) -> tuple[CompiledProgram, SizeLog]:
    log = SizeLog()
    named = {name.replace("_", "-"): options for name, options in passes.items()}
    return lower(import_source(text), Options(target, passes=named), after=log), log


def page_of(text: str, target: str = "dwave") -> tuple[CompiledProgram, bytes]:
    program, log = compiled(text, target)
    return program, report_page(program, log, "0" * 64)


def test_the_page_states_sizes_sources_and_ledger_of_the_program() -> None:
    program, content = page_of(CUBIC)
    page, model = Page(content), program.module.main.only(ModelOp)
    heading = next(row for row in page.rows if row[0] == "after")
    sizes = dict(zip(heading, page.row("binary-to-spin"), strict=True))
    assert sizes["quadratic"] == str(model.couplings.size)
    assert sizes["auxiliary"] == str(model.size - 5 - 3)
    assert dict(zip(heading, page.row("penalize-constraints"), strict=True))["higher"] == "5"
    for source in sources_of(Projection(program.module)):
        assert [source.title, source.kind.value, str(source.model.couplings.size)] in [row[:3] for row in page.rows]
    for entry in program.ledger:
        assert entry.note in page.text
    assert "0" * 64 in page.text


def test_the_graph_has_a_shape_a_spin_and_a_line_a_coupling() -> None:
    program, _ = page_of(CUBIC)
    model = program.module.main.only(ModelOp)
    page = Page(graph_section(model, program.provenance, program.decoder.numbering).text.encode())
    auxiliaries = model.size - 8
    assert page.count("circle") == 5
    assert page.count("rect") == 3 + auxiliaries
    assert sum("rotate(45" in (found.get("transform") or "") for _, found in page.tags) == auxiliaries
    assert page.count("line") == model.couplings.size


def test_the_matrix_of_a_large_graph_counts_every_coupling_twice() -> None:
    rng = np.random.default_rng(0)
    pairs = np.unique(np.sort(rng.integers(0, 1000, (5000, 2)), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]].astype(np.int32)
    model = ModelOp(0.0, Array(np.ones(1000)), Array(pairs[:, 0]), Array(pairs[:, 1]), Array(np.ones(len(pairs))))
    page = Page(graph_section(model, (), Numbering(Func("main", (), ()))).text.encode())
    assert page.count("circle") == 0
    assert 2 <= page.count("path") <= 6
    strokes = "".join(found.get("d") or "" for name, found in page.tags if name == "path")
    cells = {
        (int(column) + k, int(row))
        for column, row, width in (_stroke(text) for text in strokes.split("M")[1:])
        for k in range(int(width))
    }
    each = -(-1000 // 124)
    expected = {(int(a) // each, int(b) // each) for a, b in pairs} | {
        (int(b) // each, int(a) // each) for a, b in pairs
    }
    assert cells == expected


def _stroke(text: str) -> tuple[str, str, str]:
    place, _, width = text.partition(".5h")
    column, _, row = place.partition(" ")
    return column, row, width


def test_the_histogram_counts_every_coefficient_and_marks_what_is_lost() -> None:
    fields = np.array([64.0, 1.0, 0.0])
    model = ModelOp(0.0, Array(fields), Array([0, 1]), Array([1, 2]), Array(np.array([-1.5, 8.0])))
    page = Page(coefficients_section(model, True).text.encode())
    titles = [part for part in page.text.split("\n") if part]
    assert lost_share(model) == 0.5
    assert "6.0 bits" in titles[0]
    assert "50% of the coefficients" in titles[0]
    assert page.count("rect", **{"class": "lost"}) == 1
    # 1 and 64 as fields, 1.5 and 8 as couplings: one bar each.
    assert page.count("rect", **{"class": "field"}) == 2
    assert page.count("rect", **{"class": "coupling"}) == 2
    assert Page(coefficients_section(model, False).text.encode()).count("rect", **{"class": "lost"}) == 0


def test_nothing_is_fetched_and_no_script_runs() -> None:
    _, content = page_of(CUBIC)
    page = Page(content)
    assert not {"script", "link", "img", "iframe", "object"} & {name for name, _ in page.tags}
    for text in (b"http:", b"https:", b"url(", b"@import", b"javascript"):
        assert text not in content


def test_pictures_tables_and_language_are_told_to_screen_readers() -> None:
    page = Page(page_of(CUBIC)[1])
    assert page.count("html", lang="en") == 1
    assert page.count("svg") == page.count("svg", role="img") == 3
    assert page.count("caption") == page.count("table")
    assert page.count("h1") == 1


FRUSTRATED = """program p
var s: spin[4]
minimize sum((i + j) * s[i] * s[j] for i in 0..4 for j in 0..4 if i < j) + 0.5 * s[0] - 0.7 * s[2]
"""


@pytest.mark.parametrize("target", ["openqasm3", "cirq"])
def test_circuits_have_their_gates_counted(target: str) -> None:
    program, content = page_of(FRUSTRATED, target)
    page = Page(content)
    circuit = program.module.main.only(CircuitOp)
    said = f"{len(circuit):,} gates on {circuit.qubit_count} qubits, depth {circuit_depth(circuit)}; "
    pairs = int((circuit.qubits.values[:, 1] >= 0).sum())
    assert said + f"{pairs} of two qubits, depth {circuit_depth(circuit, True)}" in page.text
    assert program.target.name in page.text
    assert page.count("rect", **{"class": "lost"}) == 0


def test_a_problem_without_couplings_or_variables_has_a_page() -> None:
    for text in ("program p\nvar x: binary[2]\nminimize x[0]\n", "program p\nvar x: binary[2]\nminimize 3\n"):
        Page(page_of(text)[1])


def test_eliminated_bits_are_counted_and_a_single_spin_is_one() -> None:
    chain = (
        "program p\nvar x: binary[4]\nmaximize x[3] - 2 * x[0]\nsubject to\n  up[i]: x[i] <= x[i + 1] for i in 0..3\n"
    )
    program, content = page_of(chain)
    text = Page(content).text
    assert f"4 decision; {4 - program.decoder.size} eliminated" in text
    assert "1 spin without couplings." in text


def test_passes_that_did_nothing_are_told_from_those_that_did() -> None:
    _, log = compiled("program p\nvar s: spin[2]\nminimize s[0] * s[1]\n")
    changed = {step.name: step.changed for step in log.steps}
    assert changed["encode-variables"]
    assert not changed["binary-to-spin"]


def test_text_from_a_program_is_escaped() -> None:
    assert element("p", '<b> & "', title='"<').text == '<p title="&quot;&lt;">&lt;b&gt; &amp; "</p>'


def test_columns_without_content_are_left_out() -> None:
    page = Page(table("c", ["a", "b", "d"], [["1", "", "2"], ["3", "", ""]], [2]).text.encode())
    assert page.rows == [["a", "d"], ["1", "2"], ["3", ""]]
    assert page.count("td", **{"class": "n"}) == 2


@pytest.mark.parametrize(
    ("value", "text"), [(3.0, "3"), (12345.0, "12,345"), (0.125, "0.125"), (1e300, "1e+300"), (float("inf"), "inf")]
)
def test_numbers_read_well(value: float, text: str) -> None:
    assert number(value) == text


def test_the_command_writes_the_same_bytes_under_other_hash_seeds(tmp_path: Path) -> None:
    source = tmp_path / "cubic.qevo"
    source.write_text(CUBIC)
    pages = []
    for seed in ("0", "7"):
        out = tmp_path / f"{seed}.html"
        command = "import sys; from qevo_compiler.cli.main import main; sys.exit(main(sys.argv[1:]))"
        arguments = ["compile", str(source), "-o", str(tmp_path / seed), "--report", str(out)]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": str(1 + int(seed) % 2)}
        subprocess.run([sys.executable, "-c", command, *arguments], check=True, env=environment, capture_output=True)
        pages.append(out.read_bytes())
    assert pages[0] == pages[1]
    assert str(tmp_path).encode() not in pages[0]


def test_a_report_needs_a_whole_compilation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "cubic.qevo"
    source.write_text(CUBIC)
    out = tmp_path / "r.html"
    assert main(["compile", str(source), "--emit", "ir", "--report", str(out)]) == 1
    assert "--report" in capsys.readouterr().err
    assert not out.exists()


def test_a_report_that_cannot_be_written_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "cubic.qevo"
    source.write_text(CUBIC)
    (tmp_path / "file").write_text("")
    assert main(["compile", str(source), "-o", str(tmp_path / "o"), "--report", str(tmp_path / "file" / "r.html")]) == 1
    assert "Q0007" in capsys.readouterr().err


def test_a_hundred_thousand_couplings_stay_small(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    edge = np.unique(np.sort(rng.integers(0, 10_000, (110_000, 2)), axis=1), axis=0)
    np.save(tmp_path / "edge.npy", edge[edge[:, 0] < edge[:, 1]][:100_000])
    text = 'program cut\ndata e: int[m, 2] from "edge.npy"\nvar s: spin[n] where n = max(e) + 1\n'
    (tmp_path / "cut.qevo").write_text(text + "minimize sum(s[e[k, 0]] * s[e[k, 1]] for k in 0..m)\n")
    log = SizeLog()
    program = lower(import_source(str(tmp_path / "cut.qevo")), Options(), after=log)
    content = report_page(program, log, "0" * 64)
    assert len(content) < 300_000
    Page(content)


def test_a_linear_program_is_measured_in_its_own_terms() -> None:
    quartic = (
        "program quartic\nparam x: real = 0.5\nminimize x^2 / 2 + x^4 / 4\n"
        "train sgd(rate = 0.1, steps = 3)\nlinearize carleman(order = 3)\n"
    )
    _, content = page_of(quartic, "openqasm3")
    page = Page(content)
    said = {name: page.row(name)[-1] for name in ("source", "step-map", "carleman-truncation", "history-system")}
    assert said == {
        "source": "over tensors",
        "step-map": "1 coordinate, 2 terms a step",
        "carleman-truncation": "3 monomials, order 3",
        "history-system": "12 unknowns, 24 nonzeros",
    }
    assert page.row("history-to-circuit")[-1] == ""

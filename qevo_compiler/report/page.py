"""The report as one HTML page: no script, nothing fetched, the same bytes for the same program."""

from __future__ import annotations

from collections.abc import Iterator

from qevo_compiler.analyses.structure import Structure
from qevo_compiler.decode.projection import Projection
from qevo_compiler.decode.sources import sources_of
from qevo_compiler.dialects import anneal, gate, ising
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.ir import Evidence
from qevo_compiler.passes.binary_to_spin import spin_view
from qevo_compiler.passes.scale_coefficients import bits_needed
from qevo_compiler.program import CompiledProgram
from qevo_compiler.report.coefficients import coefficients_section
from qevo_compiler.report.graph import graph_section
from qevo_compiler.report.markup import Markup, element, join, number
from qevo_compiler.report.precision import precision_section
from qevo_compiler.report.schedule import schedule_section
from qevo_compiler.report.sections import (
    circuit_section,
    ledger_section,
    passes_section,
    penalties_section,
    sources_section,
    symbols_section,
)
from qevo_compiler.report.sizes import SizeLog
from qevo_compiler.report.structure import structure_section
from qevo_compiler.report.style import SHADES, STYLE
from qevo_compiler.targets.dwave.limits import CONTROL_BITS


def report_page(program: CompiledProgram, log: SizeLog, digest: str, structure: Structure | None = None) -> bytes:
    """The page about a program, the sizes and structure noted while it was compiled, and its manifest's SHA-256.

    Cost: that of projecting the model on its sources, which is about that of lowering it once.
    """
    body = element("main", *_head(program), _tiles(program), *_sections(program, log, digest, structure))
    title = f"{program.name}: compilation report"
    head = (
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'),
        element("title", title),
        element("style", Markup(STYLE + SHADES)),
    )
    page = element("html", element("head", *head), element("body", body), lang="en")
    return f"<!doctype html>\n{page.text}\n".encode()


def _head(program: CompiledProgram) -> list[Markup]:
    level = program.options.get("level")
    effort = "" if level is None else f" with -O{level}"
    return [
        element("h1", program.name),
        element("p", f"Compiled for {program.target.name}{effort}", class_="lead"),
    ]


def _tiles(program: CompiledProgram) -> Markup:
    main = program.module.main
    model = spin_view(program.module)
    found: list[tuple[str, str, str]] = []
    if model is not None:
        roles = {role: sum(r.count for r in program.provenance if r.role is role) for role in ising.Role}
        split = ", ".join(f"{count:,} {role.value}" for role, count in roles.items() if count)
        gone = sum(roles.values()) - model.size
        split += f"; {gone:,} eliminated" if gone > 0 else ""
        found += [("spins", number(model.size), split), ("couplings", number(model.couplings.size), "")]
        products = main.first(ProductsOp)
        if products is not None:
            found.append(("products", number(len(products.energy)), f"of 3 to {products.energy.degree} spins"))
        bits = bits_needed(model)
        found.append(("bits of precision", f"{bits:.1f}", _room(bits) if _annealer(program) else ""))
    circuit = main.first(gate.CircuitOp)
    if circuit is not None:
        found.append(("gates", number(len(circuit)), f"on {circuit.qubit_count:,} qubits"))
    kinds = [entry.kind for entry in program.ledger]
    split = ", ".join(f"{kinds.count(kind)} {kind.value}" for kind in Evidence if kind in kinds)
    found.append(("ledger entries", number(len(kinds)), split))
    tiles = [
        element("div", element("dt", name), element("dd", value, element("small", note))) for name, value, note in found
    ]
    return element("dl", *tiles, class_="tiles")


def _room(bits: float) -> str:
    return (
        f"within about {CONTROL_BITS} of control"
        if bits <= CONTROL_BITS
        else f"more than the about {CONTROL_BITS} of control"
    )


def _annealer(program: CompiledProgram) -> bool:
    return program.target.name == "dwave"


def _sections(program: CompiledProgram, log: SizeLog, digest: str, structure: Structure | None) -> list[Markup]:
    parts: list[tuple[str, Markup]] = []
    if log.start is not None:
        parts.append(("Size before and after each pass", passes_section(log)))
    if structure is not None:
        parts.append(("What the constraints say", structure_section(structure)))
    if program.provenance:
        parts.append(("Where the spins come from", symbols_section(program.provenance, program.decoder.numbering)))
    model = spin_view(program.module)
    if model is not None:
        parts += _model_sections(program, model)
    parts += _ops_sections(program)
    parts.append(("Ledger", ledger_section(program.ledger)))
    parts.append(("Reproducing it", _reproduce(program, digest)))
    return [element("section", element("h2", title), content) for title, content in parts]


def _model_sections(program: CompiledProgram, model: ising.ModelOp) -> Iterator[tuple[str, Markup]]:
    if program.module.find("problem") is not None:
        yield "Where the couplings come from", sources_section(sources_of(Projection(program.module)))
    yield "Coefficients and precision", coefficients_section(model, _annealer(program))
    if _annealer(program):
        yield "Precision of the control", precision_section(program, model)
    graph = graph_section(model, program.provenance, program.decoder.numbering)
    if program.module.main.first(ProductsOp) is not None:
        graph = join([element("p", "Products of three and more spins are not drawn."), graph])
    yield "Interaction graph", graph


def _ops_sections(program: CompiledProgram) -> Iterator[tuple[str, Markup]]:
    main = program.module.main
    circuit, schedule = main.first(gate.CircuitOp), main.first(anneal.ScheduleOp)
    if circuit is not None:
        yield "Circuit", circuit_section(circuit)
    if schedule is not None:
        yield "Anneal schedule", schedule_section(schedule)
    penalties = main.ops_of(ising.PenaltyOp)
    if penalties:
        yield "Penalties", penalties_section(penalties, program.ledger)


def _reproduce(program: CompiledProgram, digest: str) -> Markup:
    pipeline = str(program.options.get("pipeline", ""))
    said = [element("p", "SHA-256 of the manifest: ", element("span", digest, class_="digest"))]
    if pipeline:
        said.append(element("p", "Pipeline: ", element("span", pipeline, class_="digest")))
    return join(said)

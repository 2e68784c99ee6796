"""Max-cut graphs of the G-set and of `rudy`: `vertices edges`, then `i j weight` a line, vertices from 1.

before: 2 1 / 1 2 3
after:  maximise 3 (1 - s0 s1) / 2 over spins s[2]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.models import LoopEdge
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.dialects.problem import Domain, Sense
from qevo_compiler.interchange.inputs import Cursor, Floats, InputFile, Ints, check_count, two_counts
from qevo_compiler.interchange.problems import StatedProblem, plain_variable
from qevo_compiler.interchange.program_text import Data, ProgramText
from qevo_compiler.ir import Module

FORMAT = "gset"
COMMENT = rb"(?m)^[ \t]*[#%][^\n]*"


@dataclass(frozen=True)
class Graph:
    """`edge` [m, 2] from 0 and `weight` [m]."""

    vertices: int
    edge: Ints
    weight: Floats


def read(file: InputFile) -> Module:
    """The cut as a module. Raises `CompileError`, with the line, where the file is wrong."""
    graph = parse(file)
    half = graph.weight / 2
    with np.errstate(all="ignore"):
        constant = np.zeros(len(half), np.int32), np.zeros((len(half), 0), np.int32), half
        objective = pack(1, [constant, (np.zeros(len(half), np.int32), graph.edge, -half)])
    variables = (plain_variable("s", Domain.SPIN, (graph.vertices,)),) if graph.vertices else ()
    return StatedProblem(variables, objective, Sense.MAXIMIZE).module(file)


def program(file: InputFile) -> ProgramText:
    """The cut as a program in the language."""
    graph = parse(file)
    lines: list[str | Data] = [
        "# Split the vertices of a graph in two so that the edges between the halves weigh most.",
        Data("edge", "m, 2", graph.edge),
        Data("w", "m", graph.weight),
        f"var s: spin[{graph.vertices}]",
        "maximize sum(w[e] * (1 - s[edge[e, 0]] * s[edge[e, 1]]) / 2 for e in 0..m)",
    ]
    return ProgramText(file.stem, lines)


def parse(file: InputFile) -> Graph:
    """The graph of a file."""
    cursor = Cursor(file, FORMAT, COMMENT)
    vertices, count = two_counts(cursor, FORMAT, "VERTICES EDGES")
    entries = cursor.table(None if cursor.left > count else count, 3, "edges", "`i j weight`")
    check_count(cursor, entries, count, "edges", 3)
    ends = [entries.indices(slice(part, None, 3), "vertex", vertices, 1) for part in (0, 1)]
    loops = np.flatnonzero(ends[0] == ends[1])
    if len(loops):
        first = int(loops[0])
        raise CompileError(LoopEdge(entries.span(3 * first), int(ends[0][first]) + 1))
    return Graph(vertices, np.stack(ends, axis=1), entries.finite(slice(2, None, 3)))

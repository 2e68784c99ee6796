"""The interaction graph of a spin model: as circles and lines when small, as a matrix when large."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.interaction import Interaction, interaction_of
from qevo_compiler.decode.explain import explain_bit
from qevo_compiler.decode.numbering import Numbering
from qevo_compiler.diagnostics.core import counted
from qevo_compiler.dialects.ising import ModelOp, RegisterOp, Role
from qevo_compiler.report.coefficients import legend
from qevo_compiler.report.markup import Markup, element, join, label, line, number, picture

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MAX_NODES, MAX_EDGES = 120, 1200
SIDE = 620
CELLS = 124
SHADES = 6
LAYOUT_SEED = 1
ROLES = (Role.DECISION, Role.SLACK, Role.AUXILIARY)


def graph_section(model: ModelOp, registers: tuple[RegisterOp, ...], numbering: Numbering) -> Markup:
    """Density and degrees in words, and the picture. Cost: linear in the couplings, but for small layouts."""
    if not model.size:
        return element("p", "The model has no spin.")
    graph = interaction_of(model)
    if not len(graph):
        return element("p", f"{counted(graph.size, 'spin')} without couplings.")
    said = element("p", _in_words(graph))
    small = graph.size <= MAX_NODES and len(graph) <= MAX_EDGES
    drawn = _drawing(graph, model, registers, numbering) if small else _matrix(graph, registers, numbering)
    return join([said, drawn])


def _in_words(graph: Interaction) -> str:
    degrees = np.sort(graph.degrees())
    components = int(graph.components().max(initial=-1)) + 1
    parts = "one part" if components == 1 else f"{components:,} parts that share no coupling"
    spread = f"{degrees[0]:,}"
    if degrees[0] < degrees[-1]:
        spread += f" to {degrees[-1]:,} (median {number(float(np.median(degrees)))})"
    return (
        f"{counted(graph.size, 'spin')} and {counted(len(graph), 'coupling')}, "
        f"{graph.density:.1%} of all pairs, in {parts}. "
        f"Spins have {spread} neighbours."
    )


def _drawing(graph: Interaction, model: ModelOp, registers: tuple[RegisterOp, ...], numbering: Numbering) -> Markup:
    place: list[tuple[int, int]] = [(int(x), int(y)) for x, y in _layout(graph)]
    strength = _levels(np.abs(model.couplings.values), 3)
    edges = []
    # Weak couplings first, so that strong ones lie on top.
    for k in np.lexsort([np.arange(len(graph)), strength]).tolist():
        i, j, value = int(graph.rows[k]), int(graph.columns[k]), float(model.couplings.values[k])
        sign = "up" if value > 0 else "down"
        edges.append(line(*place[i], *place[j], f"{sign} w{strength[k]}"))
    degrees = graph.degrees()
    shades = _levels(degrees.astype(np.float64), SHADES)
    role = _roles(registers, numbering)
    names = _names(registers, numbering)
    nodes = [
        _node(*place[spin], role[spin], int(shades[spin]), f"{names[spin]} · degree {degrees[spin]}")
        for spin in range(graph.size)
    ]
    if graph.size <= 60:
        nodes += [_node_label(spin, *place[spin], int(shades[spin])) for spin in range(graph.size)]
    drawn = picture(SIDE, SIDE, "Interaction graph", *edges, *nodes, class_="graph")
    return join([drawn, _graph_legend(registers, degrees)])


def _layout(graph: Interaction) -> Integers:
    """Whole coordinates [spins, 2]: every connected part in a square of its own, the squares side by side."""
    label = graph.components()
    sizes = np.bincount(label)
    order = np.lexsort([np.arange(len(sizes)), -sizes])
    corners, extent = _shelves(np.sqrt(sizes[order]) + 0.3)
    points = np.zeros((graph.size, 2))
    for part, corner in zip(order.tolist(), corners, strict=True):
        spins = np.flatnonzero(label == part)
        points[spins] = corner + 0.15 + _spring_layout(graph, spins) * np.sqrt(len(spins))
    whole: Integers = np.rint(24 + points / extent * (SIDE - 48)).astype(np.int64)
    return whole


def _shelves(sides: Floats) -> tuple[Floats, float]:
    """Corners of squares with descending sides, row under row, and the side of a square that holds them all."""
    width = max(float(sides[0]), 1.05 * float(np.sqrt((sides**2).sum())))
    corners, x, y, row = [], 0.0, 0.0, float(sides[0])
    for side in sides.tolist():
        if x and x + side > width:
            x, y, row = 0.0, y + row, side
        corners.append((x, y))
        x += side
    return np.array(corners), max(width, y + row)


def _spring_layout(graph: Interaction, spins: Integers) -> Floats:
    """Places in the unit square from networkx with a fixed seed, in one thread for the same bytes anywhere."""
    import networkx as nx
    from threadpoolctl import threadpool_limits

    part = graph.to_networkx().subgraph(spins.tolist())
    ordered: nx.Graph[int] = nx.Graph()
    ordered.add_nodes_from(spins.tolist())
    ordered.add_edges_from(sorted(part.edges))
    with threadpool_limits(1):
        found = nx.spring_layout(ordered, seed=LAYOUT_SEED, k=1.6 / len(spins) ** 0.5, iterations=120, weight=None)
    points = np.array([found[spin] for spin in spins.tolist()], np.float64)
    low, span = points.min(axis=0), np.ptp(points, axis=0)
    return np.asarray(np.where(span > 0, (points - low) / np.where(span > 0, span, 1), 0.5))


def _node(x: int, y: int, role: Role, shade: int, title: str) -> Markup:
    """A circle for a decision, a square for a slack, a diamond for an auxiliary: the shape says it without colour."""
    name, said = f"deg{shade}", element("title", title)
    if role is Role.DECISION:
        return element("circle", said, cx=x, cy=y, r=11, class_=name)
    turned = f"rotate(45 {x} {y})" if role is Role.AUXILIARY else None
    return element("rect", said, x=x - 10, y=y - 10, width=20, height=20, transform=turned, class_=name)


def _node_label(spin: int, x: int, y: int, shade: int) -> Markup:
    return label(x, y + 3.5, f"s{spin}", "node" if shade < SHADES // 2 else "node strong", "middle")


def _graph_legend(registers: tuple[RegisterOp, ...], degrees: Integers) -> Markup:
    used = {register.role for register in registers if register.count}
    shapes = {Role.DECISION: "circle: decision", Role.SLACK: "square: slack", Role.AUXILIARY: "diamond: auxiliary"}
    said = ", ".join(shapes[role] for role in ROLES if role in used)
    ends = [(int(degrees.min()), 0), (int(degrees.max()), SHADES - 1)]
    keys = [(f"deg{shade}", f"degree {degree}") for degree, shade in (ends if ends[0][0] < ends[1][0] else ends[:1])]
    keys += [("up", "coupling above 0"), ("down", "coupling below 0 (wider: stronger)")]
    return join([legend(keys), element("p", said, class_="legend")])


def _matrix(graph: Interaction, registers: tuple[RegisterOp, ...], numbering: Numbering) -> Markup:
    """Cell (a, b) is darker the larger the share of its pairs that are coupled; spins in order, both triangles."""
    each = -(-graph.size // CELLS)
    cells = -(-graph.size // each)
    rows, columns = graph.rows // each, graph.columns // each
    counts = np.bincount(rows * cells + columns, minlength=cells * cells).reshape(cells, cells)
    counts = counts + np.triu(counts, 1).T + np.tril(counts, -1).T
    paths = [_shade_path(counts, shade, limits) for shade, limits in enumerate(_bands(counts))]
    content = element("g", *paths, transform=f"scale({SIDE / cells:.6g})")
    bounds = _boundaries(registers, numbering, cells * each)
    drawn = picture(SIDE, SIDE, "Adjacency matrix of the couplings", content, *bounds, class_="matrix")
    text = "Spins in order along both sides; lines part the blocks of the symbols. "
    keys = [
        (f"shade{shade}", f"{low:,} to {high:,}" if low < high else f"{low:,}")
        for shade, (low, high) in enumerate(_bands(counts))
    ]
    note = f"A cell is {each} by {each} spins; its shade is the number of couplings in it." if each > 1 else ""
    return join([drawn, legend(keys) if each > 1 else Markup(""), element("p", text + note, class_="legend")])


def _bands(counts: Integers) -> list[tuple[int, int]]:
    """Ranges of counts of about equal ratio, one a shade."""
    top = int(counts.max())
    marks = np.unique(np.rint(np.geomspace(1, top + 1, SHADES + 1)).astype(np.int64))
    return [(low, high - 1) for low, high in pairwise(marks.tolist())]


def _shade_path(counts: Integers, shade: int, limits: tuple[int, int]) -> Markup:
    """All cells of one shade as horizontal strokes, neighbours joined."""
    inside = np.pad((counts >= limits[0]) & (counts <= limits[1]), ((0, 0), (1, 1))).astype(np.int8)
    edges = np.diff(inside, axis=1)
    row, start = np.nonzero(edges == 1)
    _, end = np.nonzero(edges == -1)
    strokes = zip(start.tolist(), row.tolist(), (end - start).tolist(), strict=True)
    return element("path", d="".join(f"M{x} {y}.5h{width}" for x, y, width in strokes), class_=f"shade{shade}")


def _boundaries(registers: tuple[RegisterOp, ...], numbering: Numbering, size: int) -> list[Markup]:
    parts = []
    for register in registers[:40]:
        spins = numbering.of_register(register)
        if len(spins) and spins[0]:
            at = round(int(spins[0]) / size * SIDE, 1)
            parts += [line(at, 0, at, SIDE, "part"), line(0, at, SIDE, at, "part")]
    return parts


def _levels(values: Floats, count: int) -> Integers:
    """0 .. count - 1 by equal steps between the least and the largest value."""
    if not len(values) or values.max() == values.min():
        return np.zeros(len(values), np.int64)
    share = (values - values.min()) / (values.max() - values.min())
    level: Integers = np.minimum((share * count).astype(np.int64), count - 1)
    return level


def _roles(registers: tuple[RegisterOp, ...], numbering: Numbering) -> list[Role]:
    return [register.role for register in registers for _ in numbering.of_register(register)]


def _names(registers: tuple[RegisterOp, ...], numbering: Numbering) -> list[str]:
    lines = (explain_bit(registers, numbering.bit(spin), numbering.name) for spin in range(numbering.spins))
    return [next(line).partition(", declared at")[0] for line in lines]

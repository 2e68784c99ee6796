"""The parts of an `if`, each tested as soon as the index variables that it names are known.

A part that names only the newest index thins out what that index runs over. An equation or an inequality of whole
numbers between the newest index and earlier ones is a join: the rows that fulfil it are found by sorting, so
`sum(y[e] for e in 0..m if tail[e] == v)` for every v costs the rows that it has and not their grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.language.shapes import NotScalar
from qevo_compiler.diagnostics.language.values import NotZeroOne
from qevo_compiler.frontend import tensors
from qevo_compiler.frontend.dsl.frames import ROOT, Frame, Grid, Run
from qevo_compiler.frontend.dsl.matching import Match, one_sort
from qevo_compiler.frontend.tensors import Tensor
from qevo_compiler.frontend.tensors.align import refine
from qevo_compiler.frontend.tensors.value import Values
from qevo_compiler.grammar import ast
from qevo_compiler.light import light
from qevo_compiler.source import Span

if TYPE_CHECKING:
    from qevo_compiler.frontend.dsl.expressions import Expressions

# Combinations from which on rows are found by sorting; fewer are tested one by one.
MANY = 1 << 14

_MIRRORED = {"==": "==", "<=": ">=", ">=": "<=", "<": ">", ">": "<"}


@light(eq=False)
class Part:
    """One operand of the outermost `and` of a condition, and the index variables that it names."""

    node: ast.Expr
    operator: str
    uses: frozenset[str]


@light(eq=False)
class Extent:
    """A new index: its name, what it runs over and where it is written."""

    name: str
    run: Run
    span: Span | None

    def alone(self) -> Grid:
        """The grid of this index and no other."""
        return Grid.inside(ROOT).extended(self.name, self.run, self.span)


@light(eq=False)
class _Terms:
    """Terms that are added, or subtracted where they are `negative`."""

    bare: list[ast.Expr]
    negative: list[bool]

    def add(self, term: ast.Expr, negative: bool) -> None:
        self.bare.append(term)
        self.negative.append(negative)

    def whole(self, expressions: Expressions, frame: Frame) -> Tensor | None:
        """The sum, for each row, where it is a whole number."""
        summands = [expressions.constants(term, "a condition", frame) for term in self.bare]
        if any(summand.shape or not summand.is_whole for summand in summands):
            return None
        return tensors.signed_sum(summands, self.negative, None)


class Condition:
    """An `if` while the index variables of its comprehension are added one by one; `ahead` are those still to come."""

    def __init__(self, expressions: Expressions, node: ast.Expr | None, ahead: Sequence[str], outer: Frame) -> None:
        self._expressions = expressions
        self._ahead = list(ahead)
        nodes = [] if node is None else list(_operands(node))
        operator = "if" if len(nodes) == 1 else "and"
        indices = {*ahead, *outer.names}
        self._parts = [Part(part, operator, frozenset(indices & _names(part))) for part in nodes]

    def inside(self, outer: Frame) -> Grid:
        """The rows of `outer`, without those that the condition excludes by itself."""
        grid = Grid.inside(outer)
        kept = grid if outer.rows is None else self._tested(grid)
        return grid if kept.count == grid.count else kept.narrowed()

    def extended(self, grid: Grid, extent: Extent) -> Grid:
        """The grid with the next index, without the rows that can be excluded by now."""
        self._ahead.remove(extent.name)
        extent = self._thinned(extent)
        grid = self._joined(grid, extent) or grid.extended(extent.name, extent.run, extent.span)
        return self._tested(grid)

    def insisted(self, grid: Grid) -> Grid:
        """The rows that fulfil all that is left. Raises what is wrong with a part for rows kept by those before it."""
        for part in self._parts:
            grid = grid.narrowed()
            grid = grid.filtered(_mask(self._expressions, part, grid))
        return grid

    def _ready(self) -> list[Part]:
        return [part for part in self._parts if part.uses.isdisjoint(self._ahead)]

    def _thinned(self, extent: Extent) -> Extent:
        """The new index without the steps that parts on it alone exclude."""
        for part in self._ready():
            if extent.run.even and part.uses <= {extent.name}:
                keep = self._kept(part, extent.alone())
                if keep is not None and not keep.all():
                    extent = Extent(extent.name, extent.run.only(np.flatnonzero(keep)), extent.span)
        return extent

    def _tested(self, grid: Grid) -> Grid:
        """The rows that fulfil the parts which can be judged for all of them."""
        for part in self._ready():
            keep = self._kept(part, grid)
            if keep is not None:
                grid = grid.filtered(keep)
        return grid

    def _kept(self, part: Part, grid: Grid) -> Values | None:
        """Which rows the part keeps, and it is done with; None where it cannot be judged for all of them."""
        keep = self._expressions.attempted(lambda: _mask(self._expressions, part, grid))
        if keep is not None:
            self._parts.remove(part)
        return keep

    def _joined(self, grid: Grid, extent: Extent) -> Grid | None:
        """The grid with one more index and only the rows that fulfil some of the parts; None where none is a join."""
        parts = self._ready()
        if not parts or not extent.run.even or grid.count * int(extent.run.counts) < max(MANY, 1):
            return None
        alone, earlier = extent.alone().frame(), grid.frame()
        matches: dict[Part, Match] = {}
        for part in parts:
            match = _match(self._expressions, part, extent.name, alone, earlier)
            if match is not None:
                matches[part] = match
        used = one_sort(list(matches.values()))
        if not used:
            return None
        self._parts = [part for part in self._parts if matches.get(part) not in used]
        return grid.matched(extent.name, extent.run, used, earlier.rows, extent.span)


def _operands(node: ast.Expr) -> Iterable[ast.Expr]:
    if isinstance(node, ast.Logical) and node.op is ast.LogicalOperator.AND:
        for operand in node.operands:
            yield from _operands(operand)
    else:
        yield node


def _names(node: ast.Expr) -> set[str]:
    return {part.text for part in ast.walk(node) if isinstance(part, ast.Name)}


def _mask(expressions: Expressions, part: Part, grid: Grid) -> Values:
    """Which rows the part keeps; compact where the part is."""
    frame = grid.frame()
    keep = expressions.constants(part.node, "a condition", frame)
    if keep.shape:
        raise CompileError(NotScalar(part.node.span, "a condition", keep.shape))
    if not keep.is_zero_one:
        raise CompileError(NotZeroOne(part.node.span, part.operator))
    if grid.axes is not None and keep.compact and keep.rows is frame.rows:
        return keep.known.astype(bool)
    return np.broadcast_to(refine(keep, frame.rows).constant, (grid.count,)).astype(bool)


def _match(expressions: Expressions, part: Part, name: str, alone: Frame, earlier: Frame) -> Match | None:
    """The part as a comparison of the newest index with earlier ones; None where it is none of whole numbers."""
    node = part.node
    if not isinstance(node, ast.Compare) or node.op.value not in _MIRRORED or not part.uses > {name}:
        return None
    values, bounds = _Terms([], []), _Terms([], [])
    for term, negative in _moved_left(node):
        uses = part.uses & _names(term)
        if uses == {name}:
            values.add(term, negative)
        elif name not in uses:
            bounds.add(term, not negative)
        else:
            return None
    operator: str = node.op.value
    if all(values.negative):
        operator = _MIRRORED[operator]
        values, bounds = (_Terms(t.bare, [not n for n in t.negative]) for t in (values, bounds))
    new = expressions.attempted(lambda: values.whole(expressions, alone))
    old = expressions.attempted(lambda: bounds.whole(expressions, earlier))
    if new is None or old is None:
        return None
    return Match(operator, new.constant.astype(np.int64), old)


def _moved_left(node: ast.Compare) -> Iterable[tuple[ast.Expr, bool]]:
    """The terms of left side minus right side, and whether each is subtracted."""
    for side, moved in ((node.left, False), (node.right, True)):
        for term in side.terms if isinstance(side, ast.Sum) else (side,):
            negated = isinstance(term, ast.Negate)
            yield (term.operand if isinstance(term, ast.Negate) else term), negated != moved

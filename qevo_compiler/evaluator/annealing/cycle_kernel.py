"""Cycles of edges (`chains.py`) that lower the energy together: what ends a descent, where single chains stop.

An edge that can step is an arc in both directions: from a node that wants turning as the edge turns it, to its other
node, which then wants turning back. An arc is as long as the step alone costs. A cycle of negative length, found by
the method of Bellman and Ford, steps together where that lowers the energy, and another one is looked for. Equations
that do not hold, and the ground, are joined by arcs to one more vertex, so that a path between two of them, which mends
what it can, is a cycle too.

Where the costs of steps add up, as those of a linear objective, this ends at the optimum among all states with
these sums of the equations (M. Klein, Management Science 14, 1967); elsewhere it ends where such a cycle gains nothing.
It is no move of a temperature: descents alone take it.
"""

from __future__ import annotations

from qevo_compiler.evaluator.annealing.chain_search import Lane
from qevo_compiler.evaluator.annealing.chain_turn import Turn
from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, f32, i32, i64, ptr

# How many cycles are taken at most, nodes with their equations (-1 for the ground) and steps, and work space: whole
# numbers as of `space_needed`, and floats.
CYCLES: dict[str, Scalar] = {
    "rounds": i64, "node_count": i64, "node_rows": ptr, "node_steps": ptr, "space": ptr, "lengths": ptr,
}  # fmt: skip
# Gains below this part of the longest arc are rounding.
_ROUNDING = 1e-5
_NONE = -1
# The length of an arc that is left out, and how often one is because its cycle gains nothing.
_NEVER = 1e30
_MOST_FAILED = 64


def space_needed(halves: int, nodes: int, sites: int) -> tuple[int, int]:
    """Whole numbers and floats of work space."""
    arcs, vertices = halves + 4 * nodes, 2 * nodes + 1
    return 3 * (arcs + vertices) + sites, arcs + vertices


class Cycles(Turn):
    """Writes the search in one replica."""

    def __init__(self, k: Kernel, lane: Lane) -> None:
        self._outside = k.node_count * 2
        self._vertices, most = self._outside + 1, self._outside * 2 + k.halves
        parts, start = [], k.constant(i64, 0)
        for size in (*[most] * 3, *[self._vertices] * 3):
            parts.append(k.address(i64, k.space, start))
            start = start + size
        self._arc_edges, self._tails, self._heads, self._parents, self._marks, edges = parts
        super().__init__(k, lane, edges, k.address(i64, k.space, start))
        self._costs, self._lengths = k.lengths, k.address(f32, k.lengths, most)
        self._arcs, self._least = k.variable(i64, 0), k.variable(f32, 0.0)
        # The nodes where a path starts and ends (-1 for none), and by how much their sums change.
        self._open = [(k.variable(i64, _NONE), k.variable(f32, 0.0)) for _ in range(2)]
        # The last arc of the cycle found, -1 for none.
        self._closing = k.variable(i64, _NONE)
        self.lowered = k.variable(i64, 0)

    def cancel(self) -> None:
        """Take cycles until none gains; `lowered` counts them."""
        k = self._k
        failed = k.variable(i64, 0)
        self.lowered.set(0)
        self._list_arcs()
        with k.repeat() as loop:
            loop.stop_if((self.lowered.get() >= k.rounds) | (failed.get() > _MOST_FAILED))
            self._search()
            loop.stop_if(self._closing.get() < 0)
            with k.when(self._gains()) as branch:
                self._spread()
                self.lowered.add(1)
                self._list_arcs()
                branch.otherwise()
                failed.add(1)
                k.store(k.constant(f32, _NEVER), self._costs, self._closing.get())

    def _gains(self) -> Operand:
        """Turn the cycle where that lowers the energy; whether it does."""
        k = self._k
        better = k.variable(f32, 0.0)
        with k.when(self._length.get() > 0):
            gain = self._fields_gain()
            rise = self._turn() + self._mend(1.0)
            better.set(gain + rise * self._lane.stiff * -0.5 - self._least.get())
            with k.when(better.get() <= 0.0):
                self._turn()
                self._mend(-1.0)
        return better.get() > 0.0

    def _mend(self, sign: float) -> Operand:
        """Change the sums at the ends of a path; returns the rise of their equations' costs."""
        k = self._k
        rise = k.variable(f32, 0.0)
        for node, change in self._open:
            with k.when(node.get() >= 0):
                row = k.load(i32, k.node_rows, node.get()).to(i64)
                old = k.load(f32, k.sums, self._at(row))
                new = k.fma(change.get(), sign, old)
                k.store(new, k.sums, self._at(row))
                rise.add((new * new - old * old) * k.load(f32, k.costs, row))
        return rise.get()

    def _list_arcs(self) -> None:
        k = self._k
        self._arcs.set(0)
        self._least.set(0.0)
        with k.range(0, k.halves.shift_right(1)) as edge, k.when(self._free(edge * 2).equals(1)):
            cost = self._cost(edge)
            ups = [self._node(half) * 2 + self._up(half) for half in (edge * 2, edge * 2 + 1)]
            for tail, head in ((ups[0], ups[1] ^ 1), (ups[1], ups[0] ^ 1)):
                self._arc(edge, tail, head, cost)
        with k.range(0, k.node_count) as node:
            row = k.load(i32, k.node_rows, node).to(i64)
            with k.when(row >= 0) as branch:
                total, step = k.load(f32, k.sums, self._at(row)), k.load(f32, k.node_steps, node)
                with k.when(k.absolute(total) * 2.0 > step):
                    lower = k.fma(k.absolute(total), -2.0, step) * step
                    cost = lower * k.load(f32, k.costs, row) * self._lane.stiff * 0.5
                    self._open_arcs(node, (total < 0.0).unsigned(i64), cost)
                branch.otherwise()
                for up in (0, 1):
                    self._open_arcs(node, k.constant(i64, up), k.constant(f32, 0.0))
        self._least.set(self._least.get() * _ROUNDING)

    def _open_arcs(self, node: Operand, up: Operand, cost: Operand) -> None:
        """Paths may start or end at the node, which they turn as `up` says."""
        wanted = node * 2 + up
        self._arc(-1 - node, self._outside, wanted, cost)
        self._arc(-1 - node, wanted ^ 1, self._outside, cost)

    def _arc(self, edge: Operand, tail: Operand, head: Operand, cost: Operand) -> None:
        """Of an edge, or of node -1 - edge to or from outside."""
        k = self._k
        for number, part in ((edge, self._arc_edges), (tail, self._tails), (head, self._heads)):
            k.store(number, part, self._arcs.get())
        k.store(cost, self._costs, self._arcs.get())
        self._arcs.add(1)
        self._least.set(k.maximum(self._least.get(), k.absolute(cost)))

    def _cost(self, edge: Operand) -> Operand:
        """Half of what the energy rises by when the edge steps alone, its equations apart: the sum over its digits."""
        k = self._k
        total = k.variable(f32, 0.0)
        with k.range(*self._digits(edge)) as place:
            site = self._site_at(place)
            rise = k.variable(f32, 0.0)
            self._turn_rows(site, rise, keep=False)
            rows = rise.get() * self._lane.stiff * 0.5
            total.add(k.fma(-self._spin(site), k.load(f32, k.locals, self._field(site)), rows))
        return total.get()

    def _search(self) -> None:
        """List the edges of a cycle of negative length, or none."""
        k = self._k
        self.clear()
        for node, _ in self._open:
            node.set(_NONE)
        with k.range(0, self._vertices) as vertex:
            k.store(k.constant(f32, 0.0), self._lengths, vertex)
            k.store(k.constant(i64, _NONE), self._parents, vertex)
        shorter, start = k.variable(i64, 0), k.variable(i64, _NONE)
        with k.repeat() as loop:
            shorter.set(0)
            with k.range(0, self._arcs.get()) as arc:
                head = k.load(i64, self._heads, arc)
                length = k.load(f32, self._lengths, k.load(i64, self._tails, arc)) + k.load(f32, self._costs, arc)
                with k.when(length < k.load(f32, self._lengths, head) - self._least.get()):
                    k.store(length, self._lengths, head)
                    k.store(arc, self._parents, head)
                    shorter.set(1)
            loop.stop_if(shorter.get().equals(0))
            start.set(self._on_cycle())
            loop.stop_if(start.get() >= 0)
        self._closing.set(_NONE)
        with k.when(start.get() >= 0):
            self._closing.set(k.load(i64, self._parents, start.get()))
            self._walk(start.get())

    def _on_cycle(self) -> Operand:
        """A vertex of a cycle of parents, or -1."""
        k = self._k
        found = k.variable(i64, _NONE)
        with k.range(0, self._vertices) as vertex:
            k.store(k.constant(i64, _NONE), self._marks, vertex)
        with k.range(0, self._vertices) as first:
            at = k.variable(i64, first)
            with k.repeat() as loop:
                mark = k.load(i64, self._marks, at.get())
                found.set(k.select(mark.equals(first), at.get(), found.get()))
                loop.stop_if(mark >= 0)
                k.store(first, self._marks, at.get())
                arc = k.load(i64, self._parents, at.get())
                loop.stop_if(arc < 0)
                at.set(k.load(i64, self._tails, arc))
        return found.get()

    def _walk(self, start: Operand) -> None:
        """List the edges of the cycle through a vertex; none if two are of one block, as they cannot step together."""
        k = self._k
        at, twice = k.variable(i64, start), k.variable(i64, 0)
        with k.repeat() as loop:
            arc = k.load(i64, self._parents, at.get())
            edge = k.load(i64, self._arc_edges, arc)
            with k.when(edge >= 0) as branch:
                with k.range(0, self._length.get()) as number:
                    same = self._block(k.load(i64, self._list, number)).equals(self._block(edge))
                    twice.set(twice.get() | same.unsigned(i64))
                branch.otherwise()
                self._leave(-1 - edge, at.get().equals(self._outside))
            loop.stop_if(twice.get() > 0)
            with k.when(edge >= 0):
                self.add(edge)
            at.set(k.load(i64, self._tails, arc))
            loop.stop_if(at.get().equals(start))
        with k.when(twice.get() > 0):
            self.clear()

    def _leave(self, node: Operand, last: Operand) -> None:
        """A path starts, or ends last, at a node: its sum comes nearer to 0 by a step. The ground has none."""
        k = self._k
        row = k.load(i32, k.node_rows, node).to(i64)
        with k.when(row >= 0):
            step, total = k.load(f32, k.node_steps, node), k.load(f32, k.sums, self._at(row))
            for (place, change), here in zip(self._open, (last ^ 1, last), strict=True):
                with k.when(here):
                    place.set(node)
                    change.set(k.select(total < 0.0, step, -step))

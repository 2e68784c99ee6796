"""Compound flips along edges (`chains.py`): a number steps, and others with it so that its equations keep their sums.

A chain starts at an edge i that can step. In one of its nodes, r1, an edge j turns the other way; in the other one, r2,
an edge k does. The chain is closed where j is k. Else j ends in another node r3, and k in r4: where those are one, and
j and k turn it opposite ways, it is closed as well; otherwise an edge l between r3 and r4 closes it, if there is one
that turns both back. No two of them are steps of one number. So two labels of an assignment swap, or a unit goes round
a cycle of a flow.

j and k are the first that fit from a random member on, with a chance in proportion to the gap before them. The same
chain read from j on (j, i through r1, l through r3, k) leads back; the chances of both readings enter the rule of
acceptance, so samples at a fixed temperature follow Boltzmann's distribution.
"""

from __future__ import annotations

from qevo_compiler.evaluator.annealing.chain_search import Lane, Search
from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, f32, i1, i32, i64, ptr
from qevo_compiler.evaluator.llvm.builder import Loop, Variable

# Whether no edge has another row than its equations, what `Chains.arrays` gives, where the other rows of a site start,
# and the words of nodes [2, words, lanes]: which members would turn it up, and which can step.
CHAINS: dict[str, Scalar] = {
    "alone": i64, "halves": i64, "most": i64, "word_count": i64, "block_sites": ptr, "lows": ptr, "tops": ptr,
    "blocks": ptr, "edge_starts": ptr, "nodes": ptr, "signs": ptr, "places": ptr, "node_starts": ptr, "members": ptr,
    "others": ptr, "first_words": ptr, "half_words": ptr, "half_bits": ptr, "logs": ptr, "other_starts": ptr,
    "masks": ptr,
}  # fmt: skip
# Random words of a proposal: the start, where to look for j and k, the threshold, and which of parallel edges is l.
WORDS = 8
_START, _J, _K, LIMIT, _PARALLEL = range(5)
_NONE = -1
_MOST_TURNED = 4 * 64


class Chain:
    """Writes the proposal of one chain in one replica; its local fields, in `locals` [lanes, sites], are kept up."""

    def __init__(self, k: Kernel, lane: Lane, greedy: bool) -> None:
        self._k, self._lane, self._greedy = k, lane, greedy
        self._edges = [k.variable(i64, _NONE) for _ in range(4)]
        self._ratio = k.variable(f32, 0.0)
        # Halves that the way back finds: i in r1, and l, k or i in r3.
        self._back = [k.variable(i64, 0) for _ in range(2)]
        self._turned, self._count = k.scratch(i64, _MOST_TURNED), k.variable(i64, 0)
        self.accepted = k.variable(i64, 0)

    def propose(self) -> None:
        """Try one chain; `accepted` is 1 where it was accepted."""
        k = self._k
        self._ratio.set(0.0)
        self.accepted.set(0)
        with k.repeat() as once:
            self._find(once)
            self._collect()
            self._judge(once)
            once.stop_if(k.constant(i1, 1))

    # Finding --------------------------------------------------------------------------------------------------------
    def _find(self, once: Loop) -> None:
        """Set the edges (-1 for none), the way back and what finding adds to the ratio."""
        k = self._k
        start = self._scaled(_START, k.halves)
        once.stop_if(self._bit(start, k.word_count).equals(0))
        j = self._partner(once, start, _J)
        other = start ^ 1
        found = self._partner(once, other, _K)
        for half in (j, found):
            once.stop_if(self._block(half >> 1).equals(self._block(start >> 1)))
        for variable, half in zip(self._edges, (start, j, found), strict=False):
            variable.set(half >> 1)
        self._edges[3].set(_NONE)
        self._back[0].set(start)
        with k.when(self._edges[1].get().equals(self._edges[2].get())) as branch:
            self._edges[2].set(_NONE)
            self._back[1].set(other)
            branch.otherwise()
            once.stop_if(self._block(j >> 1).equals(self._block(found >> 1)))
            ends = j ^ 1, found ^ 1
            self._logs(self._size(self._node(other)), 1)
            self._logs(self._size(self._node(ends[0])), -1)
            self._close(once, *ends)

    def _close(self, once: Loop, third: Operand, fourth: Operand) -> None:
        """From half `third` of j and `fourth` of k: at one node, or by the edge between their nodes."""
        k = self._k
        turns = [self._up(half) for half in (third, fourth)]
        nodes = [self._node(half) for half in (third, fourth)]
        with k.when(nodes[0].equals(nodes[1])) as branch:
            once.stop_if(turns[0].equals(turns[1]))
            self._back[1].set(fourth)
            branch.otherwise()
            last = self._joining(once, nodes[0], nodes[1], turns[0] ^ 1)
            once.stop_if(self._up(last ^ 1).equals(turns[1]))
            for edge in self._edges[:3]:
                once.stop_if(self._block(edge.get()).equals(self._block(last >> 1)))
            self._edges[3].set(last >> 1)
            self._back[1].set(last)

    def _joining(self, once: Loop, node: Operand, other: Operand, up: Operand) -> Operand:
        """The half in `node` of an edge to `other` that turns `node` as `up` says: each of up to `most` as likely."""
        k = self._k
        start, stop = self._ends(node)
        low, count = k.variable(i64, start), k.variable(i64, stop - start)
        with k.repeat() as loop:
            loop.stop_if(count.get() <= 0)
            half = count.get().shift_right(1)
            middle = low.get() + half
            below = k.load(i32, k.others, middle).to(i64) < other
            low.set(k.select(below, middle + 1, low.get()))
            count.set(k.select(below, count.get() - half - 1, half))
        wanted = k.variable(i64, self._scaled(_PARALLEL, k.most))
        found = k.variable(i64, 0)
        with k.repeat() as loop:
            # The one after so many others that fit.
            once.stop_if(low.get() >= stop)
            once.stop_if(k.load(i32, k.others, low.get()).to(i64).differs(other))
            found.set(k.load(i32, k.members, low.get()).to(i64))
            fits = self._bit(found.get(), k.word_count) & (self._up(found.get()) ^ up ^ 1)
            wanted.add(-fits)
            loop.stop_if(wanted.get() < 0)
            low.add(1)
        return found.get()

    def _partner(self, once: Loop, half: Operand, word: int) -> Operand:
        """The first member of the half's node, from a random one on, that turns it the other way; else the try ends."""
        k = self._k
        node = self._node(half)
        search = Search(k, self._lane, node, self._up(half))
        place = search.first(once, self._scaled(word, search.size))
        self._logs(search.gap(place), -1)
        return k.load(i32, k.members, self._ends(node)[0] + place).to(i64)

    def _collect(self) -> None:
        """List the sites of the chain's edges."""
        k = self._k
        self._count.set(0)
        for edge in self._edges:
            with k.when(edge.get() >= 0), k.range(*self._digits(edge.get())) as place:
                k.store(k.load(i32, k.block_sites, place).to(i64), self._turned, self._count.get())
                self._count.add(1)

    # Judging --------------------------------------------------------------------------------------------------------
    def _judge(self, once: Loop) -> None:
        """Turn everything, compare, and turn back where that is refused."""
        k, lane = self._k, self._lane
        gain = self._fields_gain()
        with k.when(k.alone.equals(1)):
            # No other row can help: with the likeliest way back it is refused all the same.
            most = gain * lane.slope + self._ratio.get()
            for half in self._back:
                most = most + k.load(f32, k.logs, self._size(self._node(half.get())))
            once.stop_if(most <= lane.limit)
        gain = gain + self._turn() * lane.stiff * -0.5
        for half in self._back:
            place = k.load(i32, k.places, half.get()).to(i64)
            # It has turned: those that turn as it does now are what a search for it goes through.
            search = Search(k, lane, self._node(half.get()), self._up(half.get()) ^ 1)
            self._logs(search.gap(place), 1)
        with k.when(lane.slope * gain + self._ratio.get() > lane.limit) as branch:
            self._spread()
            self.accepted.set(1)
            branch.otherwise()
            self._turn()

    def _fields_gain(self) -> Operand:
        """Half of what fields and couplings lose: sum s f - 2 sum J s s over the pairs of turned spins."""
        k = self._k
        total = k.variable(f32, 0.0)
        with k.range(0, self._count.get()) as number:
            site = self._site(number)
            spin = self._spin(site)
            total.set(k.fma(spin, k.load(f32, k.locals, self._field(site)), total.get()))
            with k.range(0, number) as earlier:
                other = self._site(earlier)
                change = self._spin(other) * spin * -2.0
                total.set(k.fma(self._coupling(site, other), change, total.get()))
        return total.get()

    def _turn(self) -> Operand:
        """Turn the chain's spins, the words of their nodes and the sums of other rows: the equations keep theirs.

        Returns the rise of the rows' costs.
        """
        k = self._k
        rise = k.variable(f32, 0.0)
        with k.range(0, self._count.get()) as number:
            site = self._site(number)
            self._turn_rows(site, rise)
            k.store(-self._spin(site), k.spins, self._at(site))
        for edge in self._edges:
            with k.when(edge.get() >= 0):
                block = self._block(edge.get())
                first, stop = (k.load(i32, k.edge_starts, block + more).to(i64) for more in (0, 1))
                with k.when((stop - first).equals(1)) as branch:
                    for end in (0, 1):
                        half = edge.get() * 2 + end
                        self._write(half, 0, self._word(half) ^ k.load(i64, k.half_bits, half))
                    branch.otherwise()
                    with k.range(first, stop) as other:
                        self._mark(other)
        return rise.get()

    def _mark(self, edge: Operand) -> None:
        """Write anew whether an edge can step, and which way."""
        k, none = self._k, self._k.constant(i64, 0)
        last = self._spin(k.load(i32, k.block_sites, k.load(i32, k.tops, edge).to(i64)).to(i64))
        alike = k.variable(f32, -1.0)
        low, stop = self._digits(edge)
        with k.range(low, stop - 1) as place:
            spin = self._spin(k.load(i32, k.block_sites, place).to(i64))
            alike.set(k.maximum(alike.get(), spin * last))
        for end in (0, 1):
            half = edge * 2 + end
            bit = k.load(i64, k.half_bits, half)
            up = k.load(f32, k.signs, half) * last < 0.0
            for first, holds in ((0, up), (k.word_count, alike.get() < 0.0)):
                self._write(half, first, self._word(half, first) & ~bit | k.select(holds, bit, none))

    def _turn_rows(self, site: Operand, rise: Variable) -> None:
        k = self._k
        spin = self._spin(site)
        start, stop = k.load(i32, k.other_starts, site).to(i64), k.load(i32, k.row_starts, site + 1).to(i64)
        with k.range(start, stop) as entry:
            row = k.load(i32, k.row_numbers, entry).to(i64)
            old = k.load(f32, k.sums, self._at(row))
            new = k.fma(k.load(f32, k.weights, entry) * -2.0, spin, old)
            k.store(new, k.sums, self._at(row))
            width = k.load(f32, k.widths, row)
            before, after = (k.maximum(k.maximum(total, -width - total), 0.0) for total in (old, new))
            rise.set(k.fma(k.load(f32, k.costs, row), k.fma(after, after, -(before * before)), rise.get()))

    def _spread(self) -> None:
        """What the turned spins add to the fields of their neighbours."""
        k = self._k
        with k.range(0, self._count.get()) as number:
            site = self._site(number)
            change = self._spin(site) * 2.0
            for starts, columns, values, part in self._couplings(change):
                start, stop = (k.load(i32, starts, site + more).to(i64) for more in (0, 1))
                with k.range(start, stop) as entry:
                    at = self._field(k.load(i32, columns, entry).to(i64))
                    k.store(k.fma(k.load(f32, values, entry), part, k.load(f32, k.locals, at)), k.locals, at)

    # Parts ----------------------------------------------------------------------------------------------------------
    def _coupling(self, site: Operand, other: Operand) -> Operand:
        """J of two sites, by halves of the row."""
        k = self._k
        total = k.variable(f32, 0.0)
        for starts, columns, values, part in self._couplings(k.constant(f32, 1.0)):
            start, stop = (k.load(i32, starts, site + more).to(i64) for more in (0, 1))
            place, count = k.variable(i64, start), k.variable(i64, stop - start)
            with k.repeat() as loop:
                loop.stop_if(count.get() <= 1)
                half = count.get().shift_right(1)
                middle = place.get() + half
                # A product, not a choice: there is nothing to foresee.
                place.add(half * (k.load(i32, columns, middle).to(i64) <= other).to(i64))
                count.add(-half)
            with k.when(stop > start), k.when(k.load(i32, columns, place.get()).to(i64).equals(other)):
                total.set(k.fma(k.load(f32, values, place.get()), part, total.get()))
        return total.get()

    def _couplings(self, change: Operand) -> list[tuple[Operand, Operand, Operand, Operand]]:
        """The rows of the objective's and of the penalties' couplings, the latter as stiff as they are now."""
        k = self._k
        soft = change * self._lane.stiff
        return [(k.starts, k.columns, k.values, change), (k.hard_starts, k.hard_columns, k.hard_values, soft)]

    def _up(self, half: Operand) -> Operand:
        """1 where a step of the edge turns the half's node up, else 0."""
        return self._bit(half, 0)

    def _bit(self, half: Operand, first: Operand | int) -> Operand:
        place = self._k.load(i32, self._k.places, half).to(i64) & 63
        return self._word(half, first).shift_right(place) & 1

    def _word(self, half: Operand, first: Operand | int = 0) -> Operand:
        """The half's word, of those from `first` on."""
        k = self._k
        return k.load(i64, k.masks, self._at(k.load(i32, k.half_words, half).to(i64) + first))

    def _write(self, half: Operand, first: Operand | int, word: Operand) -> None:
        k = self._k
        k.store(word, k.masks, self._at(k.load(i32, k.half_words, half).to(i64) + first))

    def _digits(self, edge: Operand) -> tuple[Operand, Operand]:
        """Places of the edge's spins in `block_sites`."""
        k = self._k
        return k.load(i32, k.lows, edge).to(i64), k.load(i32, k.tops, edge).to(i64) + 1

    def _block(self, edge: Operand) -> Operand:
        return self._k.load(i32, self._k.blocks, edge).to(i64)

    def _node(self, half: Operand) -> Operand:
        return self._k.load(i32, self._k.nodes, half).to(i64)

    def _ends(self, node: Operand) -> tuple[Operand, Operand]:
        start, stop = (self._k.load(i32, self._k.node_starts, node + more).to(i64) for more in (0, 1))
        return start, stop

    def _size(self, node: Operand) -> Operand:
        start, stop = self._ends(node)
        return stop - start

    def _site(self, number: Operand) -> Operand:
        return self._k.load(i64, self._turned, number)

    def _at(self, number: Operand) -> Operand:
        return number * self._lane.lanes + self._lane.number

    def _field(self, site: Operand) -> Operand:
        return self._lane.number * self._k.sites + site

    def _spin(self, site: Operand) -> Operand:
        return self._k.load(f32, self._k.spins, self._at(site))

    def _scaled(self, word: int, count: Operand) -> Operand:
        """A random number below `count`."""
        k = self._k
        drawn = k.load(i32, self._lane.words, self._at(k.constant(i64, word))).unsigned(i64)
        return (drawn * count).shift_right(32)

    def _logs(self, number: Operand, sign: int) -> None:
        if not self._greedy:
            log = self._k.load(f32, self._k.logs, number)
            self._ratio.add(log if sign > 0 else -log)

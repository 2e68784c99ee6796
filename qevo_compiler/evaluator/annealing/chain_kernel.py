"""Compound flips along edges (`chains.py`): a spin turns, and others with it so that its equations keep their sums.

A chain starts at an edge i. In one of its nodes, r1, an edge j turns the other way; in the other one, r2, an edge k
does. The chain is closed where j is k. Else j ends in another node r3, and k in r4: where those are one, and j and k
turn it opposite ways, it is closed as well; otherwise an edge l between r3 and r4 closes it, if there is one that turns
both back. So two labels of an assignment swap, or a cycle of a flow turns round.

j and k are the first that fit from a random member on, with a chance in proportion to the gap before them. The same
chain read from j on (j, i through r1, l through r3, k) leads back; the chances of both readings enter the rule of
acceptance, so samples at a fixed temperature follow Boltzmann's distribution.
"""

from __future__ import annotations

from qevo_compiler.evaluator.annealing.chain_search import Lane, Search
from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, f32, i1, i32, i64, ptr
from qevo_compiler.evaluator.llvm.control import Loop, Variable

# Whether no edge has another row than its equations, what `Chains.arrays` gives, and the words of nodes [words, lanes].
CHAINS: dict[str, Scalar] = {
    "alone": i64, "halves": i64, "most": i64, "edge_sites": ptr, "edges": ptr, "nodes": ptr, "places": ptr,
    "node_starts": ptr, "members": ptr, "others": ptr, "first_words": ptr, "half_words": ptr,
    "half_bits": ptr, "logs": ptr, "masks": ptr,
}  # fmt: skip
# Random words of a proposal: the start, where to look for j and k, the threshold, and which of parallel edges is l.
WORDS = 8
_START, _J, _K, LIMIT, _PARALLEL = range(5)
_NONE = -1


class Chain:
    """Writes the proposal of one chain in one replica; its local fields, in `locals` [lanes, sites], are kept up."""

    def __init__(self, k: Kernel, lane: Lane, greedy: bool) -> None:
        self._k, self._lane, self._greedy = k, lane, greedy
        self._edges = [k.variable(i64, _NONE) for _ in range(4)]
        self._ratio = k.variable(f32, 0.0)
        # Halves that the way back finds: i in r1, and l, k or i in r3.
        self._back = [k.variable(i64, 0) for _ in range(2)]
        self.accepted = k.variable(i64, 0)

    def propose(self) -> None:
        """Try one chain; `accepted` is 1 where it was accepted."""
        k = self._k
        self._ratio.set(0.0)
        self.accepted.set(0)
        with k.repeat() as once:
            self._find(once)
            self._judge(once)
            once.stop_if(k.constant(i1, 1))

    # Finding --------------------------------------------------------------------------------------------------------
    def _find(self, once: Loop) -> None:
        """Set the edges (-1 for none), the way back and what finding adds to the ratio."""
        k = self._k
        start = self._scaled(_START, k.halves)
        j = self._partner(once, start, _J)
        other = start ^ 1
        found = self._partner(once, other, _K)
        for variable, half in zip(self._edges, (start, j, found), strict=False):
            variable.set(half >> 1)
        self._edges[3].set(_NONE)
        self._back[0].set(start)
        with k.when(self._edges[1].get().equals(self._edges[2].get())) as branch:
            self._edges[2].set(_NONE)
            self._back[1].set(other)
            branch.otherwise()
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
            last = self._joining(once, *nodes)
            for half, turned in zip((last, last ^ 1), turns, strict=True):
                once.stop_if(self._up(half).equals(turned))
            for edge in self._edges[:3]:
                once.stop_if(edge.get().equals(last >> 1))
            self._edges[3].set(last >> 1)
            self._back[1].set(last)

    def _joining(self, once: Loop, node: Operand, other: Operand) -> Operand:
        """The half in `node` of an edge to `other`: one of up to `most` parallel ones, each as likely."""
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
        place = low.get() + self._scaled(_PARALLEL, k.most)
        once.stop_if(place >= stop)
        once.stop_if(k.load(i32, k.others, place).to(i64).differs(other))
        return k.load(i32, k.members, place).to(i64)

    def _partner(self, once: Loop, half: Operand, word: int) -> Operand:
        """The first member of the half's node, from a random one on, that turns it the other way; else the try ends."""
        k = self._k
        node = self._node(half)
        search = Search(k, self._lane, node, self._up(half))
        place = search.first(once, self._scaled(word, search.size))
        self._logs(search.gap(place), -1)
        return k.load(i32, k.members, self._ends(node)[0] + place).to(i64)

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
        for number, edge in enumerate(self._edges):
            with k.when(edge.get() >= 0):
                site = self._site(edge)
                spin = self._spin(site)
                total.set(k.fma(spin, k.load(f32, k.locals, self._field(site)), total.get()))
                for earlier in self._edges[:number]:
                    with k.when(earlier.get() >= 0):
                        other = self._site(earlier)
                        change = self._spin(other) * spin * -2.0
                        total.set(k.fma(self._coupling(site, other), change, total.get()))
        return total.get()

    def _turn(self) -> Operand:
        """Turn the chain's spins, their bits and the sums of their rows but the two equations: those keep theirs.

        Returns the rise of the rows' costs.
        """
        k = self._k
        rise = k.variable(f32, 0.0)
        for edge in self._edges:
            with k.when(edge.get() >= 0):
                site = self._site(edge)
                self._turn_rows(site, rise)
                k.store(-self._spin(site), k.spins, self._at(site))
                for end in (0, 1):
                    half = edge.get() * 2 + end
                    at = self._at(k.load(i32, k.half_words, half).to(i64))
                    k.store(k.load(i64, k.masks, at) ^ k.load(i64, k.half_bits, half), k.masks, at)
        return rise.get()

    def _turn_rows(self, site: Operand, rise: Variable) -> None:
        k = self._k
        spin = self._spin(site)
        start, stop = (k.load(i32, k.row_starts, site + more).to(i64) for more in (0, 1))
        with k.range(start + 2, stop) as entry:
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
        for edge in self._edges:
            with k.when(edge.get() >= 0):
                site = self._site(edge)
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
        """1 where a flip of the edge turns the half's node up, else 0."""
        k = self._k
        word = k.load(i64, k.masks, self._at(k.load(i32, k.half_words, half).to(i64)))
        place = k.load(i32, k.places, half).to(i64) & 63
        return word.shift_right(place) & 1

    def _node(self, half: Operand) -> Operand:
        return self._k.load(i32, self._k.nodes, half).to(i64)

    def _ends(self, node: Operand) -> tuple[Operand, Operand]:
        start, stop = (self._k.load(i32, self._k.node_starts, node + more).to(i64) for more in (0, 1))
        return start, stop

    def _size(self, node: Operand) -> Operand:
        start, stop = self._ends(node)
        return stop - start

    def _site(self, edge: Variable) -> Operand:
        return self._k.load(i32, self._k.edge_sites, edge.get()).to(i64)

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

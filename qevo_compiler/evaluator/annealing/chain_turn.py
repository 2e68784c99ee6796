"""Edges of one replica that step together: what that changes, and doing it."""

from __future__ import annotations

from collections.abc import Iterable

from qevo_compiler.evaluator.annealing.chain_search import Lane
from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, f32, i32, i64, ptr, vec
from qevo_compiler.evaluator.llvm.control import Variable

# Whether no edge has another row than its equations, the objective's couplings as a matrix of `stride` (0 for none),
# what `Chains.arrays` gives, where the other rows of a site start, and the words of nodes [2, words, lanes]: which
# members would turn it up, and which can step.
CHAINS: dict[str, Scalar] = {
    "alone": i64, "stride": i64, "matrix": ptr,
    "halves": i64, "most": i64, "word_count": i64, "block_sites": ptr, "lows": ptr, "tops": ptr, "blocks": ptr,
    "edge_starts": ptr, "nodes": ptr, "signs": ptr, "places": ptr, "node_starts": ptr, "members": ptr,
    "others": ptr, "first_words": ptr, "half_words": ptr, "half_bits": ptr, "logs": ptr, "other_starts": ptr,
    "masks": ptr,
}  # fmt: skip

_OWN = ("starts", "columns", "values")
_HARD = ("hard_starts", "hard_columns", "hard_values")


class Turn:
    """Writes the turning of some edges in one replica, whose local fields, in `locals` [lanes, sites], are kept up.

    `edges` and `turned` are work space for the numbers of the edges, no two of one block, and those of their sites.
    """

    def __init__(self, k: Kernel, lane: Lane, edges: Operand, turned: Operand) -> None:
        self._k, self._lane, self._list, self._turned = k, lane, edges, turned
        self._length, self._count = k.variable(i64, 0), k.variable(i64, 0)

    def take(self, edges: Iterable[Operand]) -> None:
        """Turn these, those from 0 on."""
        self.clear()
        for edge in edges:
            with self._k.when(edge >= 0):
                self.add(edge)

    def clear(self) -> None:
        self._length.set(0)
        self._count.set(0)

    def add(self, edge: Operand) -> None:
        k = self._k
        k.store(edge, self._list, self._length.get())
        self._length.add(1)
        with k.range(*self._digits(edge)) as place:
            k.store(self._site_at(place), self._turned, self._count.get())
            self._count.add(1)

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
        """Turn the edges' spins, the words of their nodes and the sums of other rows: the equations keep theirs.

        Returns the rise of the rows' costs.
        """
        k = self._k
        rise = k.variable(f32, 0.0)
        with k.range(0, self._count.get()) as number:
            site = self._site(number)
            self._turn_rows(site, rise)
            k.store(-self._spin(site), k.spins, self._at(site))
        with k.range(0, self._length.get()) as number:
            edge = k.load(i64, self._list, number)
            block = self._block(edge)
            first, stop = (k.load(i32, k.edge_starts, block + more).to(i64) for more in (0, 1))
            with k.when((stop - first).equals(1)) as branch:
                for end in (0, 1):
                    half = edge * 2 + end
                    self._write(half, 0, self._word(half) ^ k.load(i64, k.half_bits, half))
                branch.otherwise()
                with k.range(first, stop) as other:
                    self._mark(other)
        return rise.get()

    def _mark(self, edge: Operand) -> None:
        """Write anew whether an edge can step, and which way."""
        k, none = self._k, self._k.constant(i64, 0)
        last = self._spin(self._site_at(k.load(i32, k.tops, edge).to(i64)))
        alike = k.variable(f32, -1.0)
        low, stop = self._digits(edge)
        with k.range(low, stop - 1) as place:
            spin = self._spin(self._site_at(place))
            alike.set(k.maximum(alike.get(), spin * last))
        for end in (0, 1):
            half = edge * 2 + end
            bit = k.load(i64, k.half_bits, half)
            up = k.load(f32, k.signs, half) * last < 0.0
            for first, holds in ((0, up), (k.word_count, alike.get() < 0.0)):
                self._write(half, first, self._word(half, first) & ~bit | k.select(holds, bit, none))

    def _turn_rows(self, site: Operand, rise: Variable, keep: bool = True) -> None:
        """What the site's rows but its equations cost more with it turned, whether or not they keep it."""
        k = self._k
        spin = self._spin(site)
        start, stop = k.load(i32, k.other_starts, site).to(i64), k.load(i32, k.row_starts, site + 1).to(i64)
        with k.range(start, stop) as entry:
            row = k.load(i32, k.row_numbers, entry).to(i64)
            old = k.load(f32, k.sums, self._at(row))
            new = k.fma(k.load(f32, k.weights, entry) * -2.0, spin, old)
            if keep:
                k.store(new, k.sums, self._at(row))
            width = k.load(f32, k.widths, row)
            before, after = (k.maximum(k.maximum(total, -width - total), 0.0) for total in (old, new))
            rise.set(k.fma(k.load(f32, k.costs, row), k.fma(after, after, -(before * before)), rise.get()))

    def _spread(self) -> None:
        """What the turned spins add to the fields of their neighbours."""
        k, lanes = self._k, self._lane.lanes
        with k.range(0, self._count.get()) as number:
            site = self._site(number)
            change = self._spin(site) * 2.0
            with k.when(k.stride > 0) as branch:
                # Beyond the last site a row is 0, and so keeps what is there.
                with k.range(0, k.stride, lanes) as column:
                    row = k.load(vec(f32, lanes), k.matrix, site * k.stride + column)
                    old = k.load(vec(f32, lanes), k.locals, self._field(column))
                    k.store(k.fma(row, change.splat(lanes), old), k.locals, self._field(column))
                branch.otherwise()
                self._spread_row(site, change, _OWN)
            self._spread_row(site, change * self._lane.stiff, _HARD)

    def _spread_row(self, site: Operand, change: Operand, names: tuple[str, str, str]) -> None:
        k = self._k
        starts, columns, values = (getattr(k, name) for name in names)
        start, stop = (k.load(i32, starts, site + more).to(i64) for more in (0, 1))
        with k.range(start, stop) as entry:
            at = self._field(k.load(i32, columns, entry).to(i64))
            k.store(k.fma(k.load(f32, values, entry), change, k.load(f32, k.locals, at)), k.locals, at)

    # Parts ----------------------------------------------------------------------------------------------------------
    def _coupling(self, site: Operand, other: Operand) -> Operand:
        """J of two sites, that of penalties as stiff as it is now."""
        k = self._k
        own = k.variable(f32, 0.0)
        with k.when(k.stride > 0) as branch:
            own.set(k.load(f32, k.matrix, site * k.stride + other))
            branch.otherwise()
            own.set(self._found(site, other, _OWN))
        return k.fma(self._found(site, other, _HARD), self._lane.stiff, own.get())

    def _found(self, site: Operand, other: Operand, names: tuple[str, str, str]) -> Operand:
        """The coupling in the site's row, by halves of it."""
        k = self._k
        starts, columns, values = (getattr(k, name) for name in names)
        found = k.variable(f32, 0.0)
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
            found.set(k.load(f32, values, place.get()))
        return found.get()

    def _up(self, half: Operand) -> Operand:
        """1 where a step of the edge turns the half's node up, else 0."""
        return self._bit(half, 0)

    def _free(self, half: Operand) -> Operand:
        """1 where the edge can step, else 0."""
        return self._bit(half, self._k.word_count)

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

    def _site_at(self, place: Operand) -> Operand:
        return self._k.load(i32, self._k.block_sites, place).to(i64)

    def _at(self, number: Operand) -> Operand:
        return number * self._lane.lanes + self._lane.number

    def _field(self, site: Operand) -> Operand:
        return self._lane.number * self._k.sites + site

    def _spin(self, site: Operand) -> Operand:
        return self._k.load(f32, self._k.spins, self._at(site))

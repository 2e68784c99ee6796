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

from qevo_compiler.evaluator.annealing.chain_search import Search, Trial
from qevo_compiler.evaluator.annealing.chain_turn import Turn
from qevo_compiler.evaluator.llvm import Kernel, Operand, f32, i1, i32, i64
from qevo_compiler.evaluator.llvm.control import Loop

# Random words of a proposal: the start, where to look for j and k, the threshold, and which of parallel edges is l.
WORDS = 8
_START, _J, _K, LIMIT, _PARALLEL = range(5)
_NONE = -1
_MOST_TURNED = 4 * 64


class Chain(Turn):
    """Writes the proposal of one chain in one replica; its local fields, in `locals` [lanes, sites], are kept up."""

    def __init__(self, k: Kernel, trial: Trial, greedy: bool) -> None:
        super().__init__(k, trial, k.scratch(i64, 4), k.scratch(i64, _MOST_TURNED))
        self._trial, self._greedy = trial, greedy
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
            self.take(edge.get() for edge in self._edges)
            self._judge(once)
            once.stop_if(k.constant(i1, 1))

    # Finding --------------------------------------------------------------------------------------------------------
    def _find(self, once: Loop) -> None:
        """Set the edges (-1 for none), the way back and what finding adds to the ratio."""
        k = self._k
        start = self._scaled(_START, k.halves)
        once.stop_if(self._free(start).equals(0))
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
            fits = self._free(found.get()) & (self._up(found.get()) ^ up ^ 1)
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

    # Judging --------------------------------------------------------------------------------------------------------
    def _judge(self, once: Loop) -> None:
        """Turn everything, compare, and turn back where that is refused."""
        k, trial = self._k, self._trial
        gain = self._fields_gain()
        with k.when(k.alone.equals(1)):
            # No other row can help: with the likeliest way back it is refused all the same.
            most = gain * trial.slope + self._ratio.get()
            for half in self._back:
                most = most + k.load(f32, k.logs, self._size(self._node(half.get())))
            once.stop_if(most <= trial.limit)
        gain = gain + self._turn() * trial.stiff * -0.5
        for half in self._back:
            place = k.load(i32, k.places, half.get()).to(i64)
            # It has turned: those that turn as it does now are what a search for it goes through.
            search = Search(k, trial, self._node(half.get()), self._up(half.get()) ^ 1)
            self._logs(search.gap(place), 1)
        with k.when(trial.slope * gain + self._ratio.get() > trial.limit) as branch:
            self._spread()
            self.accepted.set(1)
            branch.otherwise()
            self._turn()

    # Random numbers -------------------------------------------------------------------------------------------------
    def _scaled(self, word: int, count: Operand) -> Operand:
        """A random number below `count`."""
        k = self._k
        drawn = k.load(i32, self._trial.words, self._at(k.constant(i64, word))).unsigned(i64)
        return (drawn * count).shift_right(32)

    def _logs(self, number: Operand, sign: int) -> None:
        if not self._greedy:
            log = self._k.load(f32, self._k.logs, number)
            self._ratio.add(log if sign > 0 else -log)

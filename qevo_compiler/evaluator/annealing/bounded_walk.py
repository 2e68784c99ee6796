"""The kernels' view of a bounded model: groups of replicas, sweeps, descents, energies and temperatures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.bounded_kernel import bounded_gains, bounded_sweeps
from qevo_compiler.evaluator.annealing.bounded_model import BoundedModel
from qevo_compiler.evaluator.annealing.chains import Words
from qevo_compiler.evaluator.annealing.cycle_kernel import space_needed
from qevo_compiler.evaluator.annealing.energy_kernel import replica_energies
from qevo_compiler.evaluator.annealing.metropolis import DESCENTS, VISITS, ReplicaGroup
from qevo_compiler.evaluator.annealing.model import Rows, Singles
from qevo_compiler.evaluator.annealing.runs import Spins, first_states
from qevo_compiler.evaluator.annealing.temperatures import SPREADS, beta_range, cold_beta
from qevo_compiler.evaluator.llvm import aligned, compiled, f32

Floats = NDArray[np.float64]
_PILOTS = 4
# Rounded sums of rows are made anew after so many sweeps.
_ROUNDED = 64
# Rounds of a descent that look at pairs and chains as well.
_PAIRED = 20
# Cycles that a descent takes: each lowers the energy, and they are few.
_MOST_CYCLES = 1000
# Edges for each chain that a replica tries in a sweep, and site visits that take as long as one of a group.
_EDGES = 16
# Couplings of a spin from which single flips are left to every few sweeps.
_COUPLED, _REST = 32, 8
# How much cooler than melting an anneal starts.
_COOLER = 16
_CHAIN_VISITS = 64


@dataclass(frozen=True)
class Group:
    """Replicas side by side: `spins` [sites, lanes], and sums of rows [rows, lanes].

    `masks` [2, words, lanes] and `fields` [lanes, sites] (and some more) are work space of chains.
    """

    spins: Singles
    sums: Singles
    masks: Words
    fields: Singles


class Walk:
    """The kernels' arrays of a bounded model. Sums of rows are in the model's own numbers: whole ones stay exact."""

    def __init__(self, model: BoundedModel) -> None:
        self.group = ReplicaGroup(model.pairs, 1)
        self._model = model
        chained = model.chains.among(model.size)
        self._mates = model.mates.without(chained)
        self.pairs, self.chains = self._mates.count, -(-len(model.chains.lows) // _EDGES)
        # Looks at the watch, and sums made anew where they are rounded, are no further apart than this allows.
        visits = model.size + 8 * self.pairs + _CHAIN_VISITS * self.chains
        self.visits = max(visits, 0 if model.exact else VISITS // _ROUNDED)
        hard = ReplicaGroup(model.hard, 1)
        self._couplings = (*self._in_units(self.group, model.pairs.unit), *self._in_units(hard, model.hard.unit))
        equations = (model.widths[model.rows] == 0) & chained[model.sites]
        order = np.lexsort((model.rows, ~equations, model.sites))
        starts = np.searchsorted(model.sites[order], np.arange(self.group.sites + 1)).astype(np.int32)
        numbers = (model.weights[order], model.widths, model.penalties / model.unit)
        weights, widths, costs = (np.ascontiguousarray(part, np.float32) for part in numbers)
        others = starts[:-1].copy()
        others[: model.size] += np.bincount(model.sites[equations], minlength=model.size).astype(np.int32)
        alone = int((others == starts[1:])[model.chains.sites].all())
        pure = model.chains.count == model.size and not len(model.hard.couplings)
        self._rest = _REST if pure and 2 * len(model.pairs.couplings) >= _COUPLED * model.size else 1
        self._chained = (alone, *self._matrix(), *model.chains.arrays, others)
        self._rows = (starts, np.ascontiguousarray(model.rows[order], np.int32), weights, widths, costs)

    def _in_units(self, group: ReplicaGroup, unit: float) -> tuple[object, ...]:
        starts, columns, values, fields = group.arrays
        ratio = np.float32(unit / self._model.unit)
        return starts, columns, values * ratio, fields * ratio

    def _matrix(self) -> tuple[int, Singles]:
        """The objective's couplings as rows for chains, and their stride, 0 where most of them are 0."""
        model, rows = self._model, self._model.pairs.symmetric
        if not model.dense:
            return 0, np.zeros(1, np.float32)
        stride = -(-self.group.sites // self.group.width) * self.group.width
        matrix: Singles = aligned((model.size, stride), np.float32)
        matrix[:] = 0
        matrix[np.repeat(np.arange(model.size), np.diff(rows.starts)), rows.columns] = rows.values * np.float32(
            model.pairs.unit / model.unit
        )
        return stride, matrix

    def load(self, states: Spins) -> Group:
        width, rows = self.group.width, len(self._model.bases)
        everyone = np.ones((width, self._model.size), np.int8)
        everyone[: len(states)] = states
        spins = self.group.load(everyone)
        sums: Singles = aligned((max(rows, 1), width), np.float32)
        sums[:rows] = self._model.sums(everyone).T
        masks = np.zeros((2, self._model.chains.word_count, width), np.int64)
        return Group(spins, sums, masks, np.zeros(spins.size + width, np.float32))

    def sweep(
        self,
        rule: Rule,
        slopes: Singles,
        stiffness: Singles,
        first: int,
        replica: int,
        key: list[int],
        group: Group,
        compound: bool = True,
        cycles: int = 0,
    ) -> int:
        """A sweep at each row of `slopes` and `stiffness` [sweeps, lanes]; the number of flips of `Rule.GREEDY`."""
        kernel = compiled(bounded_sweeps(self.group.lanes, rule))
        partners = np.ascontiguousarray(self._mates.pairs(first, first + len(slopes)))
        numbers = (self.group.sites, len(slopes), first, replica)
        pairs, chains = (self.pairs, self.chains) if compound else (0, 0)
        chained = (self._rest, chains, *self._arrays(group), group.fields, *self._chained, group.masks)
        if rule is Rule.GREEDY:
            chained = (*chained, *self._room(cycles))
        flips = int(kernel(*numbers, *key, slopes, stiffness, pairs, partners, *chained))
        if not self._model.exact:
            group.sums[: len(self._model.bases)] = self._model.sums(self.group.unload(group.spins)).T
        return flips

    def descend(self, group: Group, replica: int = 0, key: list[int] | None = None, cycles: int = _MOST_CYCLES) -> None:
        """Some rounds with pairs and chains, some cycles, and single flips to the end; each replica on its own."""
        one = np.ones((1, self.group.width), np.float32)
        words = key or [0] * 4
        for number in range(_PAIRED):
            last = number == _PAIRED - 1
            self.sweep(Rule.GREEDY, one, one, number, replica, words, group, cycles=cycles if last else 0)
        for _ in range(DESCENTS):
            if not self.sweep(Rule.GREEDY, one, one, 0, replica, words, group, compound=False):
                return

    def _room(self, cycles: int) -> tuple[object, ...]:
        """In the order of `cycle_kernel.CYCLES`; threads do not share it."""
        chains = self._model.chains
        nodes = len(chains.starts) - 1
        whole, real = space_needed(len(chains.nodes), nodes, len(chains.sites)) if cycles else (1, 1)
        return cycles, nodes, chains.rows, chains.steps, np.empty(whole, np.int64), np.empty(real, np.float32)

    def beta_range(self) -> tuple[float, float]:
        """Inverse temperatures, hot and cold, as of `temperatures.beta_range`."""
        hot = self.hot_beta()
        return hot, max(hot, self.cold_beta())

    def hot_beta(self, stiffness: float = 1.0) -> float:
        """A sixteenth of the temperature that melts the couplings, those of penalties softened.

        Bounds are not worth melting: pairs and chains lead from one solution of the equations to the next.
        """
        pairs, hard = self._model.pairs, self._model.hard
        spreads = np.sqrt(pairs.field_spreads**2 + (stiffness * hard.field_spreads) ** 2)
        most = pairs.field_bounds + stiffness * hard.field_bounds
        stiffest = np.minimum(SPREADS * spreads, most).max(initial=0.0) / _COOLER
        return float(np.log(2) / (2 * stiffest)) if stiffest > 0 else 1.0

    def cold_beta(self) -> float:
        """That of local minima of the model or, if it is colder, of the objective alone.

        In minima of the model bounds may hide every small difference of the objective.
        """
        pairs = self._model.pairs
        alone = beta_range(pairs)[1] if pairs.field_bounds.any() else 0.0
        return max(cold_beta(self.pilot() * self._model.unit), alone)

    def energies(self, group: Group) -> Floats:
        """In units, without the couplings' offsets, [lanes]."""
        *_, widths, costs = self._rows
        own = group.sums[: len(widths)].astype(np.float64)
        distance = np.maximum(np.maximum(own, -widths[:, None] - own), 0)
        found = np.asarray(costs @ distance**2, np.float64)
        measure = compiled(replica_energies(self.group.lanes, 1, f32))
        for part, model in enumerate((self._model.pairs, self._model.hard)):
            upper: Rows = model.upper
            values = upper.values * np.float32(model.unit / self._model.unit)
            total = aligned(self.group.width, np.float64)
            fields = self._couplings[4 * part + 3]
            measure(self.group.size, upper.starts, upper.columns, values, fields, group.spins, total)
            found = found + total
        return found

    def pilot(self) -> Floats:
        """What flips cost at local minima [states, n], in units."""
        group = self.load(first_states(0, self.group.width, self._model.size))
        self.descend(group, cycles=0)
        gains: Singles = aligned((self.group.sites, self.group.width), np.float32)
        compiled(bounded_gains(self.group.lanes))(self.group.sites, *self._arrays(group), gains)
        return np.ascontiguousarray(gains[: self._model.size, :_PILOTS].T.astype(np.float64))

    def _arrays(self, group: Group) -> tuple[object, ...]:
        return (*self._couplings, group.spins, *self._rows, group.sums)

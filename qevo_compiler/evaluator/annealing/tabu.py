"""Iterated tabu search on dense models: long walks of best flips, shaken from the best state when they stall."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.dense_kernel import BLOCK
from qevo_compiler.evaluator.annealing.metropolis import DenseWalk, anneal
from qevo_compiler.evaluator.annealing.model import DenseSpins
from qevo_compiler.evaluator.annealing.runs import TENURES, Spins, Watch, first_states, flip_key
from qevo_compiler.evaluator.annealing.tabu_kernel import STEPS, tabu_steps
from qevo_compiler.evaluator.llvm import aligned, compiled, run_chunks
from qevo_compiler.evaluator.random import key_words, threefry_reference

# Steps without a new best, in multiples of the spins, before a walk is shaken.
_PATIENCE = 10
# Part of the spins that a shake flips.
_SHAKE = 0.1


def tabu(
    model: DenseSpins,
    steps: int,
    replicas: int,
    seed: int = 0,
    *,
    initial: Spins | None = None,
    tenure: int | None = None,
    threads: int | None = None,
    watch: Watch | None = None,
) -> Spins:
    """The best state [replicas, n] of each walk of `steps` flips (rounded up to walks of 10 n).

    `tenure` is the least rest of a flipped spin, by default n / 20 within 2 .. 20; a random part of the same size
    comes on top. Cost: O(n) a step.
    """
    states = first_states(seed, replicas, model.size, initial)
    if model.size < 2:
        return anneal(model, np.ones(1), replicas, seed, initial=initial, rule=Rule.GREEDY)
    watch = watch or Watch()
    rest = tenure if tenure is not None else min(max(model.size // 20, 2), 20)
    walks = max(1, -(-steps // (_PATIENCE * model.size)))

    def work(replica: int) -> Spins:
        walk = _Walk(model, states[replica], replica, seed, min(rest, max(1, (model.size - 1) // 2)))
        for number in range(walks):
            found = walk.run()
            if not watch.advance(1 / walks / replicas):
                break
            if not found and number + 1 < walks:
                walk.shake(number)
        return walk.best[: model.size].astype(np.int8)

    return np.stack(run_chunks(work, range(replicas), threads, watch.stop))


class _Walk:
    """One replica's walk; energies are kept in units and made anew from the fields at each start."""

    def __init__(self, model: DenseSpins, state: Spins, replica: int, seed: int, tenure: int) -> None:
        self._model, self._replica, self._seed, self._tenure = model, replica, seed, tenure
        self._dense = DenseWalk(model)
        self._kernel = compiled(tabu_steps(self._dense.lanes, self._dense.element))
        self._spins = self._dense.load(state)
        self._padded = self._dense.blocks * BLOCK
        self._until = aligned(self._padded, np.int32)
        self.best = self._spins.copy()
        self._energies = np.array([np.inf, np.inf])
        self._step = 0
        self._start()

    def run(self) -> bool:
        """10 n steps; whether they found a new best state."""
        before = self._energies[1]
        rounds = -(-_PATIENCE * self._model.size // STEPS)
        numbers = (self._model.size, self._padded, rounds, self._step, self._tenure, self._tenure + 1, self._replica)
        arrays = (self._dense.matrix, self._spins, self._fields, self._until, self.best, self._energies)
        self._kernel(*numbers, *flip_key(self._seed, TENURES), *arrays)
        self._step += rounds * STEPS
        if not self._model.integral:
            self._start()
        return bool(self._energies[1] < before)

    def shake(self, number: int) -> None:
        """Go on from the best state with a tenth of the spins turned."""
        counters = np.zeros((self._model.size, 4), np.uint32)
        counters[:, 0], counters[:, 1] = np.arange(self._model.size), number + 1
        counters[:, 2] = self._replica
        words: NDArray[np.uint32] = threefry_reference(key_words(self._seed, TENURES), counters)[:, 0]
        turned = words < np.uint32(_SHAKE * 2**32)
        self._spins[:] = self.best
        self._spins[: self._model.size][turned] *= -1
        self._start()

    def _start(self) -> None:
        """Fields and energy of the present state; every spin may flip."""
        n = self._model.size
        self._fields = self._dense.fields(self._spins)
        self._until[:] = 0
        spins = self._spins[:n].astype(np.float64)
        both = self._fields[:n].astype(np.float64) + self._model.fields
        self._energies[0] = spins @ both / 2
        if self._energies[0] < self._energies[1]:
            self._energies[1] = self._energies[0]
            self.best[:] = self._spins

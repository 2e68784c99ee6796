"""Path-integral (simulated quantum) annealing: a quantum annealer's equilibrium, slice by slice.

H = -A sum_i X_i + B E(Z) at inverse temperature beta is, over P Trotter slices, a classical model of P copies of
the spins (Suzuki, "Relationship between d-dimensional quantal spin systems and (d+1)-dimensional Ising systems",
1976): weights exp(-beta B / P sum_p E(s_p) + K sum_ip s_ip s_i,p+1), slices in a ring, K = -1/2 ln tanh(beta A / P).
A sweep proposes every spin of every slice and then every whole worldline, by Metropolis' rule.

Random numbers depend on seed, replica, sweep, site and slice alone: see `metropolis`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.energies import energies
from qevo_compiler.evaluator.annealing.metropolis import ReplicaGroup, anneal, sweep_chunks
from qevo_compiler.evaluator.annealing.model import Singles, SpinModel
from qevo_compiler.evaluator.annealing.path_kernel import SLICES, path_sweeps
from qevo_compiler.evaluator.annealing.runs import Spins, Watch, first_states, flip_key
from qevo_compiler.evaluator.annealing.temperatures import beta_range
from qevo_compiler.evaluator.llvm import aligned, compiled, run_chunks

if TYPE_CHECKING:
    from qevo_compiler.evaluator.statevector.drive import Drive

Floats = NDArray[np.float64]

# Replicas whose slices descend together.
_TOGETHER = 16
# Of the ordinary annealer's cold end, the inverse temperature of a slice by itself.
_SLICE_BETA = 0.25
# Transverse field at the start, of the mean spread of the local fields.
_STRENGTH = 0.7
# Transverse field at the end, of that at the start.
_RESIDUE = 0.01
# A stiffer bond breaks less than once in 10^30 tries.
_STIFFEST = 40.0


def path_integral(
    model: SpinModel,
    transverse: ArrayLike,
    problem: ArrayLike,
    replicas: int,
    seed: int = 0,
    *,
    slices: int = 4,
    beta: float = 1.0,
    initial: Spins | None = None,
    threads: int | None = None,
    watch: Watch | None = None,
) -> Spins:
    """States [replicas, n]: of every replica the slice that is lowest after descent.

    One sweep at each pair of `transverse` (A) and `problem` (B) [sweeps]; `slices` is a multiple of 4. `initial`
    [k, n] are classical states from which all slices start (reverse annealing). Cost: O(sweeps couplings slices
    replicas / lanes), memory 4 n slices lanes bytes a thread. Raises `ValueError`.
    """
    lines = worldlines(
        model, transverse, problem, replicas, seed,
        slices=slices, beta=beta, initial=initial, threads=threads, watch=watch,
    )  # fmt: skip
    if not model.size:
        return lines[:, 0]

    def work(start: int) -> Spins:
        part = lines[start : start + _TOGETHER]
        states = part.reshape(-1, model.size)
        low = anneal(model, np.zeros(0), len(states), initial=states, rule=Rule.GREEDY, dense=False, threads=1)
        best = energies(model, low, 1).reshape(-1, slices).argmin(axis=1)
        return np.asarray(low.reshape(part.shape)[np.arange(len(part)), best], np.int8)

    return np.concatenate(run_chunks(work, range(0, replicas, _TOGETHER), threads)) if replicas else lines[:, 0]


def worldlines(
    model: SpinModel,
    transverse: ArrayLike,
    problem: ArrayLike,
    replicas: int,
    seed: int = 0,
    *,
    slices: int = 4,
    beta: float = 1.0,
    initial: Spins | None = None,
    rule: Rule = Rule.METROPOLIS,
    threads: int | None = None,
    watch: Watch | None = None,
) -> Spins:
    """All slices [replicas, slices, n] as the sweeps leave them: each slice is a sample of the diagonal in z.

    Arguments as of `path_integral`.
    """
    slopes, bonds = actions(model, transverse, problem, slices, beta)
    states = first_states(seed, replicas, model.size, initial)
    if not states.size:
        return np.repeat(states[:, None], slices, axis=1)
    group, key = ReplicaGroup(model, 1), flip_key(seed)
    together = next(t for t in ((16, 8, 4) if group.lanes == 16 else (8, 4)) if slices % t == 0)
    kernel = compiled(path_sweeps(group.lanes, together, rule))
    groups, watch = -(-replicas // group.width), watch or Watch()

    def work(number: int) -> Spins:
        first = number * group.width
        spins = _spread(group.load(states[first : first + group.width]), slices)
        totals = aligned((slices, group.lanes), np.float32)
        for start, stop in sweep_chunks(len(slopes), group.sites * slices):
            sizes = (group.sites, slices, stop - start, start, first)
            kernel(*sizes, *key, *group.arrays, slopes[start:stop], bonds[start:stop], spins, totals)
            if not watch.advance((stop - start) / len(slopes) / groups):
                break
        return np.ascontiguousarray(spins[: model.size].transpose(2, 1, 0).astype(np.int8))

    return np.concatenate(run_chunks(work, range(groups), threads, watch.stop))[:replicas]


def actions(
    model: SpinModel, transverse: ArrayLike, problem: ArrayLike, slices: int, beta: float
) -> tuple[Singles, Singles]:
    """2 beta B / (P ln 2) in units of the model, and 2 K / ln 2, of every sweep. Raises `ValueError`."""
    a, b = np.asarray(transverse, np.float64), np.asarray(problem, np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError("transverse and problem need one number a sweep each")
    if slices < SLICES or slices % SLICES:
        raise ValueError(f"the number of slices must be a multiple of {SLICES}")
    if beta < 0 or (a < 0).any():
        raise ValueError("the inverse temperature and the transverse field must not be negative")
    weak = np.tanh(np.maximum(beta * a / slices, np.exp(-2 * _STIFFEST)))
    bonds = -np.log(weak) / np.log(2)
    slopes = 2 / np.log(2) * model.unit * beta / slices * b
    return slopes.astype(np.float32), bonds.astype(np.float32)


def along_drive(times: ArrayLike, fractions: ArrayLike, drive: Drive, sweeps: int) -> tuple[Floats, Floats]:
    """Transverse and problem strengths at even times of a schedule s(t), piecewise linear, on a device's curves.

    A drive is H = -A/2 sum X + B/2 E: halves of its curves are what `path_integral` takes.
    """
    t = np.asarray(times, np.float64)
    s = np.interp(np.linspace(t[0], t[-1], sweeps) if sweeps > 1 else t[-1:], t, np.asarray(fractions, np.float64))
    return np.interp(s, drive.fractions, drive.a) / 2, np.interp(s, drive.fractions, drive.b) / 2


def default_drive(model: SpinModel, sweeps: int, slices: int = 4) -> tuple[Floats, Floats, float]:
    """Transverse and problem strengths of every sweep, and beta, for `path_integral`.

    A falls linearly from 0.7 mean spreads of a local field to 1/100 of that while B rises from 0 to 1; a slice by
    itself ends at 1/4 of the ordinary annealer's cold end, and the bonds make up the rest. Few slices do best: more
    follow the quantum system closer, but cost as much more (benchmarks/evaluator/path_integral.py).
    """
    spreads = model.field_spreads[model.field_spreads > 0]
    strongest = float(spreads.mean()) if len(spreads) else 1.0
    s = np.linspace(0, 1, sweeps) if sweeps > 1 else np.ones(1)
    transverse = _STRENGTH * strongest * (1 - (1 - _RESIDUE) * s)
    return transverse, s, _SLICE_BETA * beta_range(model)[1] * slices


def _spread(spins: Singles, slices: int) -> Singles:
    """[sites, lanes] to [sites, slices, lanes], all slices alike."""
    spread: Singles = aligned((len(spins), slices, spins.shape[1]), np.float32)
    spread[:] = spins[:, None]
    return spread

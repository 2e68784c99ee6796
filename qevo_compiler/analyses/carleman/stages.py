"""Steps that consist of sub-steps: their composition, where activations are, and norms of the composition.

Between two steps only weights and velocities hold values (`StepMap.resting`). About a pivot at which activations have
the values that the weights give them no sub-step but the last has a constant part, so that polynomials cut off above
degree N compose: the lift of the sub-steps, multiplied out, is the lift of the composed step (docs/carleman.md), and
what bounds the one bounds the other.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from qevo_compiler.analyses.carleman.monomials import Floats, Ints, weights_of
from qevo_compiler.analyses.carleman.norms import linear_part, spectral_norm
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.dialects.poly import AffineMap, Polynomials, arithmetic
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.ir import Array

# Terms that a stage may have after the change of coordinates; beyond, nothing is proved.
_MOST_TERMS = 4_000_000
# The degree of a series can double with every stage.
_MOST_COEFFICIENTS = 4096


def kinds(steps: StepMap) -> tuple[Ints, Ints]:
    """The distinct steps as sequences of variants [kinds, S], and which of them each step is [T]."""
    table = steps.which.values.reshape(-1, steps.stage_count)
    found, first, which = np.unique(table, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return np.asarray(found[order]), np.asarray(rank[which.reshape(-1)])


def completed(steps: StepMap, sequence: Ints, point: Floats) -> Floats:
    """`point` [n] with every activation at the value that one step, a sequence of variants, gives it from there."""
    assert steps.stages is not None
    live = steps.stages.live.values > 0
    state, before = np.where(steps.resting, point, 0.0), steps.resting
    found = state.copy()
    for variant in sequence.tolist():
        state = arithmetic.evaluate(steps.variants[variant], state)
        fresh = live[variant] & ~before & ~steps.resting
        found[fresh] = state[fresh]
        before = live[variant]
    return found


def at_rest(steps: StepMap, state: Floats) -> Floats:
    """`state` [n], shifted, between two steps: activations are at the pivot, that is 0."""
    return np.where(steps.resting, state, 0.0)


def linear_steps(steps: StepMap) -> list[sparse.csr_array[np.float64]]:
    """F_1 of every distinct step over the coordinates that rest between steps: the product over its sub-steps."""
    if steps.stages is None:
        return [linear_part(variant) for variant in steps.variants]
    own = np.flatnonzero(steps.resting)
    found = []
    for sequence in kinds(steps)[0]:
        product = sparse.csr_array(sparse.eye_array(steps.size, format="csr")[:, own])
        for variant in sequence:
            product = linear_part(steps.variants[variant]) @ product
        found.append(sparse.csr_array(product[own]))
    return found


def composed_norms(steps: StepMap, change: tuple[Floats, Floats] | None = None) -> Floats | None:
    """Bounds g_j on ||S F_j (S^-1)^{⊗j}||_2 of every distinct step [kinds, d + 1], for `change` = (S, S^-1).

    F is the composition of the sub-steps, which is never formed: group g > 0 holds the activations that stage g
    computes, each stage is replaced by the 2-norms of its parts between groups, and the series of these in the norm
    of the optimizer's own state are composed. None where a series has more than 4,096 coefficients or a stage too
    many terms.
    """
    table, _ = kinds(steps)
    group = _groups(steps, table)
    found = []
    for sequence in table:
        series = [np.zeros(1) for _ in range(int(group.max()) + 1)]
        series[0] = np.array([0.0, 1.0])
        for stage in _stages(steps, sequence, group, change):
            series = [] if stage is None else _composed(stage, series)
            if not series or max(map(len, series)) > _MOST_COEFFICIENTS:
                return None
        found.append(np.trim_zeros(series[0], "b"))
    length = max(2, *map(len, found))
    return np.array([np.pad(each, (0, length - len(each))) for each in found])


def _groups(steps: StepMap, table: Ints) -> Ints:
    """0 for the state between steps, else the number of the first stage after which the coordinate is live."""
    assert steps.stages is not None
    live = steps.stages.live.values > 0
    group = np.zeros(steps.size, np.int64)
    for stage in range(steps.stage_count - 1, 0, -1):
        fresh = live[table[:, stage - 1]].any(axis=0) & ~steps.resting
        group[fresh] = stage
    used = np.unique(np.append(group[~steps.resting], 0))
    return np.asarray(np.searchsorted(used, group))


def _stages(
    steps: StepMap, sequence: Ints, group: Ints, change: tuple[Floats, Floats] | None
) -> Iterator[Polynomials | None]:
    """The sub-steps of one step between groups; None for one with too many terms."""
    own = np.flatnonzero(steps.resting)
    forward, backward = change or (np.eye(len(own)), np.eye(len(own)))
    response: Floats = np.zeros((steps.size, len(own)))
    response[own] = np.eye(len(own))
    for stage, variant in enumerate(sequence.tolist()):
        step = steps.variants[variant]
        after = np.asarray(linear_part(step) @ response)
        # Old activations u = J w + z, with w = S^-1 v; new ones less their response to w. The last stage moves w.
        inside = _terms(step, _backward(response, own, backward))
        last = stage + 1 == len(sequence)
        yield None if inside is None else _norms(inside, _forward(after, own, forward, last), group)
        response = after


def _backward(response: Floats, own: Ints, backward: Floats) -> AffineMap:
    """u as affine forms of the new coordinates: S^-1 v, and J S^-1 v + z."""
    n = len(response)
    matrix = np.zeros((n, n))
    matrix[:, own] = response @ backward
    others = np.setdiff1d(np.arange(n), own)
    matrix[others, others] = 1.0
    sparse_form = sparse.csr_array(matrix)
    sparse_form.eliminate_zeros()
    starts, columns = sparse_form.indptr.astype(np.int64), sparse_form.indices.astype(np.int32)
    return AffineMap(Array(np.zeros(n)), Array(starts), Array(columns), Array(sparse_form.data))


def _forward(after: Floats, own: Ints, forward: Floats, last: bool) -> sparse.csr_array[np.float64]:
    """The new coordinates of a stage's outcome: S u, and z = u - J w."""
    n = len(after)
    matrix = np.eye(n)
    matrix[np.ix_(own, own)] = forward
    others = np.setdiff1d(np.arange(n), own)
    if not last:
        matrix[np.ix_(others, own)] = -after[others]
    return sparse.csr_array(matrix)


def _terms(step: Polynomials, back: AffineMap) -> Polynomials | None:
    """The stage with its input in new coordinates; None where that has too many terms."""
    widths = np.diff(back.starts.values)
    total = sum(int(widths[b.variables.values].prod(axis=1).sum()) for b in step.terms)
    return arithmetic.substitute(step, back) if total <= _MOST_TERMS else None


def _norms(step: Polynomials, ahead: sparse.csr_array[np.float64], group: Ints) -> Polynomials:
    """One polynomial a group: the norms of the parts of `ahead` times the step between groups."""
    blocks: list[tuple[NDArray[np.integer], NDArray[np.integer], Floats]] = []
    for block in step.terms:
        names = block.variables.values
        if not block.degree:
            vector = np.zeros((step.rows, 1))
            vector[block.row.values, 0] = block.coefficients.values
            vector = np.zeros((step.rows, 1))
            vector[block.row.values, 0] = block.coefficients.values
            constant = sparse.csr_array(vector)
            blocks += _group_norms(sparse.csr_array(ahead @ constant), group, np.zeros((1, 0), np.int64))
            continue
        signature = np.sort(group[names], axis=1)
        unique, column = np.unique(names, axis=0, return_inverse=True)
        # Within one group the product is symmetric; between two, each pair of coordinates stands once.
        same = (signature == signature[:, :1]).all(axis=1)
        scaled = block.coefficients.values / np.where(same, weights_of(names), 1.0)
        shape = (step.rows, len(unique))
        matrix = sparse.csr_array((scaled, (block.row.values, column.reshape(-1))), shape=shape)
        blocks += _group_norms(sparse.csr_array(ahead @ matrix), group, np.sort(group[unique], axis=1))
    return pack(int(group.max()) + 1, blocks)


def _group_norms(
    matrix: sparse.csr_array[np.float64], group: Ints, signature: Ints
) -> list[tuple[NDArray[np.integer], NDArray[np.integer], Floats]]:
    found = []
    for columns in np.unique(signature, axis=0):
        part = sparse.csr_array(matrix[:, np.flatnonzero((signature == columns).all(axis=1))])
        for row in range(int(group.max()) + 1):
            norm = spectral_norm(sparse.csr_array(part[np.flatnonzero(group == row)]))
            if norm:
                found.append((np.array([row]), columns[None, :], np.array([norm])))
    return found


def _composed(step: Polynomials, series: list[Floats]) -> list[Floats]:
    after: list[Floats] = [np.zeros(1) for _ in series]
    for block in step.terms:
        for row, names, value in zip(
            block.row.values.tolist(), block.variables.values.tolist(), block.coefficients.values.tolist(), strict=True
        ):
            term = np.array([value])
            for name in names:
                term = np.convolve(term, series[name])
            after[row] = np.polynomial.polynomial.polyadd(after[row], term)
    return after

"""y(t + 1) = A[which[t]] y(t) + b for T steps: forward substitution without the block-bidiagonal matrix."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.evaluator.llvm import aligned, compiled
from qevo_compiler.evaluator.sparse.kernels import Shape, steps_kernel
from qevo_compiler.evaluator.sparse.operators import SparseOperator, product

Array = NDArray[Any]


def propagate(
    operators: SparseOperator | Sequence[SparseOperator],
    initial: ArrayLike,
    steps: int,
    which: ArrayLike | None = None,
    keep: int = 1,
    shift: ArrayLike | None = None,
) -> tuple[Array, Array]:
    """The vectors y(0), y(keep), y(2 keep), ... [1 + steps // keep, n(, columns)] and y(steps), from y(0) = `initial`.

    `which` [steps] names the operator of each step, all square, of one size and one element type (all the
    first, when it is None). `shift` is the vector b [n(, columns)] that every step adds. Cost: one product a
    step; memory: what is kept, and two vectors.
    """
    family = [operators] if isinstance(operators, SparseOperator) else list(operators)
    chosen = np.zeros(steps, np.int64) if which is None else np.ascontiguousarray(which, np.int64)[:steps]
    _check(family, chosen, steps, keep)
    start = np.ascontiguousarray(initial, family[0].dtype)
    if start.ndim not in (1, 2) or len(start) != family[0].shape[0]:
        raise ValueError(f"an initial vector of {family[0].shape[0]} is wanted, not {start.shape}")
    shape, padded = family[0].columns_of(start)
    added = padded if shift is None else family[0].columns_of(_shift(shift, start))[1]
    shape = replace(shape, shifted=shift is not None)
    history = np.empty((steps // keep + 1, *padded.shape), family[0].dtype)
    history[0] = padded
    spare = [aligned(padded.shape, family[0].dtype) for _ in range(2)]
    if len({op.code for op in family}) == 1 and max(len(op.parts(padded.shape[1])) for op in family) <= 1:
        _in_one_call(_Steps(shape, family, chosen, keep, padded, added, history, spare))
    else:
        _step_by_step(_Steps(shape, family, chosen, keep, padded, added, history, spare))
    last = history[-1] if steps % keep == 0 else spare[(steps - 1) & 1]
    if start.ndim == 1:
        return history[:, :, 0], last[:, 0]
    return history[:, :, : start.shape[1]], last[:, : start.shape[1]]


def _check(family: list[SparseOperator], chosen: NDArray[np.int64], steps: int, keep: int) -> None:
    if not family or len({(op.shape, op.dtype) for op in family}) > 1 or family[0].shape[0] != family[0].shape[1]:
        raise ValueError("steps need square operators of one size and one element type")
    if steps < 0 or keep < 1:
        raise ValueError("the number of steps must not be negative, and every step or fewer can be kept")
    if len(chosen) != steps or (steps and not 0 <= int(chosen.min()) <= int(chosen.max()) < len(family)):
        raise ValueError("every step needs the number of an operator")


def _shift(shift: ArrayLike, start: Array) -> Array:
    given = np.ascontiguousarray(shift, start.dtype)
    if given.shape != start.shape:
        raise ValueError(f"a vector to add of the shape {start.shape} is wanted, not {given.shape}")
    return given


@dataclass(frozen=True)
class _Steps:
    """The steps to take: step t uses the operator `family[chosen[t]]` and adds `shift`.

    Every `keep`-th vector goes to `history`, the others to the two of `spare` in turn.
    """

    shape: Shape
    family: list[SparseOperator]
    chosen: NDArray[np.int64]
    keep: int
    start: Array
    shift: Array
    history: Array
    spare: list[Array]


def _in_one_call(steps: _Steps) -> None:
    kernel = compiled(steps_kernel(replace(steps.shape, code=steps.family[0].code)))
    tables = np.array([op.addresses for op in steps.family], np.int64).T.copy()
    counts = (*steps.start.shape, len(steps.chosen), steps.keep)
    kernel(*counts, steps.chosen, *tables, steps.start, steps.shift, steps.history, *steps.spare)


def _step_by_step(steps: _Steps) -> None:
    """One product a step, its rows divided among threads."""
    start, width = steps.start, steps.start.shape[1]
    kernels = [product(replace(steps.shape, code=op.code)) for op in steps.family]
    parts = [op.parts(width) for op in steps.family]
    with ThreadPoolExecutor(max(map(len, parts), default=1) or 1) as pool:
        for t, i in enumerate(steps.chosen.tolist()):
            kept = (t + 1) % steps.keep == 0
            target = steps.history[(t + 1) // steps.keep] if kept else steps.spare[t & 1]
            op, kernel = steps.family[i], kernels[i]
            arrays = (*op.addresses, start, steps.shift, target)
            waiting = [pool.submit(kernel, a, b, width, *arrays) for a, b in parts[i]]
            for task in waiting:
                task.result()
            start = target

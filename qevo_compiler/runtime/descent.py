"""Descent by single steps on a box of whole numbers, for all rows of a layer at once.

Minimises (q - t)^T G (q - t) over lower <= q <= upper. With upper = lower + 1 a step is a flip of one
bit of the binary program; with the whole grid as the box it is a step to a neighbouring value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def descend(gram: Floats, target: Floats, start: Floats, lower: Floats, upper: Floats) -> Floats:
    """Take each row's best single step until no step lowers its error; never raises it.

    gram [d, d] is shared by the rows; the other arrays broadcast to [rows, d]. The result admits no
    step of +-1 inside the box that lowers the error by more than rounding. The same input gives the
    same result. Cost: d for each step of each row.
    """
    q = np.array(np.broadcast_to(start, np.broadcast_shapes(start.shape, target.shape)), np.float64)
    low, high = np.broadcast_to(lower, q.shape), np.broadcast_to(upper, q.shape)
    diagonal = np.diag(gram)
    gradient = (q - target) @ gram
    smallest = 1e-12 * max(float(diagonal.max(initial=0.0)), 1e-300)
    active = np.arange(len(q))
    while active.size:
        slope, here = gradient[active], q[active]
        step = np.where(slope > 0, -1.0, 1.0)
        inside = (here + step >= low[active]) & (here + step <= high[active])
        change = np.where(inside, diagonal - 2.0 * np.abs(slope), np.inf)
        best = change.argmin(axis=1)
        gains = change[np.arange(len(active)), best] < -smallest
        active, best = active[gains], best[gains]
        taken = step[gains, best]
        q[active, best] += taken
        gradient[active] += taken[:, None] * gram[best]
    return q

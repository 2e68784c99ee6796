"""Taylor polynomials of a loss about the present weights, over live weights: training steps of models too large or not
polynomial.

    L(theta + u) = L + g u + H u u / 2 + D^3 L u u u / 6 (+ D^4 L u^4 / 24) + remainder

The polynomial is lifted like any other; what it leaves out is the remainder, which the ledger has as measured by
training the model itself beside it. It is neither a truncation nor an activation error. Derivatives see one side of a
kink only: for relu the remainder is not small in the distance, and the measurement says so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import hessian, jvp, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from qevo_compiler.analyses.carleman.aposteriori import iterate
from qevo_compiler.analyses.carleman.optimizer import Sampling, Sgd, batches, fold, gradient, step_decay
from qevo_compiler.analyses.hessian.masks import Mask, magnitude_mask
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.resources import BadLinearization, JetTooLarge
from qevo_compiler.dialects import linear, problem
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.frontend.linearization import Linearization
from qevo_compiler.frontend.torch.guard import exactly
from qevo_compiler.frontend.torch.load import TracedModel
from qevo_compiler.frontend.torch.state import parameter_values
from qevo_compiler.ir import Array, Evidence, Func, LedgerEntry, Module
from qevo_compiler.passes.quantities import REMAINDER
from qevo_compiler.source import Span

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STAGE = "taylor-expansion"
MOST_COEFFICIENTS = 300_000
# Second derivatives that are pushed forward at once.
_TOGETHER = 4_000


@dataclass(frozen=True, eq=False)
class LiveLoss:
    """The loss as a function of the live weights alone, all others 0: the pruned model.

    `chosen` [s] are positions in the flat parameters, which stand in the order of the state dict.
    """

    traced: TracedModel
    masks: dict[str, Mask]

    @staticmethod
    def of(traced: TracedModel, density: float) -> LiveLoss:
        """The largest weights are live."""
        return LiveLoss(traced, magnitude_mask(parameter_values(traced), density))

    @property
    def chosen(self) -> Ints:
        return np.flatnonzero(np.concatenate([mask.reshape(-1) for mask in self.masks.values()]))

    @property
    def start(self) -> Floats:
        """The live weights as they are."""
        values = parameter_values(self.traced)
        return np.concatenate([values[name][mask] for name, mask in self.masks.items()])

    @property
    def symbols(self) -> tuple[str, ...]:
        """`NAME[i,j]` for every live weight."""
        return tuple(
            f"{name}[{','.join(map(str, index))}]" if index else name
            for name, mask in self.masks.items()
            for index in map(tuple, np.argwhere(mask).tolist())
        )

    @property
    def rows(self) -> int:
        """Samples of the batch."""
        return self.traced.batch.rows

    def at(self, rows: Ints | None = None) -> Callable[[Tensor], Tensor]:
        """The loss over some rows of the batch (None: all), of a tensor [s]."""
        whole = self.traced.whole
        batch = self.traced.batch if rows is None else self.traced.batch.chosen(torch.from_numpy(rows))
        places = torch.from_numpy(self.chosen)
        shapes = {name: mask.shape for name, mask in self.masks.items()}
        sizes = [int(np.prod(shape, dtype=np.int64)) for shape in shapes.values()]

        def value(u: Tensor) -> Tensor:
            flat = torch.zeros(sum(sizes), dtype=torch.float64).scatter(0, places, u)
            parts = torch.split(flat, sizes)
            weights = {name: p.reshape(shape) for (name, shape), p in zip(shapes.items(), parts, strict=True)}
            return whole.at(weights, batch)[1]

        return value

    def weights(self, live: Floats) -> dict[str, Floats]:
        """All parameters by symbol, dense, from the live ones."""
        found, first = {}, 0
        for name, mask in self.masks.items():
            count = int(mask.sum())
            values = np.zeros(mask.shape)
            values[mask] = live[first : first + count]
            found[name] = values
            first += count
        return found


def derivatives(value: Callable[[Tensor], Tensor], point: Floats, degree: int) -> list[Floats]:
    """L, gradient [s], Hessian [s, s] and so on up to the `degree`-th derivative, at a point, in double precision."""
    u = torch.from_numpy(np.array(point, np.float64))
    second = hessian(value)
    third = _pushed(second, max(_TOGETHER // len(point), 1))
    fourth = _pushed(third, 1)
    functions = [value, torch.func.grad(value), second, third, fourth]
    try:
        with exactly(), sdpa_kernel(SDPBackend.MATH):
            return [function(u).detach().numpy().astype(np.float64) for function in functions[: degree + 1]]
    except NotImplementedError as error:
        missing = re.search(r"\b(\w+?)(_backward)? that does not support it", str(error))
        what = f"`{missing[1]}`" if missing else "one of its operations"
        raise CompileError(BadLinearization(None, f"PyTorch has no derivatives of order {degree} of {what}")) from None


def _pushed(function: Callable[[Tensor], Tensor], together: int) -> Callable[[Tensor], Tensor]:
    """The derivative along every coordinate, a new first axis, `together` coordinates at once."""

    def along(u: Tensor) -> Tensor:
        def push(v: Tensor) -> Tensor:
            pushed: Tensor = jvp(function, (u,), (v,))[1]
            return pushed

        found: Tensor = vmap(push, chunk_size=together)(torch.eye(len(u), dtype=u.dtype))
        return found

    return along


def taylor(parts: list[Floats]) -> Polynomials:
    """The polynomial sum over k of D^k L u^k / k! as one row, from symmetric derivative tensors."""
    blocks = []
    for degree, part in enumerate(parts):
        grid = np.indices(part.shape).reshape(degree, part.size)
        rising = (np.diff(grid, axis=0) >= 0).all(axis=0) if degree > 1 else np.ones(part.size, bool)
        names = grid[:, rising].T
        values = part.reshape(-1)[rising] / _factorials(names)
        blocks.append((np.zeros(len(values), np.int32), names.astype(np.int32), values))
    return pack(1, blocks)


def _factorials(names: Ints) -> Floats:
    """a! of every monomial, given by its rising variables [m, k]."""
    total = np.ones(len(names))
    run = np.ones(len(names))
    for column in range(1, names.shape[1]):
        run = np.where(names[:, column] == names[:, column - 1], run + 1, 1.0)
        total = total * run
    return total


def jet_steps(live: LiveLoss, point: Floats, train: problem.TrainOp, degree: int, first: int = 0) -> StepMap:
    """The steps of `train`, about `point` [s] in the coordinates u = theta - point, on Taylor polynomials of the loss.

    Each distinct minibatch has its own polynomial. Weight decay acts on theta = point + u, exactly. `first` is how many
    steps of a schedule were done before. Cost: C(s + k - 1, k) pushes of k-th derivatives.
    """
    chosen, which = batches(live.rows, train.batch, first + train.steps, Sampling.CYCLIC, train.seed)
    slopes = []
    shift = arithmetic.add(arithmetic.variables(np.arange(len(point))), arithmetic.constants(point))
    for rows in chosen:
        polynomial = taylor(derivatives(live.at(rows if train.batch else None), point, degree))
        decayed = arithmetic.scale(shift, train.weight_decay)
        slopes.append(arithmetic.add(gradient(polynomial, len(point)), decayed))
    rates = step_decay(train.rate, first + train.steps, train.decay_every, train.decay)
    whole = fold(slopes, which, Sgd(rates, train.momentum, train.nesterov, train.dampening))
    return whole.window(first, first + train.steps)


def descend(live: LiveLoss, start: Floats, train: problem.TrainOp, first: int = 0) -> Floats:
    """The live weights [T + 1, s] of the model itself under torch's SGD: what a jet is held against.

    `first` is how many steps were done before, of a schedule and of minibatches.
    """
    chosen, which = batches(live.rows, train.batch, first + train.steps, Sampling.CYCLIC, train.seed)
    slopes = [torch.func.grad(live.at(rows if train.batch else None)) for rows in chosen]
    rates = step_decay(train.rate, first + train.steps, train.decay_every, train.decay)[first:]
    states, velocity = [np.array(start, np.float64)], np.zeros(len(start))
    with exactly(), sdpa_kernel(SDPBackend.MATH):
        for t, rate in enumerate(rates.tolist()):
            theta = states[-1]
            slope = slopes[int(which[first + t])](torch.from_numpy(theta)).detach().numpy()
            drift = slope + train.weight_decay * theta
            velocity = train.momentum * velocity + (1.0 - train.dampening if first + t else 1.0) * drift
            move = drift + train.momentum * velocity if train.nesterov else velocity
            states.append(theta - rate * (move if train.momentum else drift))
    return np.array(states)


def jet_module(traced: TracedModel, name: str, request: Linearization, train: problem.TrainOp) -> Module:
    """A module at the stage of step maps: the jet about the present weights, its remainder in the ledger.

    With `reupload` the map covers the first chunk only: the next one has to be expanded about the downloaded weights.
    """
    live = LiveLoss.of(traced, request.density)
    point = live.start
    check_size(len(point), request.jet, traced.places.top_level("linearize"))
    chunk = replace(train, steps=min(request.reupload or train.steps, train.steps))
    steps = jet_steps(live, point, chunk, request.jet)
    padded = np.concatenate([point, np.zeros(steps.size - len(point))])
    symbols = live.symbols if steps.size == len(point) else (*live.symbols, *(f"v:{s}" for s in live.symbols))
    op = linear.MapOp(symbols, len(point), Array(padded), Array(padded), steps, span=train.span)
    asked = request.linearize_op(traced.places.top_level("linearize"))
    module = Module(name, (Func("main", (), (op, train, asked)),))
    return module.record(_remainder(live, point, chunk, steps, request))


def check_size(live: int, degree: int, span: Span | None = None) -> None:
    """Raise `CompileError` where the Taylor polynomial would have too many coefficients."""
    size = math.comb(live + degree, degree)
    if size > MOST_COEFFICIENTS:
        raise CompileError(JetTooLarge(span, degree, live, size, MOST_COEFFICIENTS))


def _remainder(
    live: LiveLoss, point: Floats, train: problem.TrainOp, steps: StepMap, request: Linearization
) -> LedgerEntry:
    """How far descent on the polynomial ends from the model's own; infinite where the polynomial's runs away."""
    truth = descend(live, point, train)
    ours = iterate(steps, np.zeros(steps.size))[:, : len(point)] + point
    pruned = 1 - len(point) / sum(mask.size for mask in live.masks.values())
    distance = float(np.linalg.norm(truth[-1] - point))
    note = (
        f"degree {request.jet} over {len(point)} live weights ({pruned:.0%} pruned) against the model itself "
        f"after {train.steps} steps, {distance:.3g} from the start"
    )
    error = float(np.linalg.norm(truth[-1] - ours[-1]))
    value = error if math.isfinite(error) else math.inf
    return LedgerEntry(STAGE, REMAINDER, value, Evidence.MEASURED, note=note)

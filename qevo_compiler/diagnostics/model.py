"""Wording for derivatives and for the local quadratic model of a loss (Q062x)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error


class NothingToTrain(Error):
    """The program has no parameter, so there is nothing that a quadratic model could change.

    A model needs at least one weight with `requires_grad=True`, a `.qevo` program a `param`:

        data X: real[m, 2] from "x.npy"
        param theta: real[2] = [0.1, 0.05]
        minimize mean((X @ theta - 1)^2)
    """

    code: ClassVar[str] = "Q0620"
    title: ClassVar[str] = "there is nothing to train"
    note: ClassVar[str] = "the program declares no {what}"
    help: ClassVar[str] = "declare a `param`, or leave `requires_grad` on for the weights to be changed"

    what: str


class BlockTooLarge(Error):
    """The chosen weights need more bits than the target holds.

    A quadratic model couples every weight of its block with every other, so n weights at k bits each
    need n k spins and up to n k (n k - 1) / 2 couplings. A target states how many fully connected
    spins it holds (`capacity`); that is a few hundred at most, not the size of a model. Leave `size`
    out to take as many weights as fit, name a smaller block, or use fewer bits a weight:

        local-quadratic-model{block=layers.2,bits=1}
    """

    code: ClassVar[str] = "Q0621"
    title: ClassVar[str] = "the target cannot hold a block of {weights} weights"
    note: ClassVar[str] = (
        "it needs {spins} fully connected spins with {couplings} couplings; the target holds {capacity}"
    )
    help: ClassVar[str] = "{fits} weights fit: set `size`, name a smaller `block`, or use fewer `bits`"

    weights: int
    spins: int
    capacity: int
    fits: int

    @property
    def couplings(self) -> int:
        return self.spins * (self.spins - 1) // 2


class UnknownWeight(Error):
    """The option `block` names a weight or a layer that the model does not have.

    A name is a whole symbol (`layers.0.weight`) or a prefix of whole parts (`layers.0`). Several are
    joined by `:`.
    """

    code: ClassVar[str] = "Q0622"
    title: ClassVar[str] = "the model has no weight or layer `{symbol}`"
    note: ClassVar[str] = "{suggestion}"
    help: ClassVar[str] = "it has {known}"

    symbol: str
    suggestion: str
    known: str


class NotFinite(Error):
    """The loss, its gradient or its curvature is NaN or infinite at the present weights.

    A model of a function about a point needs finite numbers there. Usual causes: a logarithm or a
    square root of a number that is not positive, a division by zero, an exponential that overflows,
    or NaN in the data or the weights.
    """

    code: ClassVar[str] = "Q0623"
    title: ClassVar[str] = "the {quantity} is not finite"
    label: ClassVar[str] = "computed here"
    note: ClassVar[str] = "{found}"
    help: ClassVar[str] = "check data and start weights for NaN and for arguments outside a function's domain"

    quantity: str
    found: str


class NoDerivative(Error):
    """An op lies between the weights and the objective, and the compiler has no derivative for it.

    Layers are decomposed into primitive ops before anything is differentiated: run
    `decompose-layers` before `gradient-extraction`.
    """

    code: ClassVar[str] = "Q0624"
    title: ClassVar[str] = "`{op}` has no derivative here"
    label: ClassVar[str] = "this became `{op}`"
    help: ClassVar[str] = "run `decompose-layers` first"

    op: str


class NoObjective(Error):
    """Only a program with one scalar objective has a gradient.

    A `.qevo` program states it with `minimize` or `maximize`; a model file with its `loss`. The loss
    must reduce to one number (`reduction="mean"` or `"sum"`).
    """

    code: ClassVar[str] = "Q0625"
    title: ClassVar[str] = "there is no scalar objective to differentiate"
    note: ClassVar[str] = "{found}"
    help: ClassVar[str] = "state `minimize` or `maximize` once, or use a loss that reduces to one number"

    found: str


class StationaryPoint(Error):
    """The gradient is zero for every weight of the block, so no step size follows from it.

    The automatic step of weight i is proportional to |g_i| / B_ii. Give a step, choose another block,
    or start from other weights.
    """

    code: ClassVar[str] = "Q0626"
    title: ClassVar[str] = "the gradient is zero for all {weights} weights of the block"
    help: ClassVar[str] = "give a `step`, choose another `block`, or start from other weights"

    weights: int


class NotOnlyParameters(Error):
    """A local quadratic model is made of a loss over parameters alone.

    Decision variables and constraints have no place in it: a program that states them is lowered as a
    problem (`expand-polynomials`). State a constraint on parameters as a penalty term of the loss:

        param theta: real[2] = [0.1, 0.05]
        minimize mean((X @ theta - y)^2) + 10 * (sum(theta) - 1)^2
    """

    code: ClassVar[str] = "Q0627"
    title: ClassVar[str] = "{what} `{symbol}` cannot be part of a quadratic model of a loss"
    label: ClassVar[str] = "declared here"
    help: ClassVar[str] = "add a penalty to the loss, or lower the program as a problem"

    what: str
    symbol: str

"""Wording for rounding weights and for training rounds (Q064x)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error, Warn, counted


class NothingToRound(Error):
    """The model has no layer whose weights can be rounded.

    Rounding works on linear and two-dimensional convolution layers whose weight is a parameter of
    the model. A model made of other operations only, or whose weights are all computed from other
    tensors, has nothing for it.
    """

    code: ClassVar[str] = "Q0640"
    title: ClassVar[str] = "the model has no linear or convolution weight to round"
    help: ClassVar[str] = "use a model with `nn.Linear` or `nn.Conv2d` layers"


class UnknownLayer(Error):
    """An option names a layer that the model does not have.

    Layers go by the name of their weight in the state dict, with or without the final `.weight`;
    several are joined by `:`.

        rounding-model{layers=fc1:fc2.weight}
    """

    code: ClassVar[str] = "Q0641"
    title: ClassVar[str] = "`{owner}`: there is no layer `{layer}`"
    note: ClassVar[str] = "{suggestion}"
    help: ClassVar[str] = "the layers are: {known}"

    owner: str
    layer: str
    suggestion: str
    known: str


class BadBits(Error):
    """The number of bits for a rounded weight is outside what rounding supports.

    A weight of k bits takes 2^k values. One bit would leave only zero and one negative value, and from
    nine bits on plain rounding to the nearest value loses nothing measurable.
    """

    code: ClassVar[str] = "Q0642"
    title: ClassVar[str] = "`{owner}`: a weight cannot have {width}"
    help: ClassVar[str] = "choose 2 to 8 bits"

    owner: str
    bits: int

    @property
    def width(self) -> str:
        return counted(self.bits, "bit")


class ComputedWeight(Warn):
    """A layer's weight is computed from other tensors, so it stays as it is.

    Rounding writes a new value into the state dict, which only works for a weight that the state dict
    holds. Fold the computation into the parameter first (for example, remove a parametrisation with
    `torch.nn.utils.parametrize.remove_parametrizations`).
    """

    code: ClassVar[str] = "Q0643"
    title: ClassVar[str] = "this layer keeps its float weight"
    label: ClassVar[str] = "its weight is computed, not a parameter"


class TooManyCouplings(Error):
    """The layers together make a program that is too large to emit as one.

    Each output row of a layer is an independent program with one bit a weight and a coupling for each
    pair of its weights. `qevoc run --task=round` never unites the rows and has no such limit; a
    program for one machine holds them all, so choose layers, or raise `max-couplings`.
    """

    code: ClassVar[str] = "Q0644"
    title: ClassVar[str] = "rounding all layers at once takes {size}"
    note: ClassVar[str] = "couplings by layer: {sizes}"
    help: ClassVar[str] = "choose layers with `rounding-model{{layers=...}}`, or raise `max-couplings` ({limit:,} now)"

    bits: int
    couplings: int
    limit: int
    sizes: str

    @property
    def size(self) -> str:
        return f"{counted(self.bits, 'bit')} and {counted(self.couplings, 'coupling')}"


class BadCalibration(Error):
    """The calibration inputs make a layer's inputs infinite, not a number, or so large that squares overflow.

    The rounding of a layer is judged on what it receives when the model runs on the given inputs; an
    infinity or NaN there leaves nothing to compare.
    """

    code: ClassVar[str] = "Q0645"
    title: ClassVar[str] = "the inputs of `{layer}` are infinite, NaN or too large to square"
    help: ClassVar[str] = "look for NaN or overflow in the model's inputs and weights"

    layer: str


class BadBudget(Error):
    """A number that controls a run is outside its range.

    Reads, sweeps and rounds are counted from 1; a step radius is above zero.
    """

    code: ClassVar[str] = "Q0646"
    title: ClassVar[str] = "`{option}` cannot be {value}"
    help: ClassVar[str] = "give {expected}"

    option: str
    value: str
    expected: str

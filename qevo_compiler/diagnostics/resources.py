"""Wording for cost records and for training steps of models on the linear route (Q063x, Q064x)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error


class NotCostable(Error):
    """The cost of this system or declared run cannot be stated.

    A solver's output is read out by post-selecting the final state at degree one, so that state must not be zero; a
    declared run needs all quantities that `docs/resources.md` lists.
    """

    code: ClassVar[str] = "Q0635"
    title: ClassVar[str] = "no cost can be given: {why}"
    help: ClassVar[str] = "move the pivot so that the final state is not zero, or declare what is missing"

    why: str


class BadDeclaration(Error):
    """A file of declared quantities is TOML: numbers by name, each plain or with how it is known.

        description = "a pruned network"
        tolerance = 0.01
        [declared]
        n = 7000000
        g_1 = {value = 0.999, known = "estimated", note = "stochastic Lanczos"}

    `known` is `measured`, `proved`, `estimated` or `assumed` (default).
    """

    code: ClassVar[str] = "Q0638"
    title: ClassVar[str] = "cannot read the declared quantities: {why}"
    help: ClassVar[str] = "`qevoc explain Q0638` shows an example"

    why: str


class NotPolynomialStep(Error):
    """Training steps are lifted when they are polynomials of the weights.

    A function such as tanh or relu between the weights and the loss is none. There are two ways on, and their errors
    are stated apart from that of the truncation: replace the function by a polynomial (`approximate`), or expand the
    whole loss about the present weights (`jet`), for smooth functions.
    """

    code: ClassVar[str] = "Q0639"
    title: ClassVar[str] = "`{function}` makes the training step no polynomial"
    label: ClassVar[str] = "used here"
    help: ClassVar[str] = (
        "set `approximate = {{'{function}': (degree, low, high)}}`, or `jet = 3` for a Taylor expansion"
    )

    function: str


class BadLinearization(Error):
    """The request for the linear route of a model does not fit the model or its optimizer.

    The optimizer has to be `torch.optim.SGD`, without `maximize` and with one group of parameters; a scheduler
    `StepLR`. `linearize` in a model file is a dictionary with `steps` and `order` or `tolerance`, and perhaps `pivot`,
    `reupload`, `batch`, `seed`, `approximate`, `jet`, `density`.
    """

    code: ClassVar[str] = "Q0647"
    title: ClassVar[str] = "this training cannot be linearized: {why}"
    label: ClassVar[str] = "asked for here"
    help: ClassVar[str] = "use `torch.optim.SGD` and give `steps` and `order` or `tolerance` in `linearize`"

    why: str


class JetTooLarge(Error):
    """A Taylor expansion of degree k over s live weights has C(s + k, k) coefficients.

    Keep fewer weights live (`density`), or lower the degree.
    """

    code: ClassVar[str] = "Q0648"
    title: ClassVar[str] = "the expansion of degree {degree} over {live:,} live weights has {size:,} coefficients"
    note: ClassVar[str] = "{most:,} are allowed"
    help: ClassVar[str] = "lower `density` or the degree `jet`"

    degree: int
    live: int
    size: int
    most: int


class OnlyACost(Error):
    """A declared run says how large a training is, not what it computes, so only its cost can be compiled.

    qevoc compile run.toml --target=resources
    """

    code: ClassVar[str] = "Q0649"
    title: ClassVar[str] = "a declared run has a cost, but no program for the target `{target}`"
    help: ClassVar[str] = "use `--target=resources`"

    target: str

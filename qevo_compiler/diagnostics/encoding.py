"""Wording for variables and how they are written in bits (Q063x), and for products that need auxiliaries (Q067x)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error, Warn


class UnboundedDomain(Error):
    """A variable's range is not finite, so no number of bits can hold it.

    Every integer and real variable needs two finite ends, given or computed from data. Integers are
    exact up to 2^53 values.
    """

    code: ClassVar[str] = "Q0631"
    title: ClassVar[str] = "the range of `{name}` cannot be written in bits"
    label: ClassVar[str] = "[{low}, {high}]"
    help: ClassVar[str] = "give finite ends at most 2^53 apart"

    name: str
    low: str
    high: str


class WrongEncoding(Error):
    """The encoding asked for does not exist for this kind of variable.

    Integers take `log`, `bounded`, `unary`, `onehot`, `domainwall` or `order`; choices take `onehot` or `domainwall`.
    """

    code: ClassVar[str] = "Q0632"
    title: ClassVar[str] = "a {domain} cannot be encoded as {encoding}"
    label: ClassVar[str] = "the encoding of `{name}`"
    help: ClassVar[str] = "use one of: {allowed}"

    name: str
    domain: str
    encoding: str
    allowed: str


class TooManyBits(Error):
    """A variable needs more bits than any target could hold.

    Unary, one-hot and domain-wall codes spend one bit a value; `encoded as log` spends one bit a
    doubling of the range.
    """

    code: ClassVar[str] = "Q0633"
    title: ClassVar[str] = "`{name}` would need {count:.0f} bits as {encoding}"
    label: ClassVar[str] = "at most {limit} are possible"
    help: ClassVar[str] = "use `encoded as log`, or a smaller range"

    name: str
    count: float
    encoding: str
    limit: int


class TrainingIgnored(Warn):
    """A `train` directive has no effect when the objective is mapped to spins.

    The spin model searches the parameters' grid directly; no gradient step is taken.
    """

    code: ClassVar[str] = "Q0636"
    title: ClassVar[str] = "`train` has no effect on a spin model"
    label: ClassVar[str] = "ignored"


class WrongSample(Error):
    """A sample does not fit the program that it is decoded with.

    A sample has one value, -1 or +1, for every spin of the emitted model, in the model's order.
    """

    code: ClassVar[str] = "Q0637"
    title: ClassVar[str] = "the sample does not fit the program: {found}"
    help: ClassVar[str] = "give one value, -1 or +1, for each of the {expected} spins"

    found: str
    expected: int


class TooManyAuxiliaries(Error):
    """Writing the objective with products of two bits needs more auxiliary bits than allowed.

    Every product of three or more bits is split with auxiliaries. Lower degrees, fewer products, or
    one-hot integers (whose powers stay linear) need fewer.
    """

    code: ClassVar[str] = "Q0670"
    title: ClassVar[str] = "products of degree {degree} need more than {limit} auxiliary bits"
    label: ClassVar[str] = "in this objective and its penalties"
    help: ClassVar[str] = "raise `quadratize{{max-auxiliaries=N}}`, or lower the degree"

    degree: int
    limit: int

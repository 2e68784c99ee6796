"""Wording for the way from tensor expressions to polynomials (Q060x)."""

from __future__ import annotations

from typing import ClassVar

from qevo_compiler.diagnostics.core import Error


class NotPolynomial(Error):
    """An operation on decision variables is no polynomial and none can take its place.

    Sums, products, integer powers, matrix products, indexing and the smooth functions `tanh`,
    `sigmoid`, `exp`, `gelu`, `silu`, `relu`, `abs`, `log`, `sqrt` are legal; the functions are replaced by
    polynomials over the range of their argument.
    """

    code: ClassVar[str] = "Q0601"
    title: ClassVar[str] = "`{operation}` of decision variables is not a polynomial"
    label: ClassVar[str] = "this depends on decision variables"
    help: ClassVar[str] = "use sums, products and whole powers; smooth functions need `approximate-functions` first"

    operation: str


class DivisionByVariable(Error):
    """A `.qir` module divides by decision variables, or raises them to a negative power.

    The language refuses this with Q0219 and Q0221 already.
    """

    code: ClassVar[str] = "Q0602"
    title: ClassVar[str] = "division by an expression of decision variables"
    label: ClassVar[str] = "the divisor depends on decision variables"
    help: ClassVar[str] = "multiply the relation by the divisor, or divide by constants only"


class UnboundedArgument(Error):
    """A function of an expression that has no finite range cannot be replaced by a polynomial.

    The range follows from those of the variables, by interval arithmetic; it has no end where that
    overflows.

    Bad:   var x: binary[2]
           minimize tanh(1e308 * sum(x))
    Good:  minimize tanh(sum(x))
    Good:  approximate tanh degree = 3 on [-1, 1]
    """

    code: ClassVar[str] = "Q0603"
    title: ClassVar[str] = "the argument of `{function}` has no finite range"
    label: ClassVar[str] = "it lies in [{lower:g}, {upper:g}]"
    help: ClassVar[str] = "use smaller numbers or ranges, or say `approximate {function} degree = 4 on [a, b]`"

    function: str
    lower: float
    upper: float


class OutsideDomain(Error):
    """A function is not defined, or not bounded, on the whole range of its argument.

    Bad:   var x: int in [0, 7]
           minimize log(x)
    Good:  var x: int in [1, 8]
           minimize log(x)
    """

    code: ClassVar[str] = "Q0604"
    title: ClassVar[str] = "`{function}` is not defined on the whole range of its argument"
    label: ClassVar[str] = "the argument lies in [{lower:g}, {upper:g}]"
    help: ClassVar[str] = "narrow the variables' ranges so that the argument stays {allowed}"

    function: str
    lower: float
    upper: float
    allowed: str


class TooManyTerms(Error):
    """Multiplying out an expression would give more terms than the limit.

    The limit protects memory; `expand-polynomials{max-terms=N}` moves it. The number of terms of a
    power or a product grows like the product of the factors' numbers of terms.
    """

    code: ClassVar[str] = "Q0605"
    title: ClassVar[str] = "multiplying this out gives about {terms:,} terms, more than {limit:,}"
    label: ClassVar[str] = "this product"
    help: ClassVar[str] = (
        "introduce a variable for a factor, lower the degree, or raise `expand-polynomials{{max-terms=N}}`"
    )

    terms: int
    limit: int


class NotFinite(Error):
    """Coefficients came out infinite or as NaN, or so large that sums and squares of them would overflow.

    The absolute values of all coefficients of the objective, and of a family of constraints, add up to
    at most 1e150; with penalties to at most 1e300.

    Bad:   minimize (1e200 * sum(x))^2
    Good:  minimize sum(x)^2
    """

    code: ClassVar[str] = "Q0606"
    title: ClassVar[str] = "{what} has coefficients that are too large or not finite"
    label: ClassVar[str] = "their sum in absolute value exceeds {limit:g}"
    help: ClassVar[str] = "scale the problem down, or look for a product or power that overflows"

    what: str
    limit: float


class NothingToDecide(Error):
    """A program with parameters but without decision variables states nothing to sample.

    A parameter with a range and bits becomes a decision variable.

    Bad:   param theta: real[2] = [0.1, 0.05]
    Good:  param theta: real[2] = [0.1, 0.05] in [-1, 1] bits 6
    """

    code: ClassVar[str] = "Q0607"
    title: ClassVar[str] = "the program has parameters but nothing to decide"
    label: ClassVar[str] = "`{symbol}` has no range and bits"
    help: ClassVar[str] = "write `param {symbol}: ... in [lo, hi] bits b`"

    symbol: str


class BadInterval(Error):
    """The interval or the degree of an `approximate` line is of no use.

    Good:  approximate tanh degree = 3 on [-1, 1]
    """

    code: ClassVar[str] = "Q0608"
    title: ClassVar[str] = "`{function}` cannot be approximated with {what}"
    label: ClassVar[str] = "asked for here"
    help: ClassVar[str] = "give a degree from 0 to 40 and an interval with a < b"

    function: str
    what: str


class TooLargeToShow(Error):
    """The symbolic view (`--emit latex`, `to_sympy`) is for problems that a person can read.

    The packed form has no such limit: `--stop-after expand-polynomials` prints any problem.
    """

    code: ClassVar[str] = "Q0609"
    title: ClassVar[str] = "{size:,} terms are too many for the symbolic view"
    help: ClassVar[str] = "it shows up to {limit:,} terms; `--stop-after expand-polynomials` prints any number"

    size: int
    limit: int

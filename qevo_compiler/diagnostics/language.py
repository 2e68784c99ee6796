"""Wording for names, types, shapes and statements of a problem (Q02xx)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from qevo_compiler.diagnostics.core import Error, counted
from qevo_compiler.source import Span


def show_shape(shape: tuple[int, ...]) -> str:
    """A shape in words: `a scalar`, or `shape [4, 2]`."""
    return f"shape [{', '.join(map(str, shape))}]" if shape else "a scalar"


@dataclass(frozen=True)
class UnknownName(Error):
    """A name is used that nothing declares.

    Names come from `data`, `var`, `param`, `let`, `where`, from a size in the shape of data, and from
    the `for` of a comprehension or constraint, where they end with the closing bracket or the line.

    Bad:   data weight: int[n] = [4, 2]
           minimize sum(wieght)
    Good:  minimize sum(weight)
    """

    code: ClassVar[str] = "Q0201"
    title: ClassVar[str] = "unknown name `{name}`"
    label: ClassVar[str] = "not declared"
    help: ClassVar[str] = "{suggestion}"

    name: str
    suggestion: str


@dataclass(frozen=True)
class UnknownFunction(Error):
    """A function is called that the language does not have.

    Reductions: sum, prod, mean, dot, norm2, max, min, len. Smooth functions: tanh, sigmoid, exp, gelu,
    silu, relu, abs, log, sqrt.

    Bad:   minimize total(x)
    Good:  minimize sum(x)
    """

    code: ClassVar[str] = "Q0202"
    title: ClassVar[str] = "unknown function `{name}`"
    label: ClassVar[str] = "{advice}"
    help: ClassVar[str] = "{suggestion}"

    name: str
    advice: str
    suggestion: str


@dataclass(frozen=True)
class DuplicateName(Error):
    """Two declarations, or two constraints, share a name.

    Bad:   var x: binary
           var x: spin
    Good:  var x: binary
           var s: spin
    """

    code: ClassVar[str] = "Q0203"
    title: ClassVar[str] = "`{name}` is declared twice"
    label: ClassVar[str] = "declared again here"
    help: ClassVar[str] = "give one of the two another name"

    name: str
    first: Span | None

    def related(self) -> Iterable[tuple[Span, str]]:
        return () if self.first is None else ((self.first, "declared first here"),)


@dataclass(frozen=True)
class CircularDefinition(Error):
    """A name is defined by way of itself.

    Bad:   let a = b + 1
           let b = a + 1
    Good:  let a = 1
           let b = a + 1
    """

    code: ClassVar[str] = "Q0204"
    title: ClassVar[str] = "`{name}` is defined by way of itself"
    label: ClassVar[str] = "its definition comes back to here"

    name: str


@dataclass(frozen=True)
class UnboundSize(Error):
    """A size is used in a shape and nothing says how large it is.

    The shape of data binds sizes, and so does `where`. The shape of a variable only uses them.

    Bad:   var x: binary[n]
    Good:  var x: binary[n] where n = 4
    """

    code: ClassVar[str] = "Q0205"
    title: ClassVar[str] = "nothing says how large `{name}` is"
    label: ClassVar[str] = "this size has no value"
    help: ClassVar[str] = "{advice}"

    name: str
    advice: str


@dataclass(frozen=True)
class SizesDisagree(Error):
    """A size is bound twice, to different values.

    Bad:   data profit: int[n] = [8, 3, 5]
           data weight: int[n] = [4, 2]
    Good:  data weight: int[n] = [4, 2, 3]
    """

    code: ClassVar[str] = "Q0206"
    title: ClassVar[str] = "`{name}` would be both {first} and {second}"
    label: ClassVar[str] = "`{name}` is {second} here"

    name: str
    first: int
    second: int
    other: Span | None

    def related(self) -> Iterable[tuple[Span, str]]:
        return () if self.other is None else ((self.other, f"`{self.name}` is {self.first} here"),)


@dataclass(frozen=True)
class ShapesDoNotFit(Error):
    """Two arrays are combined element by element and their shapes do not broadcast.

    As in NumPy, shapes are compared from the last axis backwards; two lengths fit when they are equal
    or one of them is 1.

    Bad:   data a: int[2] = [1, 2]
           data b: int[3] = [1, 2, 3]
           let c = a + b
    Good:  let c = sum(a) + sum(b)
    """

    code: ClassVar[str] = "Q0207"
    title: ClassVar[str] = "the shapes do not fit"
    label: ClassVar[str] = "{first} with {second}"

    left: tuple[int, ...]
    right: tuple[int, ...]

    @property
    def first(self) -> str:
        return show_shape(self.left)

    @property
    def second(self) -> str:
        return show_shape(self.right)


@dataclass(frozen=True)
class MatrixShapes(ShapesDoNotFit):
    """A matrix product needs the last axis of its left side as long as the first of its right side.

    More exactly the last but one axis of the right side, when that has more than one; neither side may
    be a scalar.

    Bad:   data X: real[3, 2] = [[1, 2], [3, 4], [5, 6]]
           data y: real[3] = [1, 2, 3]
           let z = X @ y
    Good:  let z = X.T @ y
    """

    code: ClassVar[str] = "Q0208"
    title: ClassVar[str] = "these cannot be multiplied with `@`"
    help: ClassVar[str] = "`.T` transposes; `*` multiplies element by element"


@dataclass(frozen=True)
class TooManyIndices(Error):
    """An array is indexed along more axes than it has.

    Bad:   data a: int[3] = [1, 2, 3]
           let b = a[0, 1]
    Good:  let b = a[0]
    """

    code: ClassVar[str] = "Q0209"
    title: ClassVar[str] = "too many indices"
    label: ClassVar[str] = "{indices} for {what}"

    count: int
    shape: tuple[int, ...]

    @property
    def indices(self) -> str:
        return counted(self.count, "index", "indices")

    @property
    def what(self) -> str:
        return show_shape(self.shape)


@dataclass(frozen=True)
class IndexOutOfRange(Error):
    """An index leaves the array: axes count from 0, so the last element of an axis of n is n - 1.

    A plain negative number counts from the end, as in `x[-1]`. An index that depends on the `for` of a
    comprehension may not become negative, since it would quietly wrap around; write `% n` where that
    is meant.

    Bad:   sum(x[i] * x[i + 1] for i in 0..n)
    Good:  sum(x[i] * x[i + 1] for i in 0..n - 1)
    """

    code: ClassVar[str] = "Q0210"
    title: ClassVar[str] = "index {index} is out of range"
    label: ClassVar[str] = "the axis has {elements}"

    index: int
    size: int

    @property
    def elements(self) -> str:
        return counted(self.size, "element")


@dataclass(frozen=True)
class NotWhole(Error):
    """Something that counts has to be a whole number: an index, the end of a range, a size.

    Bad:   sum(x[i / 2] for i in 0..4)
    Good:  sum(x[i // 2] for i in 0..4)
    """

    code: ClassVar[str] = "Q0211"
    title: ClassVar[str] = "{what} is a whole number"
    label: ClassVar[str] = "this is {found}"

    what: str
    found: str


@dataclass(frozen=True)
class NotConstant(Error):
    """Something has to be known before the program is solved and depends on a decision variable.

    Sizes, ranges, conditions, plain indices, bits and weights are constants, and `%`, `//`, `max` and
    `min` work on constants only.

    Bad:   var k: int in [0, 3]
           minimize sum(x[i] for i in 0..k)
    Good:  minimize sum(x[i] for i in 0..3)
    """

    code: ClassVar[str] = "Q0212"
    title: ClassVar[str] = "{what} has to be a constant"
    label: ClassVar[str] = "this depends on a decision"
    help: ClassVar[str] = "{advice}"

    what: str
    advice: str = ""


@dataclass(frozen=True)
class NotScalar(Error):
    """One number is needed and an array is given.

    Bad:   minimize x * w
    Good:  minimize sum(x * w)
    """

    code: ClassVar[str] = "Q0213"
    title: ClassVar[str] = "{what} is one number"
    label: ClassVar[str] = "this has {found}"
    help: ClassVar[str] = "{advice}"

    what: str
    shape: tuple[int, ...]
    advice: str = ""

    @property
    def found(self) -> str:
        return show_shape(self.shape)


@dataclass(frozen=True)
class NotZeroOne(Error):
    """`not`, `and`, `or`, `xor`, `=>` and `if` work on expressions that are 0 or 1.

    Those are binary variables, integers in [0, 1], truth values, comparisons of a choice with a label,
    products of such expressions, and what these operators give. A spin s becomes one as `(1 + s) / 2`
    in a variable of its own.

    Bad:   var k: int in [0, 3]
           some: (k or x) == 1
    Good:  some: k + x >= 1
    """

    code: ClassVar[str] = "Q0214"
    title: ClassVar[str] = "`{operator}` needs expressions that are 0 or 1"
    label: ClassVar[str] = "this may have other values"

    operator: str


@dataclass(frozen=True)
class ComparesDecisions(Error):
    """A comparison inside an expression depends on decisions in a way that has no polynomial.

    Inside an expression `==` and `!=` compare two 0/1 expressions, or a choice with a label or another
    choice. Every other comparison of decisions is a constraint of its own.

    Bad:   minimize sum(x[i] <= y[i] for i in 0..n)
    Good:  minimize sum(not x[i] or y[i] for i in 0..n)
    """

    code: ClassVar[str] = "Q0215"
    title: ClassVar[str] = "`{operator}` compares decisions inside an expression"
    label: ClassVar[str] = "not a polynomial"
    help: ClassVar[str] = "{advice}"

    operator: str
    advice: str


@dataclass(frozen=True)
class ChoiceAsNumber(Error):
    """A choice stands where a number is needed.

    A choice has a label, not a value. Compare it with a label, or use it as the index of a table.

    Bad:   minimize sum(op)
    Good:  minimize sum(cost[op[i]] for i in 0..6)
    """

    code: ClassVar[str] = "Q0216"
    title: ClassVar[str] = "a choice is no number"
    label: ClassVar[str] = "one of {labels}"
    help: ClassVar[str] = "compare it with a label (`== {example}`), or read a table with it (`cost[...]`)"

    labels: str
    example: str


@dataclass(frozen=True)
class UnknownLabel(Error):
    """A choice is compared with something that is not one of its labels.

    Bad:   var op: choice {skip, pool}
           some: (op == pol) == 1
    Good:  some: (op == pool) == 1
    """

    code: ClassVar[str] = "Q0217"
    title: ClassVar[str] = "{name} is not a label of this choice"
    label: ClassVar[str] = "its labels are {labels}"
    help: ClassVar[str] = "{suggestion}"

    name: str
    labels: str
    suggestion: str


@dataclass(frozen=True)
class TableDoesNotFit(Error):
    """A table read by a choice needs one entry for each label along that axis.

    Bad:   data cost: real[3] = [1, 2, 3]
           var op: choice {skip, pool}
           minimize cost[op]
    Good:  data cost: real[2] = [1, 2]
    """

    code: ClassVar[str] = "Q0218"
    title: ClassVar[str] = "the table does not fit the choice"
    label: ClassVar[str] = "{found}"

    labels: int
    size: int

    @property
    def found(self) -> str:
        return f"{counted(self.labels, 'label')}, and {counted(self.size, 'entry', 'entries')} along this axis"


@dataclass(frozen=True)
class DividesByDecision(Error):
    """Only constants divide.

    Bad:   minimize a / x
    Good:  a constraint `y * x == a` with a variable y for the quotient
    """

    code: ClassVar[str] = "Q0219"
    title: ClassVar[str] = "division by an expression that depends on decisions"
    label: ClassVar[str] = "the divisor has to be a constant"
    help: ClassVar[str] = "multiply both sides of the constraint by it, or give the quotient a variable of its own"


@dataclass(frozen=True)
class DivisionByZero(Error):
    """A constant divides and is zero, perhaps only for some values of the index variables."""

    code: ClassVar[str] = "Q0220"
    title: ClassVar[str] = "division by zero"
    label: ClassVar[str] = "this is zero"


@dataclass(frozen=True)
class BadPower(Error):
    """An expression that depends on decisions is raised to whole, non-negative constant powers only.

    Bad:   minimize x^0.5
    Good:  minimize sqrt(x)
    """

    code: ClassVar[str] = "Q0221"
    title: ClassVar[str] = "this power has no polynomial"
    label: ClassVar[str] = "the exponent has to be {expected}"

    expected: str = "one of 0, 1, 2, ..."


@dataclass(frozen=True)
class EmptyDomain(Error):
    """The range of a variable holds no value: its lower end lies above its upper end.

    Bad:   var k: int in [3, 0]
    Good:  var k: int in [0, 3]
    """

    code: ClassVar[str] = "Q0222"
    title: ClassVar[str] = "`{name}` has no possible value"
    label: ClassVar[str] = "[{low}, {high}] is empty"
    help: ClassVar[str] = "write the smaller end first; both ends are included"

    name: str
    low: str
    high: str


@dataclass(frozen=True)
class BadBits(Error):
    """A real variable has 2^b grid points for a whole number b from 1 to 52.

    Bad:   var x: real in [0, 1] bits 0
    Good:  var x: real in [0, 1] bits 4
    """

    code: ClassVar[str] = "Q0223"
    title: ClassVar[str] = "`{name}` cannot have {bits} bits"
    label: ClassVar[str] = "expected a whole number from 1 to 52"

    name: str
    bits: str


@dataclass(frozen=True)
class BadSize(Error):
    """A size in a shape is a whole number, and at least 1.

    Bad:   var x: binary[0]
    Good:  var x: binary[1]
    """

    code: ClassVar[str] = "Q0224"
    title: ClassVar[str] = "{size} is no size"
    label: ClassVar[str] = "a size is at least 1"

    size: int


@dataclass(frozen=True)
class NeverHolds(Error):
    """A constraint without decision variables is false, so the program has no feasible point.

    Bad:   data capacity: int = 9
           fits: capacity <= 3
    Good:  fits: sum(x) <= 3
    """

    code: ClassVar[str] = "Q0225"
    title: ClassVar[str] = "constraint `{name}` can never hold"
    label: ClassVar[str] = "{left} {relation} {right} is false"
    note: ClassVar[str] = "it depends on no decision variable"

    name: str
    left: str
    relation: str
    right: str


@dataclass(frozen=True)
class ConstraintIndices(Error):
    """The indices in the name of a constraint are those of its `for` parts, each once.

    Bad:   visit[c]: sum(x[c]) == 1
    Good:  visit[c]: sum(x[c]) == 1 for c in 0..n
    """

    code: ClassVar[str] = "Q0226"
    title: ClassVar[str] = "the indices of `{name}` do not match its `for`"
    label: ClassVar[str] = "{advice}"

    name: str
    advice: str


@dataclass(frozen=True)
class BadWeight(Error):
    """The weight of a soft constraint is a positive number.

    Bad:   near: x + y <= 1 weight 0
    Good:  near: x + y <= 1 weight 2.5
    """

    code: ClassVar[str] = "Q0227"
    title: ClassVar[str] = "a weight is a positive number"
    label: ClassVar[str] = "this is {found}"
    help: ClassVar[str] = "leave the weight out for a constraint that must hold"

    found: str


@dataclass(frozen=True)
class WrongArguments(Error):
    """A function is called with too few or too many arguments.

    Bad:   let a = dot(x)
    Good:  let a = dot(x, x)
    """

    code: ClassVar[str] = "Q0228"
    title: ClassVar[str] = "`{function}` takes {expected}"
    label: ClassVar[str] = "{found} given"

    function: str
    expected: str
    found: int


@dataclass(frozen=True)
class UnknownMethod(Error):
    """A directive names a method that does not exist.

    Methods: `anneal linear | exponential | adaptive | points`, `train sgd`, `linearize carleman`;
    `approximate` names one of the smooth functions.

    Bad:   train adam(rate = 0.1, steps = 10)
    Good:  train sgd(rate = 0.1, steps = 10)
    """

    code: ClassVar[str] = "Q0229"
    title: ClassVar[str] = "`{directive}` has no method `{name}`"
    label: ClassVar[str] = "expected {known}"
    help: ClassVar[str] = "{suggestion}"

    directive: str
    name: str
    known: str
    suggestion: str


@dataclass(frozen=True)
class UnknownArgument(Error):
    """A directive has no option of that name.

    Bad:   sample read = 200
    Good:  sample reads = 200
    """

    code: ClassVar[str] = "Q0230"
    title: ClassVar[str] = "`{directive}` has no option `{name}`"
    label: ClassVar[str] = "expected {known}"
    help: ClassVar[str] = "{suggestion}"

    directive: str
    name: str
    known: str
    suggestion: str


@dataclass(frozen=True)
class MissingArgument(Error):
    """A directive lacks an option that it needs.

    Bad:   train sgd(steps = 10)
    Good:  train sgd(rate = 0.1, steps = 10)
    """

    code: ClassVar[str] = "Q0231"
    title: ClassVar[str] = "`{directive}` needs {name}"
    label: ClassVar[str] = "{name} is missing"

    directive: str
    name: str


@dataclass(frozen=True)
class BadArgument(Error):
    """The value of an option has the wrong kind or lies outside its range, or is given twice.

    Bad:   sample reads = 0
    Good:  sample reads = 100
    """

    code: ClassVar[str] = "Q0232"
    title: ClassVar[str] = "`{directive}`: `{name}` cannot be {found}"
    label: ClassVar[str] = "expected {expected}"

    directive: str
    name: str
    found: str
    expected: str


@dataclass(frozen=True)
class RepeatedStatement(Error):
    """A statement that may stand once stands twice.

    Bad:   sample reads = 100
           sample seed = 1
    Good:  sample reads = 100, seed = 1
    """

    code: ClassVar[str] = "Q0233"
    title: ClassVar[str] = "a second `{statement}`"
    label: ClassVar[str] = "stated again here"
    help: ClassVar[str] = "keep one of them"

    statement: str
    first: Span | None

    def related(self) -> Iterable[tuple[Span, str]]:
        return () if self.first is None else ((self.first, "stated first here"),)


@dataclass(frozen=True)
class NotFinite(Error):
    """A computation with constants gives no finite number, such as `log(0)` or `exp(1000)`."""

    code: ClassVar[str] = "Q0234"
    title: ClassVar[str] = "this constant is not a finite number"
    label: ClassVar[str] = "the result is {found}"

    found: str


@dataclass(frozen=True)
class NumberTooLarge(Error):
    """A computation with whole numbers leaves the range of 64 bits.

    Write one of the numbers as a real (`2.0` for `2`) where an approximate value will do.
    """

    code: ClassVar[str] = "Q0235"
    title: ClassVar[str] = "the whole number is too large"
    label: ClassVar[str] = "more than 64 bits"
    help: ClassVar[str] = "write one of the numbers as a real, as in `2.0`"


@dataclass(frozen=True)
class EmptyReduction(Error):
    """`mean`, `max` and `min` need at least one element.

    The sum of nothing is 0 and its product is 1, so those two may be empty.
    """

    code: ClassVar[str] = "Q0236"
    title: ClassVar[str] = "`{function}` of nothing"
    label: ClassVar[str] = "there is no element"

    function: str


@dataclass(frozen=True)
class TooLarge(Error):
    """An array or an index expression has more elements than the compiler can number (2^31 - 1)."""

    code: ClassVar[str] = "Q0237"
    title: ClassVar[str] = "{what} is too large"
    label: ClassVar[str] = "{count:,} elements, and at most 2,147,483,647 can be numbered"

    what: str
    count: int


@dataclass(frozen=True)
class MisplacedLabel(Error):
    """A label stands on its own. It has a meaning only where it is compared with its choice.

    Bad:   minimize cost[conv1]
    Good:  minimize sum(op[i] == conv1 for i in 0..6)
    """

    code: ClassVar[str] = "Q0238"
    title: ClassVar[str] = "the label `{name}` has no value of its own"
    label: ClassVar[str] = "a label of `{variable}`"
    help: ClassVar[str] = "compare it, as in `{variable} == {name}`"

    name: str
    variable: str


@dataclass(frozen=True)
class NoCommonLabel(Error):
    """Two choices are compared that have no label in common, so they are never equal."""

    code: ClassVar[str] = "Q0239"
    title: ClassVar[str] = "these choices have no label in common"
    label: ClassVar[str] = "{left} and {right}"

    left: str
    right: str


@dataclass(frozen=True)
class RepeatedLabel(Error):
    """The labels of a choice have to be different.

    Bad:   var op: choice {skip, skip}
    Good:  var op: choice {skip, pool}
    """

    code: ClassVar[str] = "Q0240"
    title: ClassVar[str] = "the label `{name}` is listed twice"
    label: ClassVar[str] = "listed again here"

    name: str


@dataclass(frozen=True)
class UnevenSlice(Error):
    """The bounds of a slice depend on an index variable, so its length could change from row to row.

    Bad:   sum(sum(x[i:n]) for i in 0..n)
    Good:  sum(x[j] for i in 0..n for j in i..n)
    """

    code: ClassVar[str] = "Q0241"
    title: ClassVar[str] = "a slice whose length depends on an index variable"
    label: ClassVar[str] = "this changes with the index variable"
    help: ClassVar[str] = "iterate over the positions with another `for`"


@dataclass(frozen=True)
class NotIterable(Error):
    """`for` runs over a range `a..b`, a set `{a, b}` or the first axis of an array of constants.

    Bad:   sum(x[i] for i in n)
    Good:  sum(x[i] for i in 0..n)
    """

    code: ClassVar[str] = "Q0242"
    title: ClassVar[str] = "`for` cannot run over this"
    label: ClassVar[str] = "this is {found}"
    help: ClassVar[str] = "write a range `a..b`, a set `{{a, b}}`, or an array of constants"

    found: str


@dataclass(frozen=True)
class NothingToDecide(Error):
    """A program has neither variables nor parameters.

    Bad:   program costs
           data a: int = 3
           minimize a
    Good:  var x: binary
           minimize a * x
    """

    code: ClassVar[str] = "Q0243"
    title: ClassVar[str] = "`{name}` has nothing to decide"
    label: ClassVar[str] = "no `var` and no `param`"
    help: ClassVar[str] = "declare a variable, as in `var x: binary[4]`"

    name: str


@dataclass(frozen=True)
class BadIndex(Error):
    """Something stands in an index that cannot select elements.

    An index is a whole number, an array of whole numbers, a slice, a choice, or an array of truth
    values as long as a one-axis selection.
    """

    code: ClassVar[str] = "Q0244"
    title: ClassVar[str] = "this cannot be an index"
    label: ClassVar[str] = "{found}"

    found: str


@dataclass(frozen=True)
class NoLength(Error):
    """`len` is asked of a single number.

    Bad:   data a: int = 3
           let b = len(a)
    Good:  data a: int[2] = [3, 4]
           let b = len(a)
    """

    code: ClassVar[str] = "Q0245"
    title: ClassVar[str] = "a single number has no length"
    label: ClassVar[str] = "`len` takes an array"


@dataclass(frozen=True)
class BadPythonValue(Error):
    """A Python object was given to a `Problem` that is no number, array or expression of it.

    Accepted are numbers, NumPy arrays (and what `np.asarray` makes numbers of), expressions of the same
    problem, and sympy expressions in the names of its variables.
    """

    code: ClassVar[str] = "Q0250"
    title: ClassVar[str] = "{what} cannot be {found}"
    label: ClassVar[str] = "in this statement"
    help: ClassVar[str] = "{expected}"

    what: str
    found: str
    expected: str


@dataclass(frozen=True)
class ConstraintAsTruth(Error):
    """A constraint was used as a truth value: in `if`, with `and`, or in a chain such as `0 <= x <= 1`.

    Bad:   p.subject_to(0 <= x.sum() <= 3)
    Good:  p.subject_to(x.sum() >= 0)
           p.subject_to(x.sum() <= 3)
    """

    code: ClassVar[str] = "Q0251"
    title: ClassVar[str] = "a constraint is neither true nor false before the problem is solved"
    label: ClassVar[str] = "used as a truth value here"
    help: ClassVar[str] = "hand each comparison to `subject_to` on its own"


@dataclass(frozen=True)
class ForeignExpression(Error):
    """An expression was built from the variables of another `Problem`."""

    code: ClassVar[str] = "Q0252"
    title: ClassVar[str] = "this expression belongs to the problem `{name}`"
    label: ClassVar[str] = "used in another problem here"
    help: ClassVar[str] = "build it from the variables of the problem that uses it"

    name: str


@dataclass(frozen=True)
class UnsupportedSympy(Error):
    """A sympy expression holds something that has no counterpart here.

    Numbers, symbols, indexed symbols, sums, products, whole powers and the smooth functions are read.
    """

    code: ClassVar[str] = "Q0253"
    title: ClassVar[str] = "the sympy expression holds `{found}`"
    label: ClassVar[str] = "in this statement"
    help: ClassVar[str] = "{advice}"

    found: str
    advice: str

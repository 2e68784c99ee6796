"""The compiled sweep: every monomial in turn gives up its option and takes the one that is cheapest now."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, f64, i8, i32, i64, ptr
from qevo_compiler.evaluator.llvm.control import Variable
from qevo_compiler.evaluator.random import xorshift

COMMON = 3
"""Options that the positive and the negative monomials of a block share, where they share any."""

_NUMBERS: dict[str, Scalar] = {
    "monomials": i64,
    "width": i64,
    "building": i64,
    "heat": f64,
    "pull": f64,
    "limit": f64,
    "slope": f64,
    "fixed": f64,
    "opening": f64,
    "positive_opening": f64,
    "reach": f64,
    "alone": f64,
    "slots": i64,
}
_ARRAYS = ("table", "weights", "common", "negative", "named", "state", "random", "choice")


@cache
def sweep_kernel(width: int, noisy: bool) -> Kernel:
    """One sweep over a block with `width` resources in each common option; returns how many changed their option.

    `cover.choose` says what the arrays hold. With `building` set no monomial has an option yet. The arithmetic is
    in `reference.sweep`, number for number.
    """
    k = Kernel(f"quadratization_sweep_{width}{'_noisy' * noisy}", i64, **_NUMBERS, **dict.fromkeys(_ARRAYS, ptr))
    changed, negatives = k.variable(i64, 0), k.variable(i64, 0)
    random = k.variable(i64, k.load(i64, k.random))
    with k.range(0, k.monomials) as i:
        weight = k.load(f64, k.weights, i)
        old = k.load(i8, k.choice, i).to(i64)
        new = k.variable(i64, 0)
        with k.when(weight > 0.0) as sign:
            new.set(_Turn(k, width, noisy, i, weight, random, None).taken(old))
            sign.otherwise()
            row = negatives.get()
            new.set(_Turn(k, width, noisy, i, weight, random, row).taken(old))
            negatives.add(1)
        k.store(new.get().to(i8), k.choice, i)
        changed.add(new.get().differs(old).unsigned(i64))
    k.store(random.get(), k.random)
    k.give(changed.get())
    return k


@dataclass
class _Turn:
    """One monomial's turn; `row` is its number among the negative ones, None for a positive one."""

    k: Kernel
    width: int
    noisy: bool
    monomial: Operand
    weight: Operand
    random: Variable
    row: Operand | None

    def taken(self, old: Operand) -> Operand:
        """Give up the option `old` (-1: none) and take the cheapest, whose number is returned."""
        if self.noisy:
            self._use(old, -1)
        else:
            with self.k.when(old >= 0):
                self._use(old, -1)
        best = self._cheapest()
        self._use(best, 1)
        return best

    @property
    def _first(self) -> int:
        """The number of the first option that is not common."""
        return COMMON if self.width else 0

    def _cheapest(self) -> Operand:
        """The first of the options with the least cost."""
        k = self.k
        self._best, self._least = k.variable(i64, 0), k.variable(f64, float("inf"))
        for option in range(self._first):
            cost = k.fixed
            for resource in self._common(k.constant(i64, option)):
                cost = cost + self._marginal(resource, k.opening, self._strain(k.reach))
            self._offer(k.constant(i64, option), cost)
        if self.row is None:
            self._offer(k.constant(i64, self._first), k.alone)
        else:
            with k.range(0, k.slots) as slot:
                fixed, opening, reach = (k.load(f64, k.table, slot * 4 + j) for j in range(3))
                cost = fixed + self._marginal(self._own(slot), opening, self._strain(reach))
                self._offer(slot + self._first, cost)
        return self._best.get()

    def _offer(self, option: Operand, cost: Operand) -> None:
        if self.noisy:
            cost = cost + self.k.heat * _uniform(self.random)
        cheaper = cost < self._least.get()
        self._least.set(self.k.select(cheaper, cost, self._least.get()))
        self._best.set(self.k.select(cheaper, option, self._best.get()))

    def _marginal(self, resource: Operand, opening: Operand, strain: Operand) -> Operand:
        """What one more user with this coefficient costs a resource."""
        k = self.k
        users = k.load(i32, k.state, resource * 4)
        cost = k.select(users.equals(0), opening, 0.0)
        if self.row is None:
            positives = k.load(i32, k.state, resource * 4 + 1)
            cost = cost + k.select(positives.equals(0), k.positive_opening, 0.0)
        over = k.load(f64, k.state, resource * 2 + 1) + strain - k.limit
        cost = cost + k.slope * k.maximum(over, 0.0)
        near = users.to(f64)
        if not self.noisy:
            # A tenth of the options that name it: the users to expect before anyone has chosen.
            expected = k.load(i32, k.named, resource).to(f64) * 0.1
            near = k.select(k.building.equals(0), near, expected)
        return cost - k.pull * near

    def _use(self, option: Operand, sign: int) -> None:
        """Count the monomial in (sign 1) or out (-1) of its option's resources.

        Without branches, which no machine predicts: what is not there is resource 0.
        """
        k, own = self.k, self.row is not None
        slot = k.maximum(option - self._first, 0)
        resource = self._own(slot) if own else k.constant(i64, 0)
        reach = k.load(f64, k.table, slot * 4 + 2) if own else k.reach
        others: list[Operand] = []
        if self.width:
            common = option < self._first
            resource, *others = (
                k.select(common, found, resource if which == 0 else 0)
                for which, found in enumerate(self._common(k.minimum(option, k.constant(i64, COMMON - 1))))
            )
            reach = k.select(common, k.reach, reach)
        for found in (resource, *others):
            self._count(found, self._strain(reach), sign)

    def _count(self, resource: Operand, strain: Operand, sign: int) -> None:
        """Resource 0 stays as it is: what is counted there goes to resource 1, which is never read for a cost."""
        k = self.k
        resource = k.maximum(resource, 1)
        k.store(k.load(i32, k.state, resource * 4) + sign, k.state, resource * 4)
        if self.row is None:
            k.store(k.load(i32, k.state, resource * 4 + 1) + sign, k.state, resource * 4 + 1)
        load = k.load(f64, k.state, resource * 2 + 1)
        k.store(load + strain if sign > 0 else load - strain, k.state, resource * 2 + 1)

    def _common(self, option: Operand) -> list[Operand]:
        k, start = self.k, self.monomial * (COMMON * self.width) + option * self.width
        return [k.load(i32, k.common, start + j).to(i64) for j in range(self.width)]

    def _own(self, slot: Operand) -> Operand:
        """The resource of a negative monomial's own option."""
        assert self.row is not None
        return self.k.load(i32, self.k.negative, self.row * self.k.slots + slot).to(i64)

    def _strain(self, reach: Operand) -> Operand:
        return self.weight if self.row is None else -self.weight * reach


def _uniform(state: Variable) -> Operand:
    """A number in [0, 1)."""
    return xorshift(state).shift_right(11).to(f64) * 2.0**-53

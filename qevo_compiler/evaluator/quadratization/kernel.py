"""The compiled sweep: every monomial in turn gives up its option and takes the one that is cheapest now."""

from __future__ import annotations

from functools import cache

from qevo_compiler.evaluator.llvm import Kernel, Operand, f64, i16, i32, i64, ptr
from qevo_compiler.evaluator.llvm.builder import Variable


@cache
def sweep_kernel() -> Kernel:
    """One sweep over all monomials; returns how many changed their option. `cover.choose` says what arrays hold.

    With `building` set no monomial has an option yet. The arithmetic is in `reference.sweep`, number for number.
    """
    k = Kernel(
        "quadratization_sweep",
        i64,
        monomials=i64,
        building=i64,
        heat=f64,
        pull=f64,
        limit=f64,
        slope=f64,
        starts=ptr,
        first=ptr,
        second=ptr,
        ways=ptr,
        fixed=ptr,
        weights=ptr,
        kinds=ptr,
        opening=ptr,
        positive_opening=ptr,
        reach=ptr,
        named=ptr,
        users=ptr,
        positives=ptr,
        strain=ptr,
        choice=ptr,
        state=ptr,
    )
    changed = k.variable(i64, 0)
    state = k.variable(i64, k.load(i64, k.state))
    with k.range(0, k.monomials) as i:
        weight = k.load(f64, k.weights, i)
        old = k.load(i32, k.choice, i).to(i64)
        with k.when(old >= 0):
            _use(k, old, weight, -1)
        best = _cheapest(k, i, weight, state)
        _use(k, best, weight, 1)
        k.store(best.to(i32), k.choice, i)
        changed.add(best.differs(old).unsigned(i64))
    k.store(state.get(), k.state)
    k.give(changed.get())
    return k


def _cheapest(k: Kernel, monomial: Operand, weight: Operand, state: Variable) -> Operand:
    """The first of the monomial's options with the least cost."""
    start, stop = k.load(i64, k.starts, monomial), k.load(i64, k.starts, monomial + 1)
    best, least = k.variable(i64, start), k.variable(f64, float("inf"))
    with k.range(start, stop) as option:
        cost = k.variable(f64, k.load(f64, k.fixed, k.load(i16, k.ways, option).to(i64)))
        for resources in (k.first, k.second):
            resource = k.load(i32, resources, option).to(i64)
            with k.when(resource >= 0):
                cost.add(_marginal(k, resource, weight))
        with k.when(k.heat > 0.0):
            cost.add(k.heat * _uniform(state))
        with k.when(cost.get() < least.get()):
            least.set(cost.get())
            best.set(option)
    return best.get()


def _marginal(k: Kernel, resource: Operand, weight: Operand) -> Operand:
    """What one more user with this coefficient costs a resource."""
    kind = k.load(i16, k.kinds, resource).to(i64)
    users, positives = k.load(i32, k.users, resource), k.load(i32, k.positives, resource)
    cost = k.select(users.equals(0), k.load(f64, k.opening, kind), 0.0)
    newly = k.select(positives.equals(0), k.load(f64, k.positive_opening, kind), 0.0)
    cost = cost + k.select(weight > 0.0, newly, 0.0)
    over = k.load(f64, k.strain, resource) + _strain(k, resource, weight) - k.limit
    cost = cost + k.slope * k.maximum(over, 0.0)
    # A tenth of the options that name it: the users to expect before anyone has chosen.
    expected = k.load(i32, k.named, resource).to(f64) * 0.1
    return cost - k.pull * k.select(k.building.equals(0), users.to(f64), expected)


def _use(k: Kernel, option: Operand, weight: Operand, sign: int) -> None:
    """Count the monomial in (sign 1) or out (-1) of its option's resources."""
    positive = (weight > 0.0).unsigned(i32)
    for resources in (k.first, k.second):
        resource = k.load(i32, resources, option).to(i64)
        with k.when(resource >= 0):
            k.store(k.load(i32, k.users, resource) + sign, k.users, resource)
            k.store(k.load(i32, k.positives, resource) + positive * sign, k.positives, resource)
            strain = _strain(k, resource, weight) * float(sign)
            k.store(k.load(f64, k.strain, resource) + strain, k.strain, resource)


def _strain(k: Kernel, resource: Operand, weight: Operand) -> Operand:
    return k.select(weight > 0.0, weight, -weight * k.load(f64, k.reach, k.load(i16, k.kinds, resource).to(i64)))


def _uniform(state: Variable) -> Operand:
    """The next number of a 64-bit xorshift generator (Marsaglia 2003), as a float in [0, 1)."""
    word = state.get()
    word = word ^ (word << 13)
    word = word ^ word.shift_right(7)
    word = word ^ (word << 17)
    state.set(word)
    return word.shift_right(11).to(f64) * 2.0**-53

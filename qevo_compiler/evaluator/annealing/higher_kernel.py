"""Sweeps over polynomials of any degree, without auxiliaries: a site's replicas fill vectors.

Values are floats [sites, replicas], -1 and +1 or 0 and 1. The derivative of the energy in a site's variable is
summed anew at its turn, term by term, the product of a term's other members in the order of the term.
"""

from __future__ import annotations

from functools import cache

from qevo_compiler.evaluator.annealing.acceptance import KEY, Rule, draw, threshold
from qevo_compiler.evaluator.annealing.energy_kernel import SQUARE, turn_tile
from qevo_compiler.evaluator.annealing.sparse_kernel import BLOCK
from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, Type, f32, f64, i32, i64, ptr, vec

_ENTRIES = {"starts": ptr, "places": ptr, "members": ptr, "values": ptr, "fields": ptr}
# Products of more members are made in a loop.
_WRITTEN_OUT = 6


@cache
def polynomial_sweeps(lanes: int, vectors: int, rule: Rule, spins: bool, degrees: tuple[int, ...]) -> Kernel:
    """Visits every site once a sweep, in order. `sites` is a multiple of 4 (entries of the rest are empty).

    `slopes` [sweeps] holds beta / ln 2 in units, for spins twice that.
    """
    k = Kernel(
        f"higher_{rule.value}_{_kind(spins, degrees)}_{lanes}x{vectors}",
        sites=i64, sweeps=i64, sweep=i32, replica=i32, **KEY, **_ENTRIES, slopes=ptr, states=ptr,
    )  # fmt: skip
    type, width = vec(f32, lanes), lanes * vectors
    with k.range(0, k.sweeps) as turn:
        slope = k.load(f32, k.slopes, turn).splat(lanes)
        with k.range(0, k.sites, BLOCK) as base:
            words = [_words(k, lanes, u, base, turn) for u in range(vectors)]
            for part in range(BLOCK):
                site = base + part
                for u, total in enumerate(_slopes_of(k, lanes, vectors, f32, k.states, degrees, site)):
                    place = site * width + u * lanes
                    value = k.load(type, k.states, place)
                    flips = slope * _sign(value, spins) * total > threshold(k, rule, words[u][part])
                    k.store(k.select(flips, _flipped(value, spins), value), k.states, place)
    return k


@cache
def polynomial_descent(lanes: int, vectors: int, spins: bool, degrees: tuple[int, ...]) -> Kernel:
    """One sweep that takes every flip that lowers the energy; returns how many in all replicas."""
    k = Kernel(f"higher_descent_{_kind(spins, degrees)}_{lanes}x{vectors}", i64, sites=i64, **_ENTRIES, states=ptr)
    count = k.variable(i64, 0)
    with k.range(0, k.sites) as site:
        for u, total in enumerate(_slopes_of(k, lanes, vectors, f32, k.states, degrees, site)):
            place = site * (lanes * vectors) + u * lanes
            value = k.load(vec(f32, lanes), k.states, place)
            flips = _sign(value, spins) * total > 0
            k.store(k.select(flips, _flipped(value, spins), value), k.states, place)
            count.add(k.popcount(k.mask_bits(flips)))
    k.give(count.get())
    return k


@cache
def polynomial_slopes(lanes: int, degrees: tuple[int, ...]) -> Kernel:
    """The derivative of the energy at every site of a vector of replicas, into `out` [sites, lanes]."""
    k = Kernel(f"higher_slopes_{_kind(True, degrees)}_{lanes}", sites=i64, **_ENTRIES, states=ptr, out=ptr)
    with k.range(0, k.sites) as site:
        k.store(_slopes_of(k, lanes, 1, f32, k.states, degrees, site)[0], k.out, site * lanes)
    return k


@cache
def polynomial_energies_kernel(lanes: int, real: Scalar, degrees: tuple[int, ...]) -> Kernel:
    """energies [16 * tiles] of `samples` [16 * tiles, size] of bytes, from `PolynomialModel.leading`.

    `values` and `fields` in `real`, in which a site's terms are summed; sums over sites in f64. `turned` is scratch
    for 16 * (size rounded up to 16) elements of `real`.
    """
    k = Kernel(
        f"higher_energies_{real.text}_{_kind(True, degrees)}_{lanes}",
        tiles=i64, size=i64, **_ENTRIES, samples=ptr, turned=ptr, energies=ptr,
    )  # fmt: skip
    vectors = SQUARE // lanes
    with k.range(0, k.tiles) as tile:
        turn_tile(k, real, tile)
        sums = [k.variable(vec(f64, lanes), 0) for _ in range(vectors)]
        with k.range(0, k.size) as site:
            for u, total in enumerate(_slopes_of(k, lanes, vectors, real, k.turned, degrees, site)):
                value = k.load(vec(real, lanes), k.turned, site * SQUARE + u * lanes)
                sums[u].add((total * value).to(f64))
        for u, energy in enumerate(sums):
            k.store(energy.get(), k.energies, tile * SQUARE + u * lanes)
    return k


def _slopes_of(
    k: Kernel, lanes: int, vectors: int, real: Scalar, states: Operand, degrees: tuple[int, ...], site: Operand
) -> list[Operand]:
    """h_i + sum over the entries of a site of value times the product of the other members, of all replicas."""
    type = vec(real, lanes)
    field = k.load(real, k.fields, site).splat(lanes)
    totals = [k.variable(type, field) for _ in range(vectors)]
    for number, degree in enumerate(degrees):
        segment = site * len(degrees) + number
        start, stop = (k.load(i32, k.starts, segment + more).to(i64) for more in (0, 1))
        first = k.load(i64, k.places, segment)
        with k.range(start, stop) as entry:
            members = first + (entry - start) * (degree - 1)
            value = k.load(real, k.values, entry).splat(lanes)
            products = _products(k, type, vectors, states, members, degree - 1)
            for total, product in zip(totals, products, strict=True):
                total.set(k.fma(value, product, total.get()))
    return [total.get() for total in totals]


def _products(k: Kernel, type: Type, vectors: int, states: Operand, first: Operand, count: int) -> list[Operand]:
    """The product of the values of `count` members, of all replicas."""

    def values(number: Operand) -> list[Operand]:
        place = k.load(i32, k.members, number).to(i64) * (type.lanes * vectors)
        return [k.load(type, states, place + u * type.lanes) for u in range(vectors)]

    products = values(first)
    if count <= _WRITTEN_OUT:
        for more in range(1, count):
            products = [a * b for a, b in zip(products, values(first + more), strict=True)]
        return products
    running = [k.variable(type, product) for product in products]
    with k.range(first + 1, first + count) as number:
        for variable, value in zip(running, values(number), strict=True):
            variable.set(variable.get() * value)
    return [variable.get() for variable in running]


def _sign(value: Operand, spins: bool) -> Operand:
    """+1 where a flip takes the derivative away from the energy (once for bits, twice for spins), -1 elsewhere."""
    return value if spins else value + value - 1.0


def _flipped(value: Operand, spins: bool) -> Operand:
    return -value if spins else 1.0 - value


def _words(k: Kernel, lanes: int, u: int, base: Operand, turn: Operand) -> list[Operand]:
    numbers = k.lane_numbers(vec(i32, lanes)) + (k.replica + u * lanes)
    return draw(k, lanes, (base.to(i32), k.sweep + turn.to(i32), numbers))


def _kind(spins: bool, degrees: tuple[int, ...]) -> str:
    return "_".join(["spin" if spins else "bit", *map(str, degrees)])

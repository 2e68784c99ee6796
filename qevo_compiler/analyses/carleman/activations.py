"""Activations as state: training as quadratic sub-steps over weights, products of weights and their adjoints.

A loss is a straight-line program of products: z_k = q_k(w, z_1 .. z_{k-1}) and L = q(w, z) with every q of degree
two. Reverse differentiation a_k = dq/dz_k + sum_j a_j dq_j/dz_k stays quadratic over (w, z, a), and so does the
gradient dq/dw + sum_j a_j dq_j/dw. One step of the optimizer becomes a sub-step for each level of that program, the
last of which moves the weights; adjoints that are affine are written out and take no coordinate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.carleman.monomials import Floats, Ints
from qevo_compiler.analyses.carleman.optimizer import Sgd, gradient, update
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.dialects.poly import AffineMap, Polynomials, arithmetic
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.ir import Array

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Products:
    """Coordinate `weights` + k is row k of `definitions`, of degree at most two over the weights and earlier rows."""

    weights: int
    definitions: Polynomials

    @property
    def count(self) -> int:
        return self.definitions.rows

    @property
    def size(self) -> int:
        """Weights and coordinates."""
        return self.weights + self.count


@dataclass(frozen=True)
class Reverse:
    """Kept adjoints: variable `places[k]` of row k, their definitions for each objective, and the gradients [n rows].

    Variables are numbered weights, products, one place for the adjoint of every product.
    """

    places: Ints
    definitions: tuple[Polynomials, ...]
    gradients: tuple[Polynomials, ...]


@dataclass(frozen=True)
class Program:
    """What every level computes: `rows` of each objective over the coordinates after the optimizer's own state,
    their `level` [K], the gradients, the level after the last, and what the coordinates are called."""

    rows: tuple[Polynomials, ...]
    level: Ints
    gradients: tuple[Polynomials, ...]
    last: int
    names: tuple[str, ...]


def staged_steps(
    products: Products, objectives: Sequence[Polynomials], which: NDArray[np.integer], rule: Sgd
) -> tuple[StepMap, tuple[str, ...]]:
    """The sub-steps of T steps, step t descending on `objectives[which[t]]` (one row each), and the names of the
    coordinates after weights and velocities: `z:K` for products, `a:K` for their adjoints.

    Cost: the terms of the definitions times the number of objectives; nothing of higher degree is formed.
    """
    products, objectives = _without_unused(products, objectives)
    base = products.weights * (2 if rule.momentum else 1)
    program = _program(products, _reverse(products, objectives), base)
    return _assembled(program, which, rule, products.weights, base), program.names


def _without_unused(products: Products, objectives: Sequence[Polynomials]) -> tuple[Products, tuple[Polynomials, ...]]:
    """Only the products that an objective depends on, numbered anew."""
    n, needed = products.weights, np.zeros(products.size, bool)
    for objective in objectives:
        for block in objective.terms:
            needed[block.variables.values.reshape(-1)] = True
    pairs = _dependencies(products.definitions, n)
    for row in range(products.count - 1, -1, -1):
        if needed[n + row]:
            needed[pairs[1][pairs[0] == n + row]] = True
    kept = np.flatnonzero(needed[n:])
    table = np.arange(products.size)
    table[n + kept] = n + np.arange(len(kept))
    definitions = _renamed(arithmetic.select(products.definitions, kept), table)
    return Products(n, definitions), tuple(_renamed(objective, table) for objective in objectives)


def _reverse(products: Products, objectives: Sequence[Polynomials]) -> Reverse:
    """Adjoints from the last level to the first, for all objectives side by side: a coordinate is kept for all."""
    n, size, count = products.weights, products.size, products.count
    level = _levels(_dependencies(products.definitions, n), size)
    slopes = [gradient(objective, size) for objective in objectives]
    uses = _uses(products)
    forms = [_Forms(size + count) for _ in objectives]
    places: list[Ints] = []
    found: list[list[Polynomials]] = [[] for _ in objectives]
    for here in range(int(level.max(initial=0)), -1, -1):
        targets = np.flatnonzero(level[:size] == here)
        targets = targets[targets >= n] if here else np.arange(n)
        rows = [
            arithmetic.add(arithmetic.select(slope, targets), _pulled_back(uses, targets, products, form))
            for slope, form in zip(slopes, forms, strict=True)
        ]
        if not here:
            gradients = tuple(rows)
            break
        curved = np.zeros(len(targets), bool)
        for polynomials in rows:
            curved[polynomials.block(2)[0]] = True
        places.append(targets[curved] + count)
        for polynomials, form, kept in zip(rows, forms, found, strict=True):
            kept.append(arithmetic.select(polynomials, np.flatnonzero(curved)))
            form.replace(targets[~curved] + count, arithmetic.select(polynomials, np.flatnonzero(~curved)))
    definitions = tuple(arithmetic.stack(parts) if parts else Polynomials(0, ()) for parts in found)
    return Reverse(np.concatenate([*places, np.zeros(0, np.int64)]).astype(np.int64), definitions, gradients)


class _Forms:
    """Every variable as an affine form: itself, until an affine adjoint replaces it."""

    def __init__(self, size: int) -> None:
        self._rows = arithmetic.variables(np.arange(size))

    def replace(self, places: Ints, rows: Polynomials) -> None:
        """The variables `places` become the affine `rows`."""
        keep = np.arange(self._rows.rows)
        keep[places] = -1
        spread = np.full(self._rows.rows, -1)
        spread[places] = np.arange(len(places))
        self._rows = arithmetic.add(arithmetic.select(self._rows, keep), arithmetic.select(rows, spread))

    def map(self) -> AffineMap:
        row, names, values = self._rows.block(1)
        starts = np.zeros(self._rows.rows + 1, np.int64)
        np.cumsum(np.bincount(row, minlength=self._rows.rows), out=starts[1:])
        offsets = Array(self._rows.constants())
        return AffineMap(offsets, Array(starts), Array(names[:, 0].astype(np.int32)), Array(values))


@dataclass(frozen=True)
class _Uses:
    """Derivatives of all definitions: d(row of `parent`)/d`target` has the term `value` times `other` (-1: none)."""

    target: Ints
    parent: Ints
    other: Ints
    value: Floats


def _uses(products: Products) -> _Uses:
    parts = []
    for degree in (1, 2):
        row, names, values = products.definitions.block(degree)
        for slot in range(degree):
            # A square stands twice in its list, so the slots add up to its factor 2.
            other = names[:, 1 - slot] if degree == 2 else np.full(len(row), -1)
            parts.append((names[:, slot], row + products.weights, other, values))
    columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    target, parent, other = (next(columns).astype(np.int64) for _ in range(3))
    return _Uses(target, parent, other, next(columns).astype(np.float64))


def _pulled_back(uses: _Uses, targets: Ints, products: Products, form: _Forms) -> Polynomials:
    """The sum over the uses of each target of the parent's adjoint times the derivative."""
    position = np.full(products.size, -1)
    position[targets] = np.arange(len(targets))
    here = position[uses.target] >= 0
    adjoint = uses.parent[here] + products.count
    row, other, value = position[uses.target[here]], uses.other[here], uses.value[here]
    alone = other < 0
    blocks = [
        (row[alone], adjoint[alone, None], value[alone]),
        (row[~alone], np.stack([other[~alone], adjoint[~alone]], axis=1), value[~alone]),
    ]
    return arithmetic.substitute(pack(len(targets), blocks), form.map())


def _program(products: Products, reverse: Reverse, base: int) -> Program:
    """All coordinates numbered after the optimizer's own state, with the level at which each can be computed."""
    n, size = products.weights, products.size
    kept = len(reverse.places)
    table = np.full(size + products.count, -1)
    table[:n] = np.arange(n)
    table[n:size] = base + np.arange(products.count)
    table[reverse.places] = base + products.count + np.arange(kept)
    rows = tuple(
        _renamed(arithmetic.stack([products.definitions, adjoints]), table) for adjoints in reverse.definitions
    )
    gradients = tuple(_renamed(slope, table) for slope in reverse.gradients)
    total = base + products.count + kept
    pairs = [np.concatenate(part) for part in zip(*(_dependencies(r, base) for r in rows), strict=True)]
    level = _levels((pairs[0], pairs[1]), total)
    used = [block.variables.values.reshape(-1) for slope in gradients for block in slope.terms]
    last = 1 + int(level[np.concatenate([*used, np.zeros(0, np.int64)]).astype(np.int64)].max(initial=0))
    adjoints = (reverse.places - size).tolist()
    names = (*(f"z:{k}" for k in range(products.count)), *(f"a:{k}" for k in adjoints))
    return Program(rows, level[base:], gradients, last, names)


def _assembled(program: Program, which: NDArray[np.integer], rule: Sgd, weights: int, base: int) -> StepMap:
    """The sub-steps in turn; what does not differ between steps is made once."""
    shape = len(which), weights
    noise = np.random.default_rng(rule.seed).normal(0.0, rule.noise, shape) if rule.noise else None
    needed = [_needed(rows, slope, base) for rows, slope in zip(program.rows, program.gradients, strict=True)]
    live = [_live(program, mask, base) for mask in needed]
    early = [
        [_sub_step(program, rows, masks, s, base) for s in range(1, program.last)]
        for rows, masks in zip(program.rows, live, strict=True)
    ]
    size = base + len(program.level)
    known: dict[tuple[int, float, bool], Polynomials] = {}
    steps: list[Polynomials] = []
    masks: list[Mask] = []
    for t, (batch, rate) in enumerate(zip(which.tolist(), rule.rates.tolist(), strict=True)):
        key = (batch, rate, t == 0 and rule.dampening != 0)
        if key not in known:
            known[key] = Polynomials(size, update(program.gradients[batch], rate, rule, key[2]).terms)
        moved = known[key]
        if noise is not None:
            moved = arithmetic.add(moved, arithmetic.constants(np.pad(noise[t], (0, size - weights))))
        steps += [*early[batch], moved]
        masks += live[batch]
    return StepMap.from_steps(steps, masks, program.last)


def _needed(rows: Polynomials, slope: Polynomials, base: int) -> Mask:
    """The coordinates [K] that a gradient depends on."""
    needed = np.zeros(base + rows.rows, bool)
    for block in slope.terms:
        needed[block.variables.values.reshape(-1)] = True
    parent, child = _dependencies(rows, base)
    while not needed[child[needed[parent]]].all():
        needed[child[needed[parent]]] = True
    return needed[base:]


def _live(program: Program, needed: Mask, base: int) -> list[Mask]:
    """After each sub-step, which coordinates [base + K] hold a value that is still to be used."""
    count = len(program.level)
    last_use = np.zeros(base + count, np.int64)
    for rows, slope in zip(program.rows, program.gradients, strict=True):
        parent, child = _dependencies(rows, base)
        np.maximum.at(last_use, child, program.level[parent - base])
        for block in slope.terms:
            last_use[block.variables.values.reshape(-1)] = program.last
    own = np.ones(base, bool)
    return [
        np.concatenate([own, needed & (program.level <= s) & (last_use[base:] > s)]) for s in range(1, program.last + 1)
    ]


def _sub_step(program: Program, rows: Polynomials, live: list[Mask], s: int, base: int) -> Polynomials:
    """Sub-step s: coordinates of level s are computed, those still to be used stay, the others go to rest."""
    size = len(live[0])
    fresh = np.zeros(size, bool)
    fresh[base:] = program.level == s
    carried = np.flatnonzero(live[s - 1] & ~fresh)
    identity = (carried, carried[:, None], np.ones(len(carried)))
    computed = np.flatnonzero(live[s - 1] & fresh)
    blocks = [identity]
    for block in arithmetic.select(rows, computed - base).terms:
        blocks.append((computed[block.row.values], block.variables.values, block.coefficients.values))
    return pack(size, blocks)


def _dependencies(rows: Polynomials, base: int) -> tuple[Ints, Ints]:
    """Pairs (coordinate, variable in its definition)."""
    parents = [np.repeat(b.row.values.astype(np.int64) + base, b.degree) for b in rows.terms]
    children = [b.variables.values.reshape(-1).astype(np.int64) for b in rows.terms]
    none = np.zeros(0, np.int64)
    return np.concatenate([*parents, none]), np.concatenate([*children, none])


def _levels(pairs: tuple[Ints, Ints], size: int) -> Ints:
    """One more than the highest level of what a coordinate is made of; 0 for what is not made."""
    parent, child = pairs
    level = np.zeros(size, np.int64)
    level[parent] = 1
    while True:
        higher = level.copy()
        np.maximum.at(higher, parent, level[child] + 1)
        if np.array_equal(higher, level):
            return level
        level = higher


def _renamed(rows: Polynomials, table: NDArray[np.integer]) -> Polynomials:
    blocks = ((b.row.values, table[b.variables.values], b.coefficients.values) for b in rows.terms)
    return pack(rows.rows, blocks)

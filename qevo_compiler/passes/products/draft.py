"""The quadratic polynomial under construction: its terms, its auxiliaries and what they carry."""

from __future__ import annotations

import numpy as np

from qevo_compiler.dialects.ising.auxiliaries import AT_LEAST, DIGIT, Auxiliaries
from qevo_compiler.ir.deferred import kept_as, one_number
from qevo_compiler.passes.products import gadgets
from qevo_compiler.passes.products.monomials import Floats, Kept, Later, Monomials, Names, Term


class TooMany(Exception):
    """More auxiliaries would be needed than allowed."""


class Draft:
    """Auxiliaries are numbered from `bits` on in order of making; making more than `limit` raises `TooMany`."""

    def __init__(self, bits: int, limit: int) -> None:
        self.bits = bits
        self.count = 0
        self._limit = limit
        self._terms: list[Term | Later] = []
        self._products: list[tuple[int, Kept]] = []
        self._plus, self._minus = np.zeros(0), np.zeros(0)
        self._kinds: list[int] = []
        self._members: list[Kept] = []
        self._parameters: list[Kept] = []

    def add(self, *terms: Term | Later) -> None:
        """Terms of degree at most 2 as they are."""
        self._terms += [part for part in terms if len(part)]

    def products(self, members: Kept) -> Names:
        """An auxiliary for each product of `members` [m, k]; their numbers [m]."""
        first, degree = self.bits + self.count, members.shape[1]
        members = np.asfortranarray(members, np.min_scalar_type(first))  # terms are made of its columns
        self._make(AT_LEAST, members, one_number(len(members), degree, np.min_scalar_type(degree)))
        self._products.append((first, members))
        return np.arange(first, first + len(members), dtype=np.int32)

    def carry(self, products: Names, coefficients: Floats) -> None:
        """Say that terms with these coefficients contain these auxiliaries for products."""
        plus, minus = self._loads()
        places = products - self.bits
        np.add.at(plus, places, np.maximum(coefficients, 0))
        np.add.at(minus, places, np.maximum(-coefficients, 0))

    def alone(self, block: Monomials) -> None:
        """A private gadget for every monomial: the one with fewer auxiliaries where it is positive."""
        negative = block.where(block.weights < 0)
        if len(negative):
            z = self.products(negative.names)
            self.carry(z, negative.coefficients)
            self.add(Term((z,), negative.coefficients))
        positive = block.where(block.weights > 0)
        if len(positive):
            self._positive(positive)

    def terms(self) -> list[Term | Later]:
        """All terms, those of the gadgets for products with them, which the draft lets go of."""
        plus, minus = self._loads()
        terms, self._terms = self._terms, []
        products, self._products = self._products, []
        for first, members in products:
            own = slice(first - self.bits, first - self.bits + len(members))
            terms += gadgets.and_gadget(members, first, plus[own], minus[own])
        self._plus, self._minus = np.zeros(0), np.zeros(0)
        return terms

    def auxiliaries(self) -> Auxiliaries:
        """What the auxiliaries stand for; there has to be one."""
        counts = np.array([len(m) for m in self._members], np.int64)
        sizes = np.array([m.shape[1] for m in self._members], np.int64)
        starts = np.zeros(self.count + 1, np.min_scalar_type(int(counts @ sizes)))
        np.cumsum(np.repeat(sizes.astype(starts.dtype), counts), dtype=starts.dtype, out=starts[1:])
        kinds = np.repeat(np.array(self._kinds, np.uint8), counts)
        members = np.concatenate([m.reshape(-1) for m in self._members])
        arrays = (kinds, "i32"), (starts, "i64"), (members, "i32"), (np.concatenate(self._parameters), "i32")
        return Auxiliaries(*(kept_as(*array) for array in arrays))

    def _positive(self, block: Monomials) -> None:
        few, fewer = gadgets.ishikawa_auxiliaries(block.degree), gadgets.log_auxiliaries(block.degree)
        logarithmic = fewer < few
        each = fewer if logarithmic else few
        first = self.bits + self.count
        z = np.arange(first, first + len(block) * each, dtype=np.int32).reshape(-1, each)
        steps = np.arange(1, each + 1, dtype=np.int32) * (1 if logarithmic else 2)
        self._make(DIGIT if logarithmic else AT_LEAST, np.repeat(block.names, each, 0), np.tile(steps, len(block)))
        gadget = gadgets.log_gadget if logarithmic else gadgets.ishikawa_gadget
        self.add(*gadget(block, z))

    def _make(self, kind: int, members: Kept, parameters: Kept) -> None:
        self.count += len(members)
        if self.count > self._limit:
            raise TooMany
        self._kinds.append(kind)
        self._members.append(members)
        self._parameters.append(parameters)

    def _loads(self) -> tuple[Floats, Floats]:
        """P and N of every auxiliary so far."""
        if len(self._plus) < self.count:
            more = np.zeros(self.count - len(self._plus))
            self._plus, self._minus = np.append(self._plus, more), np.append(self._minus, more)
        return self._plus, self._minus

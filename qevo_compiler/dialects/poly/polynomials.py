"""Families of polynomials as packed arrays: no object per term, whatever the size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects.poly.pair_arrays import GroupPairs, PairNames
from qevo_compiler.ir import Array, Attribute, EnumAttribute
from qevo_compiler.ir.deferred import kept, narrowed

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]


class Vartype(EnumAttribute):
    """What a bit is: 0/1 with x^2 = x, or -1/+1 with s^2 = 1."""

    BINARY = "binary"
    SPIN = "spin"


@dataclass(frozen=True)
class Terms(Attribute):
    """The monomials of one degree d: `row` [m], `variables` [m, d] and `coefficients` [m]."""

    name: ClassVar[str] = "terms"
    row: Array
    variables: Array
    coefficients: Array

    @property
    def degree(self) -> int:
        return self.variables.shape[1]

    @cached_property
    def squarefree(self) -> bool:
        """Whether no variable repeats inside a term; variables ascend inside a term."""
        if self.degree < 2 or isinstance(self.variables, PairNames | GroupPairs):
            return True
        columns = kept(self.variables).T
        return not any(bool((left == right).any()) for left, right in pairwise(columns))

    @cached_property
    def columns(self) -> tuple[Array, ...]:
        """The variables of each place in the terms, [m] each: what is known of them is kept with them."""
        return tuple(Array(column) for column in self.variables.values.T)

    def narrowed(self) -> Terms:
        """The same terms in less memory, where numbers are small or whole, until somebody asks for them."""
        return Terms(self.row, narrowed(self.variables), narrowed(self.coefficients))

    def __len__(self) -> int:
        return self.row.size


def state_squarefree(terms: Terms) -> None:
    """Note that no variable repeats inside a term, for whoever asks later."""
    terms.__dict__["squarefree"] = True


@dataclass(frozen=True)
class Polynomials(Attribute):
    """`rows` polynomials over numbered variables.

    Canonical (see `canonical`): blocks by ascending degree, none empty; in each block terms sorted by
    row, then variables; variables ascending inside a term (a repeated variable is a power); no two
    terms alike and no zero coefficient.
    """

    name: ClassVar[str] = "polynomials"
    rows: int
    terms: tuple[Terms, ...]

    @property
    def degree(self) -> int:
        """The highest degree of a term; 0 for constants."""
        return max([block.degree for block in self.terms], default=0)

    def __len__(self) -> int:
        """How many terms there are."""
        return sum([block.row.size for block in self.terms])

    def block(self, degree: int) -> tuple[Ints, Ints, Floats]:
        """Rows, variables and coefficients of the terms of one degree (empty arrays when there are none)."""
        for block in self.terms:
            if block.degree == degree:
                return block.row.values, block.variables.values, block.coefficients.values
        return np.zeros(0, np.int32), np.zeros((0, degree), np.int32), np.zeros(0)

    def constants(self) -> Floats:
        """The constant term of every row."""
        row, _, coefficients = self.block(0)
        return np.bincount(row, coefficients, self.rows).astype(np.float64)


@dataclass(frozen=True)
class AffineMap(Attribute):
    """Variable i is `offsets[i] + sum weights[k] bit[bits[k]]` for k in `starts[i] .. starts[i + 1]`."""

    name: ClassVar[str] = "affine"
    offsets: Array
    starts: Array
    bits: Array
    weights: Array

    @property
    def size(self) -> int:
        """How many variables the map defines."""
        return self.offsets.size

    def evaluate(self, bits: NDArray[np.generic]) -> Floats:
        """Values [..., size] of the variables for bit values [..., bits]."""
        counts = np.diff(self.starts.values)
        products = bits[..., self.bits.values].astype(np.float64) * self.weights.values
        values = np.empty((*bits.shape[:-1], self.size))
        values[...] = self.offsets.values
        filled = counts > 0
        if filled.any():
            # Empty forms are left out: reduceat would give them their neighbour's first product.
            values[..., filled] += np.add.reduceat(products, self.starts.values[:-1][filled], axis=-1)
        return values

    @staticmethod
    def empty(size: int) -> AffineMap:
        """`size` variables that are 0."""
        none = np.zeros(0)
        starts = np.zeros(size + 1, np.int64)
        return AffineMap(Array(np.zeros(size)), Array(starts), Array(none.astype(np.int32)), Array(none))

    @staticmethod
    def concatenate(maps: Iterable[AffineMap]) -> AffineMap:
        """One map for the variables of all `maps` in turn."""
        parts = list(maps)
        if len(parts) == 1:
            return parts[0]
        counts = [np.diff(part.starts.values) for part in parts]
        starts = np.concatenate([[0], np.cumsum(np.concatenate([*counts, np.zeros(0, np.int64)]))])
        columns = ("offsets", "bits", "weights")
        offsets, bits, weights = (
            np.concatenate([getattr(part, c).values for part in parts]) if parts else np.zeros(0) for c in columns
        )
        return AffineMap(Array(offsets), Array(starts.astype(np.int64)), Array(bits.astype(np.int32)), Array(weights))


def pack(rows: int, blocks: Iterable[tuple[NDArray[np.integer], NDArray[np.integer], Floats]]) -> Polynomials:
    """Polynomials from (row, variables, coefficients) blocks of any order, merged and canonical."""
    by_degree: dict[int, list[tuple[NDArray[np.integer], NDArray[np.integer], Floats]]] = {}
    for row, variables, coefficients in blocks:
        if len(row):
            by_degree.setdefault(variables.shape[1], []).append((row, variables, coefficients))
    merged = (_merge(by_degree[degree]) for degree in sorted(by_degree))
    return Polynomials(rows, tuple(block for block in merged if len(block)))


def canonical(polynomials: Polynomials) -> Polynomials:
    """The same polynomials in canonical form."""
    return pack(
        polynomials.rows, ((b.row.values, b.variables.values, b.coefficients.values) for b in polynomials.terms)
    )


def _merge(blocks: list[tuple[NDArray[np.integer], NDArray[np.integer], Floats]]) -> Terms:
    row, variables, coefficients = (
        np.concatenate(column) if len(blocks) > 1 else column[0] for column in zip(*blocks, strict=True)
    )
    row = row.astype(np.int32, copy=False)
    variables = sorted_within_terms(variables.astype(np.int32, copy=False))
    packing = _packing(row, variables)
    if packing is not None:
        return _merged_by_key(row, variables, coefficients, packing)
    order, first = group_terms(row, variables)
    if order is not None:
        row, variables, coefficients = row[order], variables[order], coefficients[order]
    if len(first) < len(row):
        row, variables, coefficients = row[first], variables[first], np.add.reduceat(coefficients, first)
    return without_zeros(row, variables, coefficients)


def _merged_by_key(row: Ints, variables: Ints, coefficients: Floats, packing: tuple[int, int]) -> Terms:
    """`_merge` for terms whose row and variables fit into one integer, from which they are read back."""
    key = _packed_key(row, variables, packing[1])
    if (key[1:] > key[:-1]).all():
        return without_zeros(row, variables, coefficients)
    order, key = _stable_order(key)
    differs = key[1:] != key[:-1]
    if order is not None:
        coefficients = coefficients.take(order)
    repeated = not differs.all()
    if repeated:
        first = np.concatenate([[0], np.flatnonzero(differs) + 1])
        key, coefficients = key[first], np.add.reduceat(coefficients, first)
    if order is not None or repeated:
        # Read back from the last variable on, in place: large arrays cost more to touch than to compute.
        variables = np.empty((len(key), variables.shape[1]), np.int32)
        scratch, mask = order if order is not None and not repeated else np.empty_like(key), (1 << packing[1]) - 1
        for column in range(variables.shape[1] - 1, -1, -1):
            variables[:, column] = np.bitwise_and(key, mask, out=scratch)
            key >>= packing[1]
        row = key.astype(np.int32)
    return without_zeros(row, variables, coefficients)


def without_zeros(row: NDArray[np.integer], variables: Ints, coefficients: Floats) -> Terms:
    """The terms whose coefficient is not zero."""
    if not coefficients.all():
        keep = coefficients != 0
        row, variables, coefficients = row[keep], variables[keep], coefficients[keep]
    return Terms(Array(row.astype(np.int32, copy=False)), Array(variables), Array(coefficients))


def sorted_within_terms(variables: Ints) -> Ints:
    """The variables [m, d] of each term in ascending order."""
    if variables.shape[1] < 2 or bool((variables[:, 1:] >= variables[:, :-1]).all()):
        return variables
    if variables.shape[1] == 2:
        left, right = variables.T
        return np.stack([np.minimum(left, right), np.maximum(left, right)], axis=1)
    return np.sort(variables, axis=1)


def group_terms(row: Ints, variables: Ints) -> tuple[NDArray[np.intp] | None, NDArray[np.intp]]:
    """The stable sorting order (None when sorted already) and where each group of equal terms starts."""
    packing = _packing(row, variables)
    if packing is None:
        columns = [row, *variables.T]
        order: NDArray[np.intp] | None = np.lexsort(columns[::-1])
        differs = np.zeros(len(row), bool)
        for column in columns:
            ordered = column[order]
            differs[1:] |= ordered[1:] != ordered[:-1]
    else:
        order, ordered = _stable_order(_packed_key(row, variables, packing[1]))
        differs = np.empty(len(row), bool)
        differs[1:] = ordered[1:] != ordered[:-1]
    differs[:1] = True
    return order, np.flatnonzero(differs)


def _stable_order(key: NDArray[np.int64]) -> tuple[NDArray[np.intp] | None, NDArray[np.int64]]:
    """The stable sorting order (None when sorted already) and the sorted keys.

    A stable order keeps the sum of duplicates the same on every machine. Where key and position fit
    into 63 bits together they are sorted as one number, which is several times faster. `key` is used up.
    """
    if bool((key[1:] >= key[:-1]).all()):
        return None, key
    bits = len(key).bit_length()
    if int(key.max()).bit_length() + bits > 63:
        order = np.argsort(key, kind="stable")
        return order, key[order]
    key <<= bits
    np.bitwise_or(key, np.arange(len(key), dtype=np.int32 if bits < 32 else np.int64), out=key)
    key.sort()
    order = key & ((1 << bits) - 1)
    key >>= bits
    return order, key


def _packing(row: Ints, variables: Ints) -> tuple[int, int] | None:
    """How many bits rows and variables need, when row and all variables of a term have 63 bits in all."""
    row_bits = int(row.max(initial=0)).bit_length()
    bits = int(variables.max(initial=0)).bit_length()
    return (row_bits, bits) if row_bits + bits * variables.shape[1] <= 63 else None


def _packed_key(row: Ints, variables: Ints, bits: int) -> NDArray[np.int64]:
    """Row and variables as one integer that sorts like the tuple."""
    key = row.astype(np.int64)
    for column in variables.T:
        key <<= bits
        key |= column
    return key

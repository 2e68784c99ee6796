"""The block encoding of a lifted step M from block encodings of the map's coefficients F_j, j >= 1.

A_{k,m} is the sum over j_1 + ... + j_k = m of F_{j_1} (x) ... (x) F_{j_k} (section 1.2 of the specification).
Selectors hold a composition (j_1, ..., j_k) in one-hot form. With w_j = alpha_j gamma^(j-1):

    column side  |m>|0> -> sum over compositions of m of sqrt(prod w / C) |m>|j> + waste
    slots        for i = 1..N, where j_i = j: F_j / alpha_j on slots i..i+j-1, the rest moves up by j - 1
    degrees      |m>|j> -> |k(j)>|j>
    row side     |k>|0> -> sum over compositions with k parts of sqrt(prod w / R) |k>|j> + waste, inverted

so alpha_M = sqrt(C R), C the largest sum of products of w over compositions of one m, R over those of one k. With
gamma such that sum w_j <= 1, R <= 1 and C <= N. N slot-wise calls for each j at most; the selector trees are
multiplexed, 2^(N (1 + |J|)) gates, which is meant for N <= 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qevo_compiler.dialects.gate import Gate
from qevo_compiler.passes.qlsa.block_encoding import BlockEncoding
from qevo_compiler.passes.qlsa.controls import controlled
from qevo_compiler.passes.qlsa.dense_state import tree
from qevo_compiler.passes.qlsa.dilation import dilation
from qevo_compiler.passes.qlsa.fragment import Floats, Fragment, gates, join, tidy
from qevo_compiler.passes.qlsa.multiplexer import multiplexed
from qevo_compiler.passes.qlsa.sparse_access import flagged_levels

ORDER_LIMIT = 4


@dataclass(frozen=True)
class _Layout:
    """Qubits: two flags, selectors by part and kind, one ancilla a part, unary degree, slots."""

    order: int
    kinds: tuple[int, ...]
    width: int

    def selector(self, part: int, kind: int) -> int:
        return 2 + part * len(self.kinds) + kind

    @property
    def selectors(self) -> list[int]:
        return list(range(2, 2 + self.order * len(self.kinds)))

    @property
    def dilated(self) -> list[int]:
        """The ancilla of each part's coefficients; none where a coefficient is one number."""
        first = 2 + len(self.selectors)
        return list(range(first, first + self.order)) if self.width else []

    @property
    def ancillas(self) -> int:
        return 2 + len(self.selectors) + len(self.dilated)

    @property
    def degree(self) -> list[int]:
        return list(range(self.ancillas, self.ancillas + self.order))

    def slot(self, part: int) -> list[int]:
        first = self.ancillas + self.order + part * self.width
        return list(range(first, first + self.width))


def carleman_encoding(coefficients: Mapping[int, Floats], order: int, gamma: float = 1.0) -> BlockEncoding:
    """M rescaled by `gamma` (u = gamma v) on N unary degree qubits and N slots of ceil(log2 n) qubits.

    `coefficients[j]` is F_j [n, n^j]. Degree k is 1^k 0^(N-k), y_k stands in the first k slots. Raises `ValueError`
    for a constant term F_0 (move the pivot to a fixed point, or add a coordinate that is 1), for an order
    outside 1..`ORDER_LIMIT`, and for coefficients that are all zero.
    """
    if np.any(coefficients.get(0, 0.0)):
        raise ValueError("the structured encoding takes maps without a constant term")
    if not 1 <= order <= ORDER_LIMIT:
        raise ValueError(f"the structured encoding takes orders 1 to {ORDER_LIMIT}")
    scaled = {
        j: np.asarray(f, np.float64) * gamma ** (j - 1) for j, f in sorted(coefficients.items()) if 0 < j <= order
    }
    used = {j: f for j, f in scaled.items() if np.any(f)}
    if not used:
        raise ValueError("all coefficients of the map up to the order are zero")
    width = (len(next(iter(used.values()))) - 1).bit_length()
    layout = _Layout(order, tuple(used), width)
    encodings = [dilation(_square(f, j, width)) for j, f in used.items()]
    columns, rows, alpha = _sides(layout, [encoding.alpha for encoding in encodings])
    degree, selectors = layout.degree, layout.selectors
    parts = [
        tree(flagged_levels(columns), [0, *selectors], degree),
        *(_slot_calls(layout, encodings, part) for part in range(order)),
        _new_degrees(layout),
        tree(flagged_levels(rows), [1, *selectors], degree).inverse,
    ]
    return BlockEncoding(tidy(join(parts)), layout.ancillas, order * (1 + width), alpha)


def _square(coefficient: Floats, inputs: int, width: int) -> Floats:
    """F_j as a matrix on j slots: the output in the first, zeros in the others."""
    size, dim = 1 << width, len(coefficient)
    tensor = np.zeros((size,) * (inputs + 1))
    tensor[(slice(0, dim),) * (inputs + 1)] = coefficient.reshape((dim,) * (inputs + 1))
    result = np.zeros((size**inputs, size**inputs))
    result[:: size ** (inputs - 1)] = tensor.reshape(size, -1)
    return result


def compositions(kinds: Sequence[int], order: int) -> Iterator[tuple[int, ...]]:
    """All sequences of kinds with a sum of at most `order`, the empty one first."""
    yield ()
    for head in kinds:
        if head <= order:
            yield from ((head, *rest) for rest in compositions(kinds, order - head))


def _sides(layout: _Layout, alphas: Sequence[float]) -> tuple[Floats, Floats, float]:
    """What the column and the row trees prepare for each reading of the degree qubits, and alpha_M."""
    order, kinds = layout.order, layout.kinds
    weight = dict(zip(kinds, alphas, strict=True))
    found = list(compositions(kinds, order))
    roots = [math.sqrt(math.prod(weight[j] for j in parts)) for parts in found]
    sides = []
    for reading in (sum, len):
        table = np.zeros((1 << order, 1 << len(layout.selectors)))
        for parts, root in zip(found, roots, strict=True):
            table[_unary(reading(parts), order), _one_hot(parts, layout)] = root
        sides.append(table)
    norms = [float(np.sqrt((table**2).sum(axis=1).max())) for table in sides]
    return sides[0] / norms[0], sides[1] / norms[1], norms[0] * norms[1]


def _unary(degree: int, order: int) -> int:
    return ((1 << degree) - 1) << (order - degree)


def _one_hot(parts: Sequence[int], layout: _Layout) -> int:
    total = layout.order * len(layout.kinds)
    places = [i * len(layout.kinds) + layout.kinds.index(j) for i, j in enumerate(parts)]
    return sum(1 << (total - 1 - place) for place in places)


def _slot_calls(layout: _Layout, encodings: Sequence[BlockEncoding], part: int) -> Fragment:
    """F_j on the slots from `part` on where that part is j, and the slots behind it moved up."""
    calls = []
    for kind, (j, encoding) in enumerate(zip(layout.kinds, encodings, strict=True)):
        if part + j > layout.order:
            continue
        inputs = [qubit for slot in range(part, part + j) for qubit in layout.slot(slot)]
        ancilla = layout.dilated[part] if layout.width else 0
        call = encoding.on([ancilla], inputs)
        moves = [_swap(layout, slot, slot + j - 1) for slot in range(part + 1, layout.order - j + 1) if j > 1]
        selector = layout.selector(part, kind)
        calls += [controlled(call, selector), controlled(join(moves), selector)]
    return join(calls)


def _swap(layout: _Layout, first: int, second: int) -> Fragment:
    return gates(Gate.SWAP, layout.slot(first), layout.slot(second))


def _new_degrees(layout: _Layout) -> Fragment:
    """|m>|j> to |k(j)>|j>, one multiplexed ry by 0 or pi for each unary digit."""
    found = list(compositions(layout.kinds, layout.order))
    digits = []
    for digit, qubit in enumerate(layout.degree):
        angles = np.zeros(1 << len(layout.selectors))
        for parts in found:
            angles[_one_hot(parts, layout)] = math.pi * ((len(parts) > digit) - (sum(parts) > digit))
        digits.append(multiplexed(Gate.RY, layout.selectors, qubit, angles))
    return join(digits)

"""Sums that a program writes out term by term, as sums over arrays.

`c[0] * x[0] * x[1] + c[1] * x[0] * x[2] + ...` states one op for every operator. Terms of one form, which differ
only in constants and in the elements that they read, are stated once: the constants as an array, the elements as one
gather. Terms may hold sums themselves, whose terms are grouped in the same way.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from qevo_compiler.dialects import nn
from qevo_compiler.frontend.tensors.align import reinterpret, spread
from qevo_compiler.frontend.tensors.arithmetic import multiply, signed_sum, sum_axes
from qevo_compiler.frontend.tensors.indexing import take
from qevo_compiler.frontend.tensors.value import Shape, Tensor, constant, derived

# Sums of fewer terms stay as they are written.
LONG = 16

# Terms that nest deeper are not looked into: what is built of them recurs.
_DEEPEST = 50

_CHAIN = (nn.AddOp, nn.SubOp, nn.NegOp)
_ELEMENTWISE = (*_CHAIN, nn.MulOp, nn.DivOp, nn.PowerOp, nn.ApplyOp, nn.IndicatorOp)


class Batcher:
    """Finds terms of one form, for the tensors of one program."""

    def __init__(self) -> None:
        self._forms: dict[Tensor, int] = {}
        self._numbers: dict[Hashable, int] = {}
        self._depths: list[int] = []
        self._grouped: set[Tensor] = set()

    def batched(self, root: Tensor) -> Tensor | None:
        """The sum at `root` over arrays; None for what is no long sum of single numbers."""
        if not _is_chain(root) or root in self._grouped:
            return None
        terms, negative = _terms(root)
        if len(terms) < LONG:
            return None
        found = self._summed([terms], np.array([negative]), root)
        # What is left is a sum again, by halves, of terms of different forms.
        self._grouped.update(_nodes(found))
        return found

    def _summed(self, terms: Sequence[Sequence[Tensor]], negative: Any, root: Tensor) -> Tensor:
        """The sums [k] of k lists of terms of the same forms, or the sum of one list.

        `negative` [k, terms] says which are subtracted.
        """
        places: dict[int, list[int]] = {}
        for place, term in enumerate(terms[0]):
            places.setdefault(self._form(term), []).append(place)
        sums, signs = [], []
        for group in places.values():
            nodes = [own[place] for own in terms for place in group]
            minus = negative[:, group]
            sums.append(self._group_sum(nodes, minus, root))
            signs.append(bool(minus.all()))
        return signed_sum(sums, signs, root.span)

    def _group_sum(self, nodes: Sequence[Tensor], minus: Any, root: Tensor) -> Tensor:
        """Sums [k] over the second axis of terms of one form, whose numbers are [k, n], or of a single list."""
        lists, count = minus.shape
        if len(nodes) == 1:
            return nodes[0]
        signs = np.where(minus.reshape(-1), -1, 1)
        whole = self._stacked(nodes)
        if not minus.all() and minus.any():
            whole = multiply(spread(whole, None, (len(nodes),), root.span), constant(signs), root.span)
        shape = (count,) if lists == 1 else (lists, count)
        wide = reinterpret(spread(whole, None, (len(nodes),), root.span), shape, None, root.span)
        return sum_axes(wide, (len(shape) - 1,), root.span)

    def _stacked(self, nodes: Sequence[Tensor]) -> Tensor:
        """Tensors of one form along a new first axis; the one tensor that all of them are as it is."""
        first = nodes[0]
        if all(node is first for node in nodes):
            return first
        if first.is_constant:
            return constant(np.stack([node.constant for node in nodes]))
        shape = (len(nodes), *first.shape)
        kind = _kind(first)
        if _is_chain(first):
            parts = [self._by_form(node) for node in nodes]
            return self._summed([terms for terms, _ in parts], np.array([negative for _, negative in parts]), first)
        if kind is nn.GatherOp:
            places = np.stack([_options(node)["indices"].values for node in nodes])
            return take(first.operands[0], places, shape, None, first.span)
        operands = [self._stacked(column) for column in zip(*(node.operands for node in nodes), strict=True)]
        if kind is nn.SumOp:
            (whole,) = operands
            own = first.operands[0].shape
            whole = spread(whole, None, (len(nodes), *own), first.span)
            return sum_axes(whole, tuple(axis + 1 for axis in _options(first)["axes"]), first.span)
        return self._elementwise(first, operands, shape, all(node.zero_one for node in nodes))

    def _by_form(self, root: Tensor) -> tuple[list[Tensor], list[bool]]:
        """The terms of a sum in an order that sums of the same form share."""
        terms, negative = _terms(root)
        order = sorted(range(len(terms)), key=lambda place: self._form(terms[place]))
        return [terms[place] for place in order], [negative[place] for place in order]

    def _elementwise(self, first: Tensor, operands: Sequence[Tensor], shape: Shape, zero_one: bool) -> Tensor:
        assert first.build is not None
        wide = tuple(spread(operand, None, shape, first.span) for operand in operands)
        return derived(first.build, wide, shape, None, first.span, zero_one)

    def _form(self, root: Tensor) -> int:
        """A number that tensors have in common where they differ in constants and positions alone."""
        stack = [root]
        while stack:
            top = stack[-1]
            if top in self._forms:
                stack.pop()
                continue
            parts = _terms(top)[0] if _is_chain(top) else top.operands if _kind(top) in _OPENED else ()
            waiting = [part for part in parts if part not in self._forms]
            if waiting:
                stack.extend(waiting)
            else:
                self._forms[stack.pop()] = self._number(top, [self._forms[part] for part in parts])
        return self._forms[root]

    def _number(self, tensor: Tensor, parts: Sequence[int]) -> int:
        depth = 1 + max((self._depths[part] for part in parts), default=0)
        key: Hashable = (tensor.shape, _outline(tensor), *(sorted(parts) if _is_chain(tensor) else parts))
        if depth > _DEEPEST or tensor.rows is not None:
            key, depth = id(tensor), 1
        number = self._numbers.setdefault(key, len(self._numbers))
        if number == len(self._depths):
            self._depths.append(depth)
        return number


_OPENED = (*_ELEMENTWISE, nn.SumOp)


def _is_chain(tensor: Tensor) -> bool:
    return not tensor.shape and tensor.rows is None and tensor.build in _CHAIN


def _terms(root: Tensor) -> tuple[list[Tensor], list[bool]]:
    """What a chain of sums and differences adds, from left to right, and whether it is subtracted."""
    terms, negative = [], []
    stack = [(root, False)]
    while stack:
        node, minus = stack.pop()
        if not _is_chain(node):
            terms.append(node)
            negative.append(minus)
        elif node.build is nn.NegOp:
            stack.append((node.operands[0], not minus))
        else:
            left, right = node.operands
            stack += [(right, minus != (node.build is nn.SubOp)), (left, minus)]
    return terms, negative


def _nodes(root: Tensor) -> Iterator[Tensor]:
    """The sums and differences of a chain."""
    stack = [root]
    while stack:
        node = stack.pop()
        if _is_chain(node):
            yield node
            stack += node.operands


def _kind(tensor: Tensor) -> Any:
    """The class of the op that a tensor becomes."""
    return tensor.build.func if isinstance(tensor.build, partial) else tensor.build


def _options(tensor: Tensor) -> dict[str, Any]:
    return tensor.build.keywords if isinstance(tensor.build, partial) else {}


def _outline(tensor: Tensor) -> Hashable:
    """What tensors of one form have in common, apart from their operands."""
    kind = _kind(tensor)
    if tensor.is_constant and not tensor.symbol:
        return tensor.known.dtype.kind
    if _is_chain(tensor):
        return "sum"
    if kind is nn.GatherOp and tensor.operands[0].rows is None:
        return (kind, id(tensor.operands[0]))
    if kind in _OPENED:
        return (kind, *_options(tensor).items())
    return id(tensor)

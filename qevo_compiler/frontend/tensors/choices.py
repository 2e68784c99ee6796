"""Comparing choices: with labels, with labels an index variable runs over, and with each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.language.names import NoCommonLabel, UnknownLabel
from qevo_compiler.frontend.tensors.arithmetic import multiply, sum_axes
from qevo_compiler.frontend.tensors.indexing import Item, select
from qevo_compiler.frontend.tensors.value import Choice, Labels, Tensor, constant, show_labels
from qevo_compiler.source import Span


def is_label(choice: Choice, label: str, span: Span | None) -> Tensor:
    """1 where the choice has this label."""
    return _columns(choice, constant(_place(choice.labels, label, span)), span)


def is_label_of_row(choice: Choice, labels: Labels, span: Span | None) -> Tensor:
    """1 where the choice has the label that its row of `labels` stands for."""
    places = np.array([_place(choice.labels, name, span) for name in labels.names])
    return _columns(choice, constant(places[labels.codes.constant], labels.codes.rows), span)


def is_equal(x: Choice, y: Choice, span: Span | None) -> Tensor:
    """1 where both have the same label: the sum of products of indicators over their common labels."""
    common = [label for label in x.labels if label in y.labels]
    if not common:
        raise CompileError(NoCommonLabel(span, show_labels(x.labels), show_labels(y.labels)))
    left, right = (_columns(c, constant([c.labels.index(label) for label in common]), span) for c in (x, y))
    both = multiply(left, right, span)
    return replace(sum_axes(both, (len(both.shape) - 1,), span), zero_one=True)


def _columns(choice: Choice, places: Tensor, span: Span | None) -> Tensor:
    """The indicators of the labels at `places`, whose axes replace the axis of labels."""
    every = [Item(slice(None), span)] * len(choice.shape)
    return select(choice.indicators, [*every, Item(places, span)], span)


def _place(labels: tuple[str, ...], label: str, span: Span | None) -> int:
    if label not in labels:
        raise CompileError(UnknownLabel(span, f"`{label}`", show_labels(labels), did_you_mean(label, labels)))
    return labels.index(label)

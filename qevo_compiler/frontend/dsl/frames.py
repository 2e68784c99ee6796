"""Index variables: the rows that `for` and `if` span, built as whole arrays.

Every `for` multiplies the rows; every `if` filters them. Cost and memory are linear in the number of
rows times the number of index variables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from qevo_compiler.dialects.poly.counting import counting
from qevo_compiler.frontend.tensors import Labels, Rows, Tensor, constant
from qevo_compiler.frontend.tensors.align import index_dtype, refine
from qevo_compiler.frontend.tensors.value import Values, check_size
from qevo_compiler.source import Span


@dataclass(frozen=True)
class Frame:
    """The index variables in scope and the rows that they run over.

    `read` remembers what index expressions gave, by their text, so that a large table is read once.
    """

    rows: Rows | None = None
    names: dict[str, Tensor | Labels] = field(default_factory=dict)
    read: dict[str, Tensor] = field(default_factory=dict)


ROOT = Frame()


@dataclass(frozen=True)
class Run:
    """What a `for` runs over.

    `counts` says how many values there are, one number for all rows or one a row; `pick(rows, steps)`
    gives the value at each step of each row. Labels are numbered.
    """

    counts: Values
    pick: Callable[[Values, Values], Values]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grid:
    """The rows being built inside `outer`, with a row number of `outer` and a value of each new index a row."""

    outer: Frame
    count: int
    pointer: Values | None
    own: dict[str, tuple[Values, tuple[str, ...]]]

    @staticmethod
    def inside(outer: Frame) -> Grid:
        """The rows of `outer` themselves."""
        if outer.rows is None:
            return Grid(outer, 1, None, {})
        return Grid(outer, outer.rows.count, np.arange(outer.rows.count, dtype=np.int32), {})

    def frame(self) -> Frame:
        """The frame in which expressions see these rows."""
        if not self.own:
            return self.outer
        rows = Rows(self.count, self.outer.rows, self.pointer)
        names: dict[str, Tensor | Labels] = dict(self.outer.names)
        for name, (values, labels) in self.own.items():
            tensor = constant(values, rows)
            names[name] = Labels(labels, tensor) if labels else tensor
        return Frame(rows, names)

    def extended(self, name: str, run: Run, span: Span | None) -> Grid:
        """Each row repeated for every value of one more index."""
        counts = np.broadcast_to(run.counts, (self.count,))
        total = self.count * int(run.counts) if run.counts.ndim == 0 else int(counts.sum(dtype=np.int64))
        check_size(total, "this index expression", span)
        dtype = index_dtype(total)
        if self.count == 1:
            source, steps = np.broadcast_to(np.zeros((), dtype), (total,)), counting(total).astype(dtype, copy=False)
            return self._with(name, run, total, source, steps)
        source = np.repeat(np.arange(self.count, dtype=dtype), run.counts)
        if run.counts.ndim == 0:
            steps = np.tile(np.arange(int(run.counts), dtype=dtype), self.count)
        else:
            ends = np.cumsum(counts, dtype=np.int64)
            steps = np.arange(total, dtype=dtype) - np.repeat((ends - counts).astype(dtype), counts)
        return self._with(name, run, total, source, steps)

    def _with(self, name: str, run: Run, total: int, source: Values, steps: Values) -> Grid:
        own = {key: (np.repeat(values, run.counts, axis=0), labels) for key, (values, labels) in self.own.items()}
        own[name] = (run.pick(source, steps), run.labels)
        pointer = None if self.pointer is None else np.repeat(self.pointer, run.counts)
        return Grid(self.outer, total, pointer, own)

    def filtered(self, keep: Values) -> Grid:
        """Only the rows marked by `keep`."""
        if keep.all():
            return self
        own = {key: (values[keep], labels) for key, (values, labels) in self.own.items()}
        pointer = None if self.pointer is None else self.pointer[keep]
        return Grid(self.outer, int(np.count_nonzero(keep)), pointer, own)


def range_run(start: Tensor, stop: Tensor, rows: Rows | None) -> Run:
    """`start .. stop`, whose ends may depend on the row."""
    low, high = (refine(end, rows) if end.rows is not None else end for end in (start, stop))
    first = low.constant.astype(np.int64, copy=False)
    counts = np.maximum(high.constant.astype(np.int64, copy=False) - first, 0)
    if first.ndim:
        return Run(counts, lambda source, steps: first[source] + steps)
    if first == 0:
        return Run(counts, lambda source, steps: steps)
    return Run(counts, lambda source, steps: steps + first)


def array_run(values: Tensor, rows: Rows | None, labels: tuple[str, ...] = ()) -> Run:
    """The first axis of an array of constants, which may depend on the row."""
    array = refine(values, rows).constant
    counts = np.array(values.shape[0])
    if values.rows is None:
        return Run(counts, lambda source, steps: array[steps], labels)
    return Run(counts, lambda source, steps: array[source, steps], labels)

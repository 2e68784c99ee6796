"""Index variables: the rows that `for` and `if` span, built as whole arrays.

Every `for` multiplies the rows; every `if` filters them. As long as no `for` depends on another one the rows are
all combinations of a few axes, and index variables are kept compact: an `if` joins the axes that it looks at to one.
Otherwise cost and memory are linear in the number of rows times the number of index variables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from math import prod

import numpy as np

from qevo_compiler.frontend.dsl.matching import Match, matching_pairs
from qevo_compiler.frontend.tensors import Labels, Rows, Tensor, constant
from qevo_compiler.frontend.tensors.align import index_dtype, refine
from qevo_compiler.frontend.tensors.value import Values, check_size, compacted
from qevo_compiler.ir.counting import counting
from qevo_compiler.light import light
from qevo_compiler.source import Span


@light(eq=False)
class Frame:
    """The index variables in scope and the rows that they run over.

    `read` remembers what index expressions gave, by their text, so that a large table is read once.
    """

    rows: Rows | None = None
    names: dict[str, Tensor | Labels] = field(default_factory=dict)
    read: dict[str, Tensor] = field(default_factory=dict)


ROOT = Frame()


@light(eq=False)
class Run:
    """What a `for` runs over.

    `counts` says how many values there are, one number for all rows or one a row; `pick(rows, steps)`
    gives the value at each step of each row. Labels are numbered. `even` runs are alike for all rows, which they do
    not look at.
    """

    counts: int | Values
    pick: Callable[[Values, Values], Values]
    labels: tuple[str, ...] = ()
    even: bool = False

    def only(self, places: Values) -> Run:
        """The values at some of the steps of an even run."""
        return Run(len(places), lambda source, steps: self.pick(source, places[steps]), self.labels, True)


@light(eq=False)
class Grid:
    """The rows being built inside `outer`, with a row number of `outer` and a value of each new index a row.

    With `axes` the rows are all combinations of them, and values are compact.
    """

    outer: Frame
    count: int
    pointer: Values | None
    own: dict[str, tuple[Values, tuple[str, ...]]]
    axes: tuple[int, ...] | None = None

    @staticmethod
    def inside(outer: Frame) -> Grid:
        """The rows of `outer` themselves."""
        if outer.rows is None:
            return Grid(outer, 1, None, {}, ())
        return Grid(outer, outer.rows.count, np.arange(outer.rows.count, dtype=np.int32), {})

    def frame(self) -> Frame:
        """The frame in which expressions see these rows."""
        if not self.own and (self.outer.rows is None or self.count == self.outer.rows.count):
            return self.outer
        if self.axes is not None and (len(self.axes) < 2 or not self.count):
            return self._flat().frame()
        rows = Rows(self.count, self.outer.rows, self.pointer, self.axes or ())
        names: dict[str, Tensor | Labels] = dict(self.outer.names)
        for name, (values, labels) in self.own.items():
            tensor = compacted(values, rows) if self.axes else constant(values, rows)
            names[name] = Labels(labels, tensor) if labels else tensor
        return Frame(rows, names)

    def _flat(self) -> Grid:
        """The same rows with a value of each index a row."""
        if self.axes is None:
            return self
        axes, rank, count = self.axes, len(self.axes), self.count

        def written(values: Values) -> Values:
            whole = (*axes, *values.shape[rank:])
            full = values if values.shape == whole else np.broadcast_to(values, whole)
            return full if rank == 1 else full.reshape(count, *values.shape[rank:])

        own = {key: (written(values), labels) for key, (values, labels) in self.own.items()}
        return Grid(self.outer, count, self.pointer, own)

    def extended(self, name: str, run: Run, span: Span | None) -> Grid:
        """Each row repeated for every value of one more index."""
        counts = run.counts
        total = self.count * counts if isinstance(counts, int) else int(counts.sum(dtype=np.int64))
        check_size(total, "this index expression", span)
        if self.axes is not None and run.even:
            return self._crossed(name, run, self.axes, total)
        if self.axes is not None:
            return self._flat().extended(name, run, span)
        dtype = index_dtype(total)
        if self.count == 1:
            source, steps = np.broadcast_to(np.zeros((), dtype), (total,)), counting(total).astype(dtype, copy=False)
            return self._with(name, run, total, source, steps)
        source = np.arange(self.count, dtype=dtype).repeat(counts)
        if isinstance(counts, int):
            steps = np.arange(counts, dtype=dtype)[None].repeat(self.count, axis=0).reshape(-1)
        else:
            ends = np.cumsum(counts, dtype=np.int64)
            steps = np.arange(total, dtype=dtype) - np.repeat((ends - counts).astype(dtype), counts)
        return self._with(name, run, total, source, steps)

    def _with(self, name: str, run: Run, total: int, source: Values, steps: Values) -> Grid:
        own = {key: (values.repeat(run.counts, axis=0), labels) for key, (values, labels) in self.own.items()}
        own[name] = (run.pick(source, steps), run.labels)
        pointer = None if self.pointer is None else self.pointer.repeat(run.counts)
        return Grid(self.outer, total, pointer, own)

    def _crossed(self, name: str, run: Run, axes: tuple[int, ...], total: int) -> Grid:
        """One more axis."""
        rank, length = len(axes), int(run.counts)
        own = {
            key: (values.reshape(*values.shape[:rank], 1, *values.shape[rank:]), labels)
            for key, (values, labels) in self.own.items()
        }
        steps = counting(length)
        values = run.pick(steps, steps)
        own[name] = (values.reshape((1,) * rank + values.shape), run.labels)
        return Grid(self.outer, total, self.pointer, own, (*axes, length))

    def narrowed(self) -> Grid:
        """The same rows, with the index variables of `outer` for these rows alone, not for all of `outer`."""
        if self.pointer is None:
            return self
        known = {name: value for name, value in self.outer.names.items() if name not in self.own}
        codes = {name: value.codes if isinstance(value, Labels) else value for name, value in known.items()}
        labels = {name: value.names if isinstance(value, Labels) else () for name, value in known.items()}
        rows = Rows(self.count, self.outer.rows, self.pointer)
        own = {name: (refine(tensor, rows).constant, labels[name]) for name, tensor in codes.items()}
        return Grid(self.outer, self.count, self.pointer, own | self.own)

    def matched(self, name: str, run: Run, matches: Sequence[Match], rows: Rows | None, span: Span | None) -> Grid:
        """Each row repeated for the values of one more index that fulfil the matches on `rows`. The run is even."""
        if self.axes is None:
            bounds = [np.broadcast_to(refine(m.bounds, rows).constant, (self.count,)) for m in matches]
            source, steps = matching_pairs(matches, bounds, span)
            own = {key: (values[source], labels) for key, (values, labels) in self.own.items()}
            own[name] = (run.pick(source, steps), run.labels)
            return Grid(self.outer, len(source), None if self.pointer is None else self.pointer[source], own)
        return self._matched_across(name, run, matches, self.axes, span)

    def _matched_across(
        self, name: str, run: Run, matches: Sequence[Match], axes: tuple[int, ...], span: Span | None
    ) -> Grid:
        """The axes from the first that a match looks at to the last, and the new one, as one."""
        compact = [m.bounds.known if m.bounds.compact else m.bounds.constant.reshape(axes) for m in matches]
        first = next((axis for axis in range(len(axes)) if any(part.shape[axis] > 1 for part in compact)), 0)
        block = axes[first:]
        bounds = [np.broadcast_to(part.reshape(part.shape[first:]), block).reshape(-1) for part in compact]
        source, steps = matching_pairs(matches, bounds, span)
        own = {key: (_picked(values, first, block, source), labels) for key, (values, labels) in self.own.items()}
        new = run.pick(steps, steps)
        own[name] = (new.reshape((1,) * first + new.shape), run.labels)
        joined = (*axes[:first], len(source))
        return Grid(self.outer, prod(joined), self.pointer, own, joined)

    def filtered(self, keep: Values) -> Grid:
        """Only the rows marked by `keep`, which is compact where it has more than one axis."""
        count = int(np.count_nonzero(keep))
        if count == keep.size:
            return self
        if self.axes is not None:
            return self._joined(keep, self.axes) if keep.ndim == len(self.axes) else self._flat().filtered(keep)
        own = {key: (values[keep], labels) for key, (values, labels) in self.own.items()}
        pointer = None if self.pointer is None else self.pointer[keep]
        return Grid(self.outer, count, pointer, own)

    def _joined(self, keep: Values, axes: tuple[int, ...]) -> Grid:
        """The axes that `keep` looks at, and those between them, as one."""
        looked = [axis for axis, length in enumerate(keep.shape) if length > 1] or [0]
        first, last = looked[0], looked[-1] + 1
        block = axes[first:last]
        places = np.flatnonzero(np.broadcast_to(keep.reshape(keep.shape[first:last]), block))
        own = {key: (_picked(values, first, block, places), labels) for key, (values, labels) in self.own.items()}
        joined = (*axes[:first], len(places), *axes[last:])
        return Grid(self.outer, prod(joined), self.pointer, own, joined)


def _picked(values: Values, first: int, block: tuple[int, ...], places: Values) -> Values:
    """Compact values at places of a block of axes, which begins at axis `first`, as one axis."""
    last = first + len(block)
    before, inner, after = values.shape[:first], values.shape[first:last], values.shape[last:]
    if all(length == 1 for length in inner):
        return values.reshape(*before, 1, *after)
    whole = np.broadcast_to(values, (*before, *block, *after)).reshape(*before, -1, *after)
    return whole.take(places, axis=first)


def range_run(start: Tensor, stop: Tensor, rows: Rows | None) -> Run:
    """`start .. stop`, whose ends may depend on the row."""
    low, high = (refine(end, rows).constant.astype(np.int64, copy=False) for end in (start, stop))
    pick = _steps_from(low)
    if low.ndim or high.ndim:
        return Run(np.maximum(high - low, 0), pick)
    return Run(max(int(high) - int(low), 0), pick, even=True)


def _steps_from(first: Values) -> Callable[[Values, Values], Values]:
    """What picks the value at each step from `first`, one number for all rows or one a row."""
    if first.ndim:
        return lambda source, steps: first[source] + steps
    return (lambda _, steps: steps + first) if first else (lambda _, steps: steps)


def array_run(values: Tensor, rows: Rows | None, labels: tuple[str, ...] = ()) -> Run:
    """The first axis of an array of constants, which may depend on the row."""
    array = refine(values, rows).constant
    count = values.shape[0]
    if values.rows is None:
        return Run(count, lambda _, steps: array[steps], labels, even=True)
    return Run(count, lambda source, steps: array[source, steps], labels)

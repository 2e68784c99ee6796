"""Kernels of sparse operators in compressed rows: products, transposed products, steps, coding of values.

Vectors stand side by side: element i of column c is x[i * width + c], so that the columns of an entry are read as
whole vectors and nothing is gathered. One column alone is read entry by entry, with four sums in flight.
Values are plain numbers, or codes of 8 or 16 bits into a table, which halves what is read from memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from qevo_compiler.evaluator.llvm import Kernel, Operand, Scalar, Type, i8, i16, i32, i64, ptr, vec

_CODES = {8: i8, 16: i16}
HASH_BITS = 18
# How many entries ahead of their use the matrix is fetched.
_AHEAD = 1024


@dataclass(frozen=True)
class Shape:
    """What a kernel is generated for.

    Element type, lanes, vectors side by side, bits of a code (0: plain values), whether a vector is added, whether
    entries are fetched ahead of their use, as is good for matrices that no cache holds, and whether rows are long.
    """

    element: Scalar
    lanes: int
    vectors: int
    code: int = 0
    shifted: bool = False
    ahead: bool = False
    long: bool = False

    @property
    def type(self) -> Type:
        return vec(self.element, self.lanes)

    @property
    def columns(self) -> int:
        """Columns that are worked on together."""
        return self.lanes * self.vectors

    @property
    def unrolled(self) -> int:
        """Entries in flight."""
        return 8 if self.long else max(4 // self.vectors, 1)


@dataclass(frozen=True)
class Matrix:
    """The arrays of an operator inside a kernel."""

    starts: Operand
    columns: Operand
    values: Operand
    table: Operand


@cache
@cache
def product_kernel(shape: Shape) -> Kernel:
    """product(first, stop, width, starts, columns, values, table, x, shift, y): rows first..stop of y = A x + shift.

    `width` is a multiple of the columns worked on together. `shift` is read only where the shape says so.
    """
    pointers: dict[str, Scalar] = dict.fromkeys(("starts", "columns", "values", "table", "x", "shift", "y"), ptr)
    kernel = Kernel("sparse_product", first=i64, stop=i64, width=i64, **pointers)
    matrix = Matrix(kernel.starts, kernel.columns, kernel.values, kernel.table)
    with kernel.range(0, kernel.width, shape.columns) as column, kernel.range(kernel.first, kernel.stop) as row:
        _row(kernel, shape, matrix, row, (kernel.x, kernel.shift, kernel.y), column, kernel.width)
    return kernel


@cache
@cache
def steps_kernel(shape: Shape) -> Kernel:
    """steps(rows, width, steps, keep, which, starts, columns, values, tables, y0, shift, history, a, b).

    y(t + 1) = A[which[t]] y(t) + shift from y0; y(k * keep) goes to history[k], the other vectors to `a` and `b` in
    turn. The arrays of the operators are given as tables of pointers. Columns are carried through all steps
    before the next ones are begun.
    """
    names = ("which", "starts", "columns", "values", "tables", "y0", "shift", "history", "a", "b")
    pointers: dict[str, Scalar] = dict.fromkeys(names, ptr)
    kernel = Kernel("sparse_steps", rows=i64, width=i64, steps=i64, keep=i64, **pointers)
    size = kernel.rows * kernel.width
    with kernel.range(0, kernel.width, shape.columns) as column:
        source = kernel.variable(ptr, kernel.y0)
        with kernel.range(0, kernel.steps) as t:
            which = kernel.load(i64, kernel.which, t)
            tables = (kernel.starts, kernel.columns, kernel.values, kernel.tables)
            matrix = Matrix(*(kernel.load(ptr, table, which) for table in tables))
            kept = (t + 1).unsigned_remainder(kernel.keep).equals(0)
            scratch = kernel.select((t & 1).equals(0), kernel.a, kernel.b)
            place = kernel.address(shape.element, kernel.history, (t + 1) // kernel.keep * size)
            target = kernel.select(kept, place, scratch)
            current = source.get()
            with kernel.range(0, kernel.rows) as row:
                _row(kernel, shape, matrix, row, (current, kernel.shift, target), column, kernel.width)
            source.set(target)
    return kernel


@cache
@cache
def transposed_kernel(shape: Shape) -> Kernel:
    """transposed(rows, width, starts, columns, values, table, x, y): y += A^T x."""
    pointers: dict[str, Scalar] = dict.fromkeys(("starts", "columns", "values", "table", "x", "y"), ptr)
    kernel = Kernel("sparse_transposed", rows=i64, width=i64, **pointers)
    matrix = Matrix(kernel.starts, kernel.columns, kernel.values, kernel.table)
    with kernel.range(0, kernel.width, shape.columns) as column, kernel.range(0, kernel.rows) as row:
        steps = [column + v * shape.lanes for v in range(shape.vectors)]
        start = row * kernel.width
        given = [kernel.load(shape.type, kernel.x, start + step) for step in steps]
        with kernel.range(kernel.load(i64, matrix.starts, row), kernel.load(i64, matrix.starts, row + 1)) as entry:
            target, value = _entry(kernel, shape, matrix, entry)
            for step, x in zip(steps, given, strict=True):
                place = target * kernel.width + step
                kernel.store(kernel.fma(x, value, kernel.load(shape.type, kernel.y, place)), kernel.y, place)
    return kernel


@cache
@cache
def coding_kernel(code: int) -> Kernel:
    """code(n, most, values, codes, table, keys, slots) -> how many distinct values there are, or -1 beyond `most`.

    Values are told apart by their 64 bits and numbered in order of appearance. `keys` (i64) and `slots` (i32, -1
    where free) are the scratch of an open-addressed hash table of 2^HASH_BITS places.
    """
    pointers: dict[str, Scalar] = dict.fromkeys(("values", "codes", "table", "keys", "slots"), ptr)
    kernel = Kernel("code_values", i64, n=i64, most=i64, **pointers)
    count = kernel.variable(i64, 0)
    with kernel.range(0, kernel.n) as i:
        bits = kernel.load(i64, kernel.values, i)
        place = kernel.variable(i64, (bits * -7046029254386353131).shift_right(64 - HASH_BITS))
        with kernel.repeat() as probe:
            slot = kernel.load(i32, kernel.slots, place.get())
            probe.stop_if((slot < 0) | kernel.load(i64, kernel.keys, place.get()).equals(bits))
            place.set((place.get() + 1) & ((1 << HASH_BITS) - 1))
        with kernel.when((kernel.load(i32, kernel.slots, place.get()) < 0) & (count.get() < kernel.most)):
            kernel.store(bits, kernel.keys, place.get())
            kernel.store(bits, kernel.table, count.get())
            kernel.store(count.get().to(i32), kernel.slots, place.get())
            count.add(1)
        slot = kernel.load(i32, kernel.slots, place.get())
        # No room left for a new value: the count says so at the end, whatever is coded from here on.
        with kernel.when(slot < 0):
            count.set(kernel.most + 1)
        kernel.store(slot.to(_CODES[code]), kernel.codes, i)
    kernel.give(kernel.select(count.get() > kernel.most, kernel.constant(i64, -1), count.get()))
    return kernel


def _entry(kernel: Kernel, shape: Shape, matrix: Matrix, entry: Operand) -> tuple[Operand, Operand]:
    """Column and value of an entry."""
    column = kernel.load(i32, matrix.columns, entry).unsigned(i64)
    if not shape.code:
        return column, kernel.load(shape.element, matrix.values, entry)
    code = kernel.load(_CODES[shape.code], matrix.values, entry).unsigned(i64)
    return column, kernel.load(shape.element, matrix.table, code)


def _row(
    kernel: Kernel,
    shape: Shape,
    matrix: Matrix,
    row: Operand,
    vectors: tuple[Operand, Operand, Operand],
    column: Operand,
    width: Operand,
) -> None:
    """y[row] = A[row] x + shift[row] for the columns from `column` on."""
    x, shift, y = vectors
    start, stop = kernel.load(i64, matrix.starts, row), kernel.load(i64, matrix.starts, row + 1)
    sums = [[kernel.variable(shape.type, 0.0) for _ in range(shape.vectors)] for _ in range(shape.unrolled)]

    def add(slot: int, entry: Operand) -> None:
        source, value = _entry(kernel, shape, matrix, entry)
        place = source if shape.columns == 1 else source * width + column
        for v, total in enumerate(sums[slot]):
            total.set(kernel.fma(kernel.load(shape.type, x, place + v * shape.lanes), value, total.get()))

    body = start + (stop - start) // shape.unrolled * shape.unrolled
    with kernel.range(start, body, shape.unrolled) as entry:
        if shape.ahead:
            kernel.prefetch(matrix.values, _CODES.get(shape.code, shape.element), entry + _AHEAD)
            kernel.prefetch(matrix.columns, i32, entry + _AHEAD)
        for slot in range(shape.unrolled):
            add(slot, entry + slot)
    if shape.unrolled > 1:
        with kernel.range(body, stop) as entry:
            add(0, entry)
    for v in range(shape.vectors):
        total = _tree_sum([part[v].get() for part in sums])
        place = row * width + column + v * shape.lanes
        kernel.store(total + kernel.load(shape.type, shift, place) if shape.shifted else total, y, place)


def _tree_sum(parts: list[Operand]) -> Operand:
    """The sum of 2^k operands, by halves."""
    while len(parts) > 1:
        parts = [a + b for a, b in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]

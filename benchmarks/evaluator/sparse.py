"""`python -m benchmarks.evaluator.sparse [--quick] [--out FILE]`: G6 and G8, sparse products against scipy and torch.

Matrices: lifts of quadratic maps, whose values all differ, and steps I + h Q of the continuous system, whose values
are few and can be coded. One thread by CPU seconds, then all threads by wall seconds. The rate is stored entries
times columns a second. The bandwidth that a plain product reaches is put beside that of a dot product of long vectors.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from benchmarks.carleman.loads import RATE, Load, load
from benchmarks.harness import Contender, Row, compare, write_rows
from qevo_compiler.analyses.carleman.lift import lift
from qevo_compiler.analyses.carleman.monomials import FullBasis
from qevo_compiler.evaluator.llvm import thread_count
from qevo_compiler.evaluator.sparse import SparseOperator, propagate

STEPS = 50


def lifted(given: Load) -> sparse.csr_array:
    return lift(given.steps(1), given.start, given.order, constant=False).matrices[0]


def generator(given: Load) -> sparse.csr_array:
    """I + h Q: row a of Q holds the terms of sum_i a_i u^(a - e_i) g_i(u), g the step less the identity, over h."""
    basis = FullBasis.of(given.n, given.order)
    lists, successors = basis.monomials.astype(np.int64), basis.successors
    rows, columns, values = [np.arange(basis.size)], [np.arange(basis.size)], [np.ones(basis.size)]
    for degree in range(1, given.order + 1):
        names = lists[basis.block(degree), :degree]
        for slot in range(degree):
            rest = np.zeros(len(names), np.int64)
            for other in range(degree):
                rest = rest if other == slot else successors[rest, names[:, other]].astype(np.int64)
            for block in given.step.terms:
                if degree - 1 + block.degree > given.order:
                    continue
                starts = np.searchsorted(block.row.values, np.arange(given.n + 1))
                counts = np.diff(starts)[names[:, slot]]
                entry = np.repeat(np.arange(len(names)), counts)
                term = np.arange(len(entry)) + np.repeat(starts[names[:, slot]] - np.cumsum(counts) + counts, counts)
                place = rest[entry]
                for k in range(block.degree):
                    place = successors[place, block.variables.values[term, k]].astype(np.int64)
                own = block.coefficients.values[term]
                if block.degree == 1:
                    own = own - (block.variables.values[term, 0] == names[entry, slot])
                rows.append(entry + int(basis.starts[degree]))
                columns.append(place)
                values.append(own)
    flat = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array(sparse.coo_array(flat, shape=(basis.size, basis.size)).tocsr())


def ours(m: sparse.csr_array, coded: bool, threads: int | None) -> SparseOperator:
    return SparseOperator(m.indptr, m.indices, m.data, m.shape, coded=coded, threads=threads)


def torch_product(m: sparse.csr_array, x: np.ndarray, threads: int) -> Callable[[], np.ndarray]:
    import torch

    torch.set_num_threads(threads)
    starts, columns = torch.from_numpy(m.indptr.astype(np.int64)), torch.from_numpy(m.indices.astype(np.int64))
    held = torch.sparse_csr_tensor(starts, columns, torch.from_numpy(m.data), size=m.shape)
    given = torch.from_numpy(x)
    return lambda: (held @ given).numpy()


def products(
    goal: str, name: str, m: sparse.csr_array, columns: int, coded: bool, threads: int, floor: float, aim: float
) -> Row:
    """A x for one column or many."""
    x = np.random.default_rng(0).normal(size=m.shape[1] if columns == 1 else (m.shape[1], columns))
    work, operator = m.nnz * columns / 1e6, ours(m, coded, threads)
    expected = m @ x

    def check(value: np.ndarray) -> str:
        return f"error {np.abs(value - expected).max() / np.abs(expected).max():.1e}"

    word = f"coded in {operator.code} bits" if coded else "plain"
    sides = [
        Contender(f"qevo {word}", lambda: operator @ x, True, work),
        Contender("scipy", lambda: m @ x, False, work),
        Contender("torch", torch_product(m, x, threads), False, work),
    ]
    clock = time.process_time if threads == 1 else time.perf_counter
    size = m.nnz * 12 / 1e6
    job = f"{goal} {name}, {size:.0f} MB, {columns} columns, {threads} threads"
    # The goals of one column are for matrices of 8 MB and more.
    goals = {"floor": floor, "aim": aim} if columns > 1 or size >= 8 else {}
    return compare(job, "Mnnz/s", sides, check=check, clock=clock, least=0.1, **goals)


def stepping(name: str, m: sparse.csr_array, threads: int) -> Row:
    """T steps, all kept, against products of scipy into a history."""
    start = np.random.default_rng(0).uniform(-0.1, 0.1, m.shape[0])
    operator = ours(m, False, threads)

    def scipys() -> np.ndarray:
        history = np.empty((STEPS + 1, len(start)))
        history[0] = start
        for t in range(STEPS):
            history[t + 1] = m @ history[t]
        return history

    expected = scipys()
    work = m.nnz * STEPS / 1e6
    sides = [
        Contender("qevo", lambda: propagate(operator, start, STEPS)[0], True, work),
        Contender("scipy stepping", scipys, False, work),
    ]
    clock = time.process_time if threads == 1 else time.perf_counter
    return compare(
        f"T={STEPS} steps {name}, {threads} threads",
        "Mnnz/s",
        sides,
        check=lambda value: f"error {np.abs(value - expected).max() / np.abs(expected).max():.1e}",
        clock=clock,
    )


@threadpool_limits.wrap(limits=1)  # the dot product of numpy is BLAS's
def bandwidth(rows: list[Row]) -> None:
    """The bytes a second of a dot product of 256 MB, and the share of it that each plain product reaches."""
    x, y = np.ones(16_000_000), np.ones(16_000_000)
    seconds = []
    for _ in range(7):
        start = time.process_time()
        np.dot(x, y)
        seconds.append(time.process_time() - start)
    read = 2 * x.nbytes / float(np.median(seconds)) / 1e9
    print(f"read bandwidth, one thread: {read:.1f} GB/s")
    for row in rows:
        print(f"    {row.job}: {row.ours.rate * 12e6 / 1e9 / read:.0%} of it by the matrix alone")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="matrices of n = 20 only")
    parser.add_argument("--out", help="a file for the figures as JSON")
    options = parser.parse_args()
    sizes = [20] if options.quick else [20, 30]
    plain = [(f"lift n={n} N=4", lifted(load(n, 4))) for n in sizes]
    few = [(f"I + {RATE} Q n={n} N=4", generator(load(n, 4))) for n in ([20] if options.quick else [30, 50])]
    alone = [products("G6", name, m, 1, False, 1, 1.2, 2.5) for name, m in plain + few]
    bandwidth(alone)
    rows = list(alone)
    for name, m in few:
        rows.append(products("G6", name, m, 1, True, 1, 1.2, 2.5))
    for name, m in plain[-1:] + few[-1:]:
        rows.append(products("G6", name, m, 1, name.startswith("I"), thread_count(), 1.2, 2.5))
    for name, m in plain + few[:1]:
        rows += [products("G8", name, m, columns, False, 1, 1.6, 3.0) for columns in (16, 32)]
        rows.append(stepping(name, m, 1))
    if options.out:
        write_rows(options.out, rows)


if __name__ == "__main__":
    main()

"""Run independent chunks of a kernel's work on threads: the calls release the GIL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from qevo_compiler.evaluator.llvm.host import thread_count

T = TypeVar("T")
R = TypeVar("R")


def run_chunks(
    work: Callable[[T], R],
    chunks: Iterable[T],
    threads: int | None = None,
    stop: Callable[[], None] | None = None,
) -> list[R]:
    """`work` of every chunk, results in the chunks' order. `threads` None means as many as the machine has.

    With one thread or one chunk nothing is started. The first failure (or an interrupt from the keyboard) is
    raised: chunks that have not begun are dropped, and `stop` is called, so that the running ones can end early.
    """
    todo: Sequence[T] = list(chunks)
    count = min(threads or thread_count(), len(todo))
    if count <= 1:
        return [work(chunk) for chunk in todo]
    # Imported when used: small problems start no threads.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(count) as pool:
        pending = [pool.submit(work, chunk) for chunk in todo]
        try:
            return [task.result() for task in pending]
        except BaseException:
            for task in pending:
                task.cancel()
            if stop is not None:
                stop()
            raise

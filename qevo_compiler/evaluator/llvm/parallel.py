"""Run independent chunks of a kernel's work on threads: the calls release the GIL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

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
    return _Team(work, todo, stop).run(count)


class _Team(Generic[T, R]):
    """Threads that take the next chunk until none is left: the standard library's pools take 8 ms to import."""

    def __init__(self, work: Callable[[T], R], todo: Sequence[T], stop: Callable[[], None] | None) -> None:
        self._work, self._todo, self._stop = work, todo, stop
        self._lock = threading.Lock()
        self._next = 0
        self._results: dict[int, R] = {}
        self._failures: dict[int, BaseException] = {}

    def run(self, count: int) -> list[R]:
        team = [threading.Thread(target=self._serve, name=f"chunks-{i}") for i in range(count)]
        started = []
        try:
            for thread in team:
                thread.start()
                started.append(thread)
            for thread in started:
                thread.join()
        except BaseException:  # an interrupt, or no thread to be had: what runs is waited for
            self._drop()
            for thread in started:
                thread.join()
            raise
        if self._failures:
            raise self._failures[min(self._failures)]
        return [self._results[i] for i in range(len(self._todo))]

    def _serve(self) -> None:
        while (place := self._taken()) is not None:
            try:
                self._results[place] = self._work(self._todo[place])
            except BaseException as failure:
                self._failures[place] = failure
                self._drop()

    def _taken(self) -> int | None:
        with self._lock:
            if self._next >= len(self._todo):
                return None
            self._next += 1
            return self._next - 1

    def _drop(self) -> None:
        """Begin no more chunks, and let those that run end early."""
        with self._lock:
            self._next = len(self._todo)
        if self._stop is not None:
            self._stop()

"""Fresh memory of several megabytes: on large pages where those are quick to get, or apart from the heap if it pays.

First touch of memory costs more than writing it: on Linux 2 MB in one large page take 0.1 ms, in 512 small ones
0.8 ms. In a virtual machine whose host takes back what is free and hands it out again when touched, a large page
takes 2 to 4 ms, while small ones mostly come from what the guest kept. So large pages are touched one by one, and
from the first slow one on the rest is taken in small ones. What an array holds does not depend on that.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from functools import cache
from time import thread_time
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Bytes from which on numpy asks for large pages, and the size of one.
LARGE, PAGE = 4 << 20, 2 << 20
# Seconds of this thread for the first touch of a page, above which its memory came from the host.
SLOW = 1e-3

# Bytes from which on memory of its own is worth a call of the system: where the C library begins, too.
_KEPT = 1 << 17

_LARGE_PAGES, _SMALL_PAGES = 14, 15  # MADV_HUGEPAGE, MADV_NOHUGEPAGE


def on_large_pages(*sizes: int) -> tuple[list[NDArray[np.uint8]], bool]:
    """Uninitialised arrays of these bytes from where a large page starts, if they fill one.

    Also whether the memory is there already: if not, writing takes as long as touching it, which threads can share.
    """
    blocks, quick = [], True
    for size in sizes:
        if size < PAGE // 2:
            blocks.append(np.empty(size, np.uint8))
            continue
        block = np.empty(max(size + PAGE, LARGE), np.uint8)
        start = -block.ctypes.data % PAGE
        blocks.append(block[start : start + size])
        quick = _touched(blocks[-1], quick)
    return blocks, quick


def uninitialised(shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """`np.empty`, on large pages where the last one is nearly filled, so that no memory is wasted."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if size < PAGE // 2 or 8 * (-size % PAGE) > size:
        return np.empty(shape, dtype)
    (block,), _ = on_large_pages(size)
    return block.view(dtype).reshape(shape)


def returned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Zeros whose memory, where it is much, goes back to the system with the array: what is freed may be kept."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if size < _KEPT:
        return np.zeros(shape, dtype)
    return np.frombuffer(mmap.mmap(-1, size), dtype).reshape(shape)


def lasting(count: int, dtype: DTypeLike) -> NDArray[Any]:
    """`np.empty` for a result that outlives what it is made from.

    On Linux a large one is a mapping of its own. On the heap it would stand above the room of what was let go of, which
    could then neither go back nor hold a larger array.
    """
    size = count * np.dtype(dtype).itemsize
    if size < LARGE or not sys.platform.startswith("linux"):
        return np.empty(count, dtype)
    block = np.frombuffer(mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), np.uint8)
    advise = _advice()
    if advise is not None:
        advise(block.ctypes.data, size, _LARGE_PAGES)
    _touched(block, True)
    return block.view(dtype)


def give_back() -> None:
    """Hand free room of the heap to the system, before tables with mappings of their own are made beside it.

    The C library keeps what was freed below something that lasts. Cost: microseconds for each megabyte of it.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


def _touched(block: NDArray[np.uint8], quick: bool) -> bool:
    """Touch page after page while they are `quick`, and ask for small pages for the rest; whether all were quick."""
    before = thread_time()
    for start in range(0, len(block), PAGE):
        if not quick:
            advise, rest = _advice(), block[start:]
            if advise is not None and len(rest) >= 4096:
                # Whole pages only: what follows the array may be somebody else's.
                advise(rest.ctypes.data, len(rest) & -4096, _SMALL_PAGES)
            return False
        block[start] = 0
        now = thread_time()
        quick = now - before <= SLOW
        before = now
    return quick


@cache
def _trim() -> Any:
    """The C library's `malloc_trim`, or None where it has none."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None


@cache
def _advice() -> Any:
    """The C library's `madvise`, or None where the system has no such advice."""
    if not sys.platform.startswith("linux"):
        return None
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return advise


def left() -> float | None:
    """Bytes that this process may still take without pushing others out, as far as the system says."""
    found = [size for size in (_free_pages(), _group_room()) if size is not None]
    return min(found, default=None)


def _free_pages() -> float | None:
    """What Linux calls available, which includes what it would drop; elsewhere the free pages."""
    text = _read("/proc/meminfo")
    lines = [line.split() for line in text.splitlines() if line.startswith("MemAvailable:")]
    if lines:
        return float(lines[0][1]) * 1024
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _group_room() -> float | None:
    """What is left to a container, by either version of control groups."""
    pairs = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))
    for limit, used in pairs:
        numbers = [_read(f"/sys/fs/cgroup/{name}").strip() for name in (limit, used)]
        if all(number.isdecimal() for number in numbers):
            return max(float(numbers[0]) - float(numbers[1]), 0.0)
    return None


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""

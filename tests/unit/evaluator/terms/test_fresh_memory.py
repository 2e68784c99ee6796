"""Room for large arrays: where it starts, and that slow pages change nothing but the advice."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from qevo_compiler.evaluator.terms import memory
from qevo_compiler.evaluator.terms.memory import (
    LARGE,
    PAGE,
    give_back,
    lasting,
    on_large_pages,
    returned,
    uninitialised,
)


@pytest.mark.parametrize("size", [0, 1, PAGE // 2 - 1, PAGE // 2, PAGE, 3 * PAGE + 12_345])
@pytest.mark.parametrize("slow", [-1.0, 1e9])
def test_room_is_large_enough_and_starts_with_a_page(size: int, slow: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SLOW", slow)
    rooms, quick = on_large_pages(size, size)
    assert quick == (slow > 0 or size < PAGE // 2)
    for number, room in enumerate(rooms):
        assert (room.dtype, room.shape) == (np.uint8, (size,))
        if size >= PAGE // 2:
            assert room.ctypes.data % PAGE == 0
        room[:] = 7 + number
    assert [int(room.sum(dtype=np.int64)) for room in rooms] == [7 * size, 8 * size]


@pytest.mark.parametrize(("slow", "asked"), [(1e9, []), (-1.0, [3 * PAGE, 2 * PAGE])])
def test_small_pages_are_asked_for_after_a_slow_one(
    slow: float, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[int] = []
    monkeypatch.setattr(memory, "_advice", lambda: lambda start, size, advice: found.append(size))
    monkeypatch.setattr(memory, "SLOW", slow)
    on_large_pages(4 * PAGE + 5, 2 * PAGE)
    assert found == asked


@pytest.mark.parametrize(
    ("length", "placed"), [(1000, False), (PAGE // 8 + 1, False), (PAGE // 8 - 1, True), (PAGE // 4, True)]
)
def test_no_large_page_is_wasted(length: int, placed: bool) -> None:
    found = uninitialised((length, 1), np.float64)
    assert (found.dtype, found.shape) == (np.float64, (length, 1))
    assert found.flags.c_contiguous
    assert (found.base is not None) == placed


@pytest.mark.parametrize("shape", [(0, 3), (5, 4), (1 << 15, 2), (1 << 14, 1)])
def test_what_is_returned_is_zero_and_of_its_own(shape: tuple[int, int]) -> None:
    found, other = returned(shape, np.int32), returned(shape, np.int32)
    assert (found.shape, found.dtype, found.flags.c_contiguous) == (shape, np.int32, True)
    assert not found.any()
    found[:] = 7
    assert not other.any()


@pytest.mark.parametrize("count", [0, 1000, LARGE // 8 - 1, LARGE // 8, LARGE // 8 + 12_345])
@pytest.mark.parametrize("slow", [-1.0, 1e9])
def test_what_lasts_can_be_written_to_its_end(count: int, slow: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SLOW", slow)
    found, other = lasting(count, np.float64), lasting(count, np.float64)
    assert (found.dtype, found.shape) == (np.float64, (count,))
    found.fill(3.0)
    other.fill(4.0)
    assert found.sum() == 3.0 * count


LETTING_GO = """
import os
from pathlib import Path
import numpy as np
from qevo_compiler.evaluator.terms.memory import LARGE, lasting

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

size = 2 * LARGE
before = resident()
for _ in range(4):
    parts = [np.ones(size // 8) for _ in range(3)]
    result = lasting(size // 8, np.float64)
    result.fill(1.0)
    del parts
# The result and about one array at the top of the heap; on the heap the result would pin three more below it.
assert resident() - before < 2.5 * size
assert result[-1] == 1.0
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_lasts_keeps_no_room_of_what_was_let_go_of() -> None:
    # In a process of its own: what the heap keeps depends on all that was freed before.
    subprocess.run([sys.executable, "-c", LETTING_GO], check=True)


def test_giving_room_back_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    held = [np.full(1 << 12, number) for number in range(64)]
    del held[::2]
    give_back()
    assert [int(array[0]) for array in held] == list(range(1, 64, 2))
    assert all((array == array[0]).all() for array in held)
    monkeypatch.setattr(memory, "_trim", lambda: None)
    give_back()  # where the C library has no such call

"""What auxiliaries stand for, against counting by hand, and what `verify` refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadratization_support import states

from qevo_compiler.dialects.ising import RegisterOp, Role, auxiliaries
from qevo_compiler.dialects.ising.auxiliaries import AT_LEAST, DIGIT, Auxiliaries
from qevo_compiler.dialects.poly import Vartype
from qevo_compiler.ir import Array, Invalid

Item = tuple[int, list[int], int]


def made(*items: Item) -> Auxiliaries:
    starts = np.cumsum([0, *(len(members) for _, members, _ in items)]).astype(np.int64)
    members = np.array([m for _, found, _ in items for m in found], np.int32)
    kinds, parameters = (np.array([item[at] for item in items], np.int32) for at in (0, 2))
    return Auxiliaries(Array(kinds), Array(starts), Array(members), Array(parameters))


def by_hand(kind: int, ones: list[bool], parameter: int) -> bool:
    if kind == AT_LEAST:
        return sum(ones) >= parameter
    top = 1
    while top < len(ones):
        top *= 2
    return min(sum(ones) + top - len(ones), top - 1) >> parameter & 1 == 1


@st.composite
def items(draw: st.DrawFn) -> list[Item]:
    found: list[Item] = []
    for own in range(draw(st.integers(0, 6))):
        members = sorted(draw(st.sets(st.integers(0, 6 + own), min_size=2, max_size=7)))
        digits = (len(members) - 1).bit_length() - 1
        kind = draw(st.sampled_from([AT_LEAST, DIGIT])) if digits else AT_LEAST
        found.append((kind, members, draw(st.integers(1, digits if kind == DIGIT else len(members)))))
    return found


@given(items())
@settings(max_examples=80, deadline=None)
def test_values_are_those_counted_by_hand(found: list[Item]) -> None:
    ours = made(*found)
    ours.verify(7)
    ones = np.zeros((128, 7 + len(found)), bool)
    ones[:, :7] = states(7)
    filled = ours.filled(ones, 7)
    for row in filled[::5]:
        for own, (kind, members, parameter) in enumerate(found):
            assert row[7 + own] == by_hand(kind, row[members].tolist(), parameter)
    np.testing.assert_array_equal(ours.values(filled), filled[:, 7:])
    broken = ~filled[:, 7:]
    flipped = np.concatenate([filled[:, :7], broken], axis=1)
    np.testing.assert_array_equal(ours.filled(flipped, 7), filled)


def test_many_reads_are_taken_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    found = made((AT_LEAST, [0, 1, 2], 2), (DIGIT, [0, 1, 2, 3, 4], 1), (AT_LEAST, [1, 7, 8], 3))
    ones = np.random.default_rng(0).random((50, 10)) < 0.5
    whole = found.values(ones)
    monkeypatch.setattr(auxiliaries, "_PIECE", 30)
    np.testing.assert_array_equal(found.values(ones), whole)


def test_select_keeps_what_they_stand_for() -> None:
    found = made((AT_LEAST, [0, 1, 2], 2), (DIGIT, [0, 1, 2, 3, 4], 1), (AT_LEAST, [1, 3], 2))
    ones = states(5)
    part = found.select(np.array([2, 0]))
    assert part.members_of(0).tolist() == [1, 3]
    np.testing.assert_array_equal(part.values(ones), found.values(ones)[:, [2, 0]])


@pytest.mark.parametrize(
    "item",
    [
        (AT_LEAST, [1], 1),
        (AT_LEAST, [1, 1], 2),
        (AT_LEAST, [2, 1], 2),
        (AT_LEAST, [-1, 1], 2),
        (AT_LEAST, [0, 4], 2),
        (AT_LEAST, [0, 1], 0),
        (AT_LEAST, [0, 1], 3),
        (DIGIT, [0, 1], 1),
        (DIGIT, [0, 1, 2], 2),
        (2, [0, 1], 1),
    ],
)
def test_malformed_auxiliaries_are_refused(item: Item) -> None:
    with pytest.raises(Invalid):
        made(item).verify(4)
    with pytest.raises(Invalid):
        RegisterOp("p", Role.AUXILIARY, Vartype.BINARY, 4, 1, auxiliaries=made(item)).verify()


def test_registers_and_their_auxiliaries_agree() -> None:
    one = made((AT_LEAST, [0, 1], 2))
    RegisterOp("p", Role.AUXILIARY, Vartype.BINARY, 4, 1, auxiliaries=one).verify()
    with pytest.raises(Invalid):
        RegisterOp("p", Role.AUXILIARY, Vartype.BINARY, 4, 2, auxiliaries=one).verify()
    with pytest.raises(Invalid):
        RegisterOp("p", Role.AUXILIARY, Vartype.BINARY, 4, 1).verify()
    with pytest.raises(Invalid):
        RegisterOp("p", Role.SLACK, Vartype.BINARY, 4, 1, auxiliaries=one).verify()
    short = Auxiliaries(one.kinds, one.starts, one.members, Array(np.zeros(0, np.int32)))
    with pytest.raises(Invalid):
        short.verify(4)

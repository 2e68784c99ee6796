"""Records are what frozen dataclasses with the same fields would be."""

from __future__ import annotations

import pytest

from qevo_compiler.diagnostics.record import Record


class Base(Record):
    first: int


class Both(Base):
    second: str = "two"

    @property
    def text(self) -> str:
        return f"{self.first} {self.second}"


class Twin(Base):
    second: str = "two"


def test_fields_come_by_place_by_name_and_by_default() -> None:
    assert Both.fields == ("first", "second")
    assert Base.fields == ("first",)
    assert Both(1, "a") == Both(second="a", first=1)
    assert Both(1) == Both(1, "two")
    assert Both(1).text == "1 two"


def test_records_of_other_values_or_types_differ() -> None:
    assert Both(1) != Both(2)
    assert Both(1) != Twin(1)
    assert len({Both(1), Both(1), Both(2), Twin(1)}) == 3


def test_records_show_their_fields() -> None:
    assert repr(Both(1)) == "Both(first=1, second='two')"


def test_records_do_not_change() -> None:
    with pytest.raises(AttributeError, match="Both is immutable"):
        Both(1).first = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((1, "a", 3), {}), ((1,), {"first": 2}), ((1,), {"third": 3})],
)
def test_fields_are_given_once_each(values: tuple[object, ...], named: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="Both"):
        Both(*values, **named)

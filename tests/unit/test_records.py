"""The cheap `dataclass` means what the standard library's does."""

import copy
import dataclasses
import inspect
import pickle
from dataclasses import FrozenInstanceError, field
from functools import cached_property
from typing import Any

import pytest

from qevo_compiler import records


def make(decorator: Any) -> tuple[type, type, type]:
    @decorator(frozen=True, kw_only=True)
    class Node:
        span: int = field(compare=False, repr=False)

    @decorator(frozen=True)
    class Base(Node):
        """Two fields."""

        name: str
        items: list[int] = field(default_factory=list, hash=False)
        seen: int = field(default=7, init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "seen", len(self.name))

        @cached_property
        def twice(self) -> str:
            return self.name * 2

    @decorator(frozen=True)
    class Leaf(Base):
        flag: bool = False

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Base) and other.name == self.name

    return Node, Base, Leaf


OURS, THEIRS = make(records.dataclass), make(dataclasses.dataclass)


@dataclasses.dataclass(frozen=True)
class Standard(OURS[1]):  # type: ignore[misc, name-defined]
    more: int = 1


@records.dataclass(frozen=True)
class Kept:
    name: str


def outcomes(kinds: tuple[type, type, type]) -> list[Any]:
    _, base, leaf = kinds
    one, other = base("a", span=1), base("a", [], span=2)
    tried = [
        one == other,
        one == base("b", span=1),
        one == leaf("a", span=1),
        leaf("a", span=1) == one,
        hash(one) == hash(other),
        one.twice,
        one.items is not other.items,
        repr(leaf("a", flag=True, span=3)).partition("make.<locals>.")[2],
        dataclasses.replace(leaf("abc", span=3), name="q").seen,
        dataclasses.asdict(one),
        [(f.name, f.compare, f.kw_only) for f in dataclasses.fields(leaf)],
        base.__match_args__,
        str(inspect.signature(leaf)),
        vars(copy.copy(one)) == vars(one),
    ]
    for wrong in (lambda: base(span=1), lambda: base("a"), lambda: base("a", [], 3, span=1), lambda: base("a", x=1)):
        with pytest.raises(TypeError):
            wrong()
    for change in (lambda: setattr(one, "name", "b"), lambda: setattr(one, "new", 1), lambda: delattr(one, "name")):
        with pytest.raises(FrozenInstanceError):
            change()
    return tried


def test_classes_behave_as_those_of_the_standard_library() -> None:
    assert outcomes(OURS) == outcomes(THEIRS)


def test_standard_classes_may_derive_from_ours() -> None:
    made = Standard("a", more=2, span=1)
    assert (made.name, made.more, made.seen) == ("a", 2, 1)
    with pytest.raises(FrozenInstanceError):
        made.more = 3
    with pytest.raises(TypeError, match="non-frozen"):

        @dataclasses.dataclass
        class _Open(OURS[1]):  # type: ignore[misc, name-defined]
            more: int = 1


def test_frozen_classes_do_not_derive_from_open_ones() -> None:
    @dataclasses.dataclass
    class Open:
        name: str

    with pytest.raises(TypeError, match="non-frozen"):

        @records.dataclass(frozen=True)
        class _Frozen(Open):
            more: int = 1


def test_open_subclasses_may_set_what_is_no_field() -> None:
    class Loose(Kept):
        pass

    loose = Loose("a")
    loose.extra = 1  # type: ignore[attr-defined]
    assert loose.extra == 1  # type: ignore[attr-defined]
    with pytest.raises(FrozenInstanceError):
        loose.name = "b"  # type: ignore[misc]


def test_instances_pickle_and_methods_are_written_once() -> None:
    kept = Kept("a")
    assert pickle.loads(pickle.dumps(kept)) == kept
    assert Kept.__init__ is Kept.__init__
    assert inspect.isfunction(vars(Kept)["__init__"])


def test_options_beyond_frozen_are_the_standard_librarys() -> None:
    @records.dataclass(frozen=True, order=True)
    class Ordered:
        x: int

    @records.dataclass
    class Open:
        x: int

    assert Ordered(1) < Ordered(2)
    opened = Open(1)
    opened.x = 2
    assert opened == Open(2)

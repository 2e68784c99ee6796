"""Immutable records whose class costs nothing to define: what `Diagnostic` is built on."""

from __future__ import annotations

from inspect import get_annotations
from typing import ClassVar, dataclass_transform


@dataclass_transform(frozen_default=True)
class Record:
    """A subclass's annotated names are its fields, after those of its base, as in a frozen dataclass.

    All subclasses share the methods below. There are some two hundred diagnostics, of which a run needs one at the
    most: methods generated for each of them took a quarter of the time of `qevoc check`.
    """

    fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        own = get_annotations(cls).items()
        cls.fields += tuple(name for name, kind in own if not kind.startswith("ClassVar"))

    def __init__(self, *values: object, **named: object) -> None:
        given = dict(zip(self.fields, values, strict=False)) | named
        if len(given) < len(values) + len(named) or not given.keys() <= set(self.fields):
            raise TypeError(f"{type(self).__name__} takes {', '.join(self.fields)}, each once")
        for name in self.fields:
            if name not in given and not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} needs {name}")
        self.__dict__.update(given)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        shown = (f"{name}={value!r}" for name, value in zip(self.fields, self._values(), strict=True))
        return f"{type(self).__name__}({', '.join(shown)})"

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.fields)

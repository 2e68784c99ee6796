"""Records of the front end: dozens for every expression, so they have to be cheap to make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

RecordT = TypeVar("RecordT")


@dataclass_transform(eq_default=False, frozen_default=True, field_specifiers=(field,))
def record(cls: type[RecordT]) -> type[RecordT]:
    """A dataclass that compares by identity, and whose fields only the type checker keeps from being set.

    A class that is frozen at run time takes three times as long to fill.
    """
    return dataclass(eq=False)(cls)

"""Dataclasses for what is made by the hundred while a program is read: nodes of trees, tensors and their rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

LightT = TypeVar("LightT")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def light(*, eq: bool = True, kw_only: bool = False) -> Callable[[type[LightT]], type[LightT]]:
    """`dataclass(frozen=True)` to the type checker, which keeps fields from being set; hashed by content with `eq`.

    At run time nothing keeps them: a class that is frozen takes three times as long to fill.
    """
    return dataclass(eq=eq, unsafe_hash=eq, kw_only=kw_only)

"""Whether a value read from text is of the type that an op or attribute declares for it."""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


@cache
def declared_types(cls: type) -> dict[str, Any]:
    """The types of a class's fields by name."""
    return get_type_hints(cls)


def fits(value: Any, hint: Any) -> bool:
    """Whether `value` is of type `hint`; whole numbers count as floats, truth values as neither.

    Whole numbers have to fit into 64 bits.
    """
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        return any(fits(value, part) for part in parts)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        wanted = parts[:1] * len(value) if parts[-1] is Ellipsis else parts
        return len(value) == len(wanted) and all(map(fits, value, wanted))
    if hint is float:
        return type(value) in (int, float)
    if hint is int:
        return type(value) is int and -(2**63) <= value < 2**63
    return isinstance(value, hint)


def describe(hint: Any) -> str:
    """A type in words, for a message."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        return " or ".join(map(describe, parts))
    if origin is tuple:
        return f"a list of {describe(parts[0]).partition(' ')[2]}s"
    known = {int: "a whole number", float: "a number", str: "a string", bool: "true or false", type(None): "none"}
    return known.get(hint) or f"a value of {hint.__name__}"

"""The text form of passes and their options: `name{option=value,...}`.

What stands between items may be in a text too, as `%` and its number in two digits: `%2C` is a comma.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.pipeline import BadOption, BadPipeline, UnknownOption, UnknownPass
from qevo_compiler.ir import format_float
from qevo_compiler.passes.base import Pass
from qevo_compiler.passes.registry import PASSES, load_pass

_BETWEEN = re.compile(r"[%,:{}]")
_CODED = re.compile(r"%([0-9A-F]{2})")
_PASS = re.compile(r"\s*([a-z][a-z0-9-]*)\s*(?:\{([^{}]*)\})?\s*")


def parse_passes(text: str, options: Mapping[str, Mapping[str, Any]]) -> tuple[Pass, ...]:
    """The passes that `text` names, with their options."""
    return tuple(make_pass(name, {**options.get(name, {}), **given}) for name, given in _items(text))


def make_pass(name: str, given: Mapping[str, Any]) -> Pass:
    """One pass by name; option values may be text or already of their type."""
    if name not in PASSES:
        raise CompileError(UnknownPass(None, name, did_you_mean(name, PASSES)))
    cls = load_pass(name)
    return cls(**option_values(cls, name, given))


def option_values(cls: type, owner: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Field values for `cls`, a frozen dataclass of options, from text or values by option name.

    Raises `CompileError`, naming `owner`, for an unknown option or a value of the wrong form.
    """
    if not given:
        return {}
    known, values = _known(cls), {}
    for key, value in given.items():
        option = key.replace("_", "-")
        if option not in known:
            raise CompileError(UnknownOption(None, owner, key, did_you_mean(option, known), tuple(known)))
        name, hint = known[option]
        values[name] = _value(owner, option, value, hint)
    return values


@cache
def _known(cls: type) -> dict[str, tuple[str, Any]]:
    """Field name and type of each option."""
    hints = get_type_hints(cls)
    return {f.name.replace("_", "-"): (f.name, hints[f.name]) for f in dataclasses.fields(cls)}


def print_option(value: Any) -> str:
    """An option's value as `parse_passes` reads it."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case float():
            return format_float(value)
        case Enum():
            return value.name.lower()
        case tuple():
            return ":".join(map(print_option, value))
        case str():
            return _BETWEEN.sub(lambda found: f"%{ord(found[0]):02X}", value)
    return str(value)


def option_rows(cls: type) -> Iterator[tuple[str, str, str]]:
    """Name, possible values and default of each option of `cls`, as a user writes them."""
    defaults = {field.name: field.default for field in dataclasses.fields(cls)}
    for option, (name, hint) in _known(cls).items():
        yield option, _hint_text(hint), print_option(defaults[name])


def _items(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    position = 0
    while position < len(text):
        match = _PASS.match(text, position)
        end = match.end() if match else position
        if match is None or text[end : end + 1] not in ("", ","):
            raise CompileError(BadPipeline(None, text, text[end:]))
        yield match[1], dict(_pairs(text, match[2])) if match[2] else {}
        position = end + 1


def _pairs(text: str, body: str) -> Iterator[tuple[str, str]]:
    for item in filter(None, (part.strip() for part in body.split(","))):
        key, equals, value = item.partition("=")
        if not equals:
            raise CompileError(BadPipeline(None, text, item))
        yield key.strip(), value.strip()


def _value(name: str, option: str, value: Any, hint: Any) -> Any:
    if not isinstance(value, str):
        # Arrays and lists would not compare, nor be constant.
        return tuple(np.asarray(value).tolist()) if get_origin(hint) is tuple else value
    for candidate in get_args(hint) if get_origin(hint) is UnionType else (hint,):
        try:
            return _convert(value, candidate)
        except (ValueError, KeyError):
            continue
    raise CompileError(BadOption(None, name, option, value, _hint_text(hint)))


def _convert(text: str, hint: Any) -> Any:
    if hint is type(None):
        return {"none": None}[text]
    if hint is bool:
        return {"true": True, "false": False}[text]
    if isinstance(hint, type) and issubclass(hint, Enum):
        member = text.replace("-", "_").upper()
        return hint[member] if member in hint.__members__ else hint(text)
    if get_origin(hint) is tuple:
        return tuple(_convert(part, get_args(hint)[0]) for part in text.split(":") if part)
    if hint is str:
        return _CODED.sub(lambda found: chr(int(found[1], 16)), text)
    return hint(text)


def _hint_text(hint: Any) -> str:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + ", ".join(name.lower() for name in hint.__members__)
    if get_origin(hint) is tuple:
        single = _hint_text(get_args(hint)[0])
        return f"{single.removeprefix('a ')}s joined by `:`"
    if get_origin(hint) is UnionType:
        return " or ".join(_hint_text(part) for part in get_args(hint))
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}.get(hint, "none")

"""Values and operations.

An op class states its operands, attributes and results as typed dataclass fields; printing, parsing,
cloning and generic checks derive from that declaration.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeVar, get_type_hints

from qevo_compiler.ir.attributes import Type
from qevo_compiler.source import Span


class Invalid(Exception):
    """An op or a module breaks an invariant; the message says which."""


@dataclass(frozen=True)
class Value:
    """The result of an op or the argument of a func, numbered inside its func."""

    index: int
    type: Type

    def __hash__(self) -> int:
        # The type would be hashed field by field at every look-up, and tells no two values of a func apart.
        return self.index


@dataclass(frozen=True)
class Op:
    """One operation.

    Fields typed `Value`, `Value | None` or (last only) `tuple[Value, ...]` are operands; all
    other fields of a subclass are attributes. `span` takes no part in equality. An op that is not `pure`
    declares something and stays even when nobody uses its results.
    """

    name: ClassVar[str] = ""
    pure: ClassVar[bool] = True
    registry: ClassVar[dict[str, type[Op]]] = {}

    results: tuple[Value, ...] = field(default=(), kw_only=True)
    span: Span | None = field(default=None, compare=False, kw_only=True)

    def __init_subclass__(cls) -> None:
        if hasattr(cls, "__post_init__"):
            raise TypeError(f"{cls.__name__} is copied field by field and cannot have a `__post_init__`")
        if cls.name:
            Op.registry[cls.name] = cls

    def result_types(self) -> tuple[Type, ...]:
        """The types of the results, inferred from operands and attributes."""
        return ()

    def verify(self) -> None:
        """Raise `Invalid` where an invariant that types cannot state is broken."""

    @property
    def result(self) -> Value:
        (value,) = self.results
        return value

    @property
    def operands(self) -> tuple[Value, ...]:
        kind, own = signature(type(self)), self.__dict__
        found = [own[name] for name in kind.operands]
        if kind.variadic:
            found[-1:] = found[-1]
        return tuple([value for value in found if value is not None])

    def map_operands(self, image: Callable[[Value], Value]) -> Self:
        """This op with every operand replaced; the same object when none changes."""
        changes: dict[str, Any] = {}
        for name in signature(type(self)).operands:
            old = getattr(self, name)
            new = tuple(map(image, old)) if isinstance(old, tuple) else old and image(old)
            if new != old:
                changes[name] = new
        return with_fields(self, **changes) if changes else self


AnyOp = TypeVar("AnyOp", bound=Op)


def with_fields(op: AnyOp, **changes: Any) -> AnyOp:
    """`dataclasses.replace` for ops, whose classes do nothing after their fields are set: a fifth of its time."""
    made = object.__new__(type(op))
    own, fields = op.__dict__, made.__dict__
    # What an op remembers beside its fields is left behind: it may follow from those that change.
    for name in signature(type(op)).fields:
        fields[name] = own[name]
    fields.update(changes)
    return made


@dataclass(frozen=True)
class Signature:
    """The field names of an op class: operands, attributes in order of declaration, and those of every op."""

    operands: tuple[str, ...]
    attributes: tuple[str, ...]
    fields: tuple[str, ...]
    variadic: bool


_SIGNATURES: dict[type[Op], Signature] = {}


def signature(cls: type[Op]) -> Signature:
    """The operands and attributes that `cls` declares."""
    found = _SIGNATURES.get(cls)
    if found is None:
        found = _SIGNATURES[cls] = _read_signature(cls)
    return found


_VARIADIC = "tuple[Value, ...]"
_WRITTEN: dict[Any, str] = {Value: "Value", Value | None: "Value | None", tuple[Value, ...]: _VARIADIC}
_OPERANDS = frozenset(_WRITTEN.values())


def _read_signature(cls: type[Op]) -> Signature:
    hints = {item.name: item.type for item in dataclasses.fields(cls) if item.name not in ("results", "span")}
    # Read as they are written where that is plain: evaluating every op's annotations takes longer than most passes.
    if not all(isinstance(hint, str) and (hint in _OPERANDS or "Value" not in hint) for hint in hints.values()):
        found = get_type_hints(cls)
        hints = {name: _WRITTEN.get(found[name], "") for name in hints}
    operands = tuple(name for name, hint in hints.items() if hint in _OPERANDS)
    attributes = tuple(name for name in hints if name not in operands)
    fields = (*operands, *attributes, "results", "span")
    return Signature(operands, attributes, fields, bool(operands) and hints[operands[-1]] == _VARIADIC)

"""`dataclass` and `replace` as in the standard library, but cheap: methods are written when first used.

The standard decorator compiles six methods for every frozen class, 0.3 ms a class; a compilation imports hundreds
of classes, most of them diagnostics that it never raises. Here `__init__`, `__eq__`, `__hash__` and `__repr__` are
compiled on first use, and the two that refuse assignment are shared. Fields, defaults, `replace`, `match` and
the rules for inheritance are the standard library's own. Anything but a plain frozen class is handed to it whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, KeysView
from contextlib import contextmanager
from functools import cache
from reprlib import recursive_repr
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["dataclass", "replace"]

T = TypeVar("T")
_lock = RLock()

if TYPE_CHECKING:
    from dataclasses import dataclass, replace  # type checkers know these by name
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, kw_only=False, **rest):
        """A dataclass with the standard library's meaning of every option."""

        def wrap(cls: type) -> type:
            if not frozen or rest:
                return dataclasses.dataclass(frozen=frozen, eq=eq, kw_only=kw_only, **rest)(cls)
            return _frozen(cls, eq, kw_only)

        return wrap if cls is None else wrap(cls)

    def replace(instance, /, **changes):
        """A copy with other values of some fields; its cached properties are its own."""
        names = _copied(type(instance))
        if not (names and changes.keys() <= names):
            return dataclasses.replace(instance, **changes)
        made = object.__new__(type(instance))
        old, own = instance.__dict__, made.__dict__
        own.update(old if len(old) == len(names) else {name: old[name] for name in names})
        own.update(changes)
        return made


@cache
def _copied(cls: type) -> KeysView[str]:
    """The fields of a class whose instances may be copied field by field; of any other none."""
    fields = dataclasses.fields(cls)
    plain = cls.__dataclass_params__.frozen and not hasattr(cls, "__post_init__")  # type: ignore[attr-defined]
    return dict.fromkeys(field.name for field in fields if plain and all(f.init for f in fields)).keys()


def _frozen(cls: type[T], eq: bool, kw_only: bool) -> type[T]:
    own = set(vars(cls))
    if own & {"__setattr__", "__delattr__"}:
        raise TypeError(f"{cls.__name__} is frozen and cannot define how attributes are set")
    cls.__doc__ = cls.__doc__ or cls.__name__  # else the signature is spelt out for it, which costs as much as all
    with _thawed(cls):
        dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(cls)
    params: Any = cls.__dataclass_params__  # type: ignore[attr-defined]
    params.frozen = params.init = params.repr = True
    params.eq = eq
    methods = {"__init__": _init, "__repr__": _repr}
    if eq:
        methods |= {"__eq__": _eq, "__hash__": _hash}
    if vars(cls).get("__hash__") is None and "__eq__" in own:
        own.discard("__hash__")  # Python's own None beside an `__eq__`
    for name, write in methods.items():
        if name not in own:
            setattr(cls, name, _Unwritten(cls, name, write))
    cls.__setattr__ = _refuse_setting  # type: ignore[method-assign]
    cls.__delattr__ = _refuse_deleting  # type: ignore[method-assign]
    return cls


@contextmanager
def _thawed(cls: type) -> Iterator[None]:
    """The frozen bases look open while the class is read: only of an open one are no refusing methods compiled."""
    with _lock:
        bases = [vars(base) for base in cls.__mro__[1:]]
        params = [own["__dataclass_params__"] for own in bases if "__dataclass_params__" in own]
        if not all(p.frozen for p in params):
            raise TypeError("cannot inherit frozen dataclass from a non-frozen one")
        for p in params:
            p.frozen = False
        try:
            yield
        finally:
            for p in params:
                p.frozen = True


class _Unwritten:
    """A method that is compiled when it is first looked up, and then takes this one's place."""

    def __init__(self, owner: type, name: str, write: Callable[[type], Callable[..., Any]]) -> None:
        self._owner, self._name, self._write = owner, name, write

    def __get__(self, instance: Any, kind: type | None = None) -> Any:
        method = self._write(self._owner)
        method.__name__ = self._name
        method.__qualname__ = f"{self._owner.__qualname__}.{self._name}"
        method.__module__ = self._owner.__module__
        setattr(self._owner, self._name, method)
        return method if instance is None else method.__get__(instance, kind)


def _init(cls: type) -> Callable[..., Any]:
    """`__init__` that fills the instance's dictionary, as assignment is refused."""
    fields = dataclasses.fields(cls)
    known: dict[str, Any] = {"_factory": _FACTORY}
    plain, by_name, body = list[str](), list[str](), list[str]()
    for field in fields:
        name = field.name
        made = field.default_factory is not dataclasses.MISSING
        known[f"_default_{name}"] = field.default_factory if made else field.default
        value = f"_default_{name}() if {name} is _factory else {name}" if made else name
        if not field.init:
            if made or field.default is not dataclasses.MISSING:
                body.append(f"d[{name!r}] = _default_{name}{'()' if made else ''}")
            continue
        default = "=_factory" if made else f"=_default_{name}" if field.default is not dataclasses.MISSING else ""
        (by_name if field.kw_only else plain).append(f"{name}{default}")
        body.append(f"d[{name!r}] = {value}")
    parameters = ", ".join(["self", *plain, *(["*", *by_name] if by_name else [])])
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    method = _compiled(f"({parameters})", ["d = self.__dict__", *body], known)
    method.__annotations__ = {field.name: field.type for field in fields if field.init} | {"return": None}
    return method


def _eq(cls: type) -> Callable[..., Any]:
    names = [field.name for field in dataclasses.fields(cls) if field.compare]
    body = ["if other.__class__ is not self.__class__: return NotImplemented"]
    return _compiled("(self, other)", [*body, f"return {_row('self', names)} == {_row('other', names)}"])


def _hash(cls: type) -> Callable[..., Any]:
    fields = dataclasses.fields(cls)
    names = [field.name for field in fields if (field.compare if field.hash is None else field.hash)]
    return _compiled("(self)", [f"return hash({_row('self', names)})"])


def _repr(cls: type) -> Callable[..., Any]:
    names = [field.name for field in dataclasses.fields(cls) if field.repr]

    def method(self: Any) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({values})"

    return recursive_repr()(method)


def _row(owner: str, names: list[str]) -> str:
    return "(" + "".join(f"{owner}.{name}," for name in names) + ")"


def _compiled(parameters: str, body: list[str], known: dict[str, Any] | None = None) -> Callable[..., Any]:
    scope: dict[str, Any] = dict(known or {})
    exec(f"def method{parameters}:\n " + "\n ".join(body), scope)
    method: Callable[..., Any] = scope["method"]
    return method


class _Factory:
    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


def _is_field(instance: Any, name: str) -> bool:
    """Whether assignment is refused: on instances of the class itself always, on an open subclass's for fields."""
    return "__dataclass_params__" in vars(type(instance)) or name in instance.__dataclass_fields__


def _refuse_setting(self: Any, name: str, value: object) -> None:
    if _is_field(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _refuse_deleting(self: Any, name: str) -> None:
    if _is_field(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
    object.__delattr__(self, name)

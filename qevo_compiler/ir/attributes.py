"""Compile-time data on ops: arrays with content equality, enumerations and typed records."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from math import isfinite, isnan, prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.ir.counting import known_ends

DTYPES: dict[str, np.dtype[Any]] = {
    "f64": np.dtype("<f8"),
    "f32": np.dtype("<f4"),
    "i64": np.dtype("<i8"),
    "i32": np.dtype("<i4"),
    "u8": np.dtype("u1"),
}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_FEW = 1 << 12


class Array:
    """A read-only numpy array that compares and hashes by content.

    The array handed in is frozen, not copied, when its type and layout already fit; whoever hands
    it over must not write to it afterwards. Booleans become `u8`, other integers `i64`. The layout is row by
    row; with `keep_layout` it may also be column by column (so that columns can be shared) or one number repeated
    by strides of 0, which compiled kernels refuse.
    """

    def __init__(self, values: ArrayLike, keep_layout: bool = False) -> None:
        array = np.asarray(values)
        if array.dtype not in _NAMES:
            array = array.astype(_storage_dtype(array.dtype))
        if array.dtype.kind == "f" and array.size:
            least = _least(array)
            if isnan(least):
                # Text knows one NaN; its sign and payload would make arrays differ that print alike.
                array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
            self.__dict__["least"] = least
        fits = array.flags.c_contiguous or (keep_layout and (array.flags.forc or not any(array.strides)))
        if not fits:
            array = np.ascontiguousarray(array)
        # A view of its own: whether the caller's array may be written to stays the caller's affair.
        self.values: NDArray[Any] = array.view()
        self.values.setflags(write=False)

    def elements(self) -> NDArray[Any]:
        """`values`, for one reader: where they had to be computed for it they are not kept."""
        return self.values

    @property
    def dtype_name(self) -> str:
        return _NAMES[self.values.dtype]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def size(self) -> int:
        return int(self.values.size)

    @cached_property
    def is_finite(self) -> bool:
        """Whether no element is infinite or NaN."""
        if self.values.dtype.kind != "f" or not self.size:
            return True
        # Both ends are numbers only if all are: NaN wins every comparison of numpy's.
        return isfinite(self.least) and isfinite(self.most)

    @cached_property
    def least(self) -> float:
        """The smallest element; 0 without elements."""
        return self.values.min().item() if self.size else 0

    @cached_property
    def most(self) -> float:
        """The largest element; 0 without elements."""
        return self.values.max().item() if self.size else 0

    @cached_property
    def digest(self) -> str:
        """The first 32 hex digits of the SHA-256 of type, shape and bytes."""
        import hashlib  # when used: loading it takes longer than checking a small program

        head = f"{self.dtype_name}{self.shape}".encode()
        return hashlib.sha256(head + self.values.tobytes()).hexdigest()[:32]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Array):
            return NotImplemented
        if self is other:
            return True
        if self.values.dtype != other.values.dtype or self.shape != other.shape:
            return False
        return bool(np.array_equal(_bits(self.values), _bits(other.values)))

    def __hash__(self) -> int:
        return hash(self.digest)

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.values, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"Array({self.dtype_name}{list(self.shape)})"


def ends(values: NDArray[Any]) -> tuple[Any, Any]:
    """The smallest and the largest element of an array that has some, as Python numbers."""
    if values.size <= _FEW:
        return _least(values), values.item(values.argmax())
    return known_ends(values) or (_least(values), values.max().item())


def _least(values: NDArray[Any]) -> Any:
    # numpy finds places through fewer layers than values; it would copy a large array whose elements lie apart.
    return values.min().item() if values.size > _FEW else values.item(values.argmin())


def _storage_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind == "b":
        return DTYPES["u8"]
    if dtype.kind in "iu":
        return DTYPES["i64"]
    if dtype.kind == "f":
        return DTYPES["f64"]
    raise TypeError(f"an attribute cannot hold an array of {dtype}")


def _bits(values: NDArray[Any]) -> NDArray[Any]:
    # NaN equals itself and -0.0 differs from 0.0, as in the printed text.
    return values.view(f"u{values.dtype.itemsize}") if values.dtype.kind == "f" else values


@dataclass(frozen=True)
class Attribute:
    """A typed record; its fields are attribute values and print by name in order of declaration."""

    name: ClassVar[str] = ""
    registry: ClassVar[dict[str, type[Attribute]]] = {}

    def __init_subclass__(cls) -> None:
        if cls.name:
            Attribute.registry[cls.name] = cls


@dataclass(frozen=True)
class Type(Attribute):
    """The static description of a value."""


@dataclass(frozen=True)
class TensorType(Type):
    """A dense tensor of reals; `shape` may be empty for a scalar."""

    name: ClassVar[str] = "tensor"
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return prod(self.shape)


class EnumAttribute(Enum):
    """An enumeration that prints as `Class.member`."""

    def __init_subclass__(cls) -> None:
        ENUMS[cls.__name__] = cls


ENUMS: dict[str, type[EnumAttribute]] = {}

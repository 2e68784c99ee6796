"""A problem as a readable program: lines of the language, with large data in an `.npz` file beside them."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RESERVED = frozenset({"for", "in", "if", "and", "or", "not", "xor", "true", "false"})


@dataclass(frozen=True)
class Data:
    """A data line: an array of `shape` (sizes as the program names them; empty for one number)."""

    symbol: str
    shape: str
    values: NDArray[np.generic]

    @property
    def stored(self) -> NDArray[np.generic]:
        """The values, as integers where all are whole."""
        values = np.asarray(self.values)
        if values.dtype.kind == "f" and (np.floor(values) == values).all() and (np.abs(values) < 2**53).all():
            return values.astype(np.int64)
        return values


@dataclass(frozen=True)
class ProgramText:
    """A program by the lines after its name; its sources' arrays go to one archive."""

    name: str
    lines: Sequence[str | Data]

    def files(self, stem: str) -> dict[str, bytes]:
        """The program `STEM.qevo` and its data `STEM.npz`; the same bytes for the same problem."""
        archive = io.BytesIO()
        np.savez_compressed(archive, **{line.symbol: line.stored for line in self._arrays()})  # type: ignore[arg-type]
        texts = [f"program {identifier(self.name)}", *(self._text(line, f"{stem}.npz") for line in self.lines)]
        return {f"{stem}.npz": archive.getvalue(), f"{stem}.qevo": ("\n".join(texts) + "\n").encode()}

    def _arrays(self) -> list[Data]:
        return [line for line in self.lines if isinstance(line, Data) and line.shape]

    def _text(self, line: str | Data, file: str) -> str:
        if isinstance(line, str):
            return line
        kind = "int" if line.stored.dtype.kind == "i" else "real"
        if not line.shape:
            return f"data {line.symbol}: {kind} = {line.stored.item()!r}"
        return f'data {line.symbol}: {kind}[{line.shape}] from "{file}:{line.symbol}"'


def identifier(name: str) -> str:
    """A name as the language spells it."""
    word = re.sub(r"[^0-9A-Za-z_]", "_", name)
    word = f"p_{word}" if not word or word[0].isdigit() else word
    return f"{word}_" if word in _RESERVED else word

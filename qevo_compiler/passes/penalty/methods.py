"""The ways to weigh constraints, and the text form of choices by family."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TypeVar

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.penalties import BadFamilyChoice

Word = TypeVar("Word", bound=Enum)


class Method(Enum):
    """`auto` takes the smallest proved weight.

    `range` uses bounds of the objective only. `vlm` and `momc` are rules of the literature without a proof;
    `unbalanced` leaves slack out, `lagrangian` adds a multiplier to the square (both are no exact penalties).
    """

    AUTO = "auto"
    RANGE = "range"
    VLM = "vlm"
    MOMC = "momc"
    UNBALANCED = "unbalanced"
    LAGRANGIAN = "lagrangian"


def family_words(option: str, texts: Iterable[str], symbols: Iterable[str], words: type[Word]) -> dict[str, Word]:
    """`fits=unbalanced` and the like by family. Raises `CompileError` for unknown families or words."""
    known = {str(word.value): word for word in words}
    found = {}
    for symbol, text in _choices(option, texts, symbols):
        if text not in known:
            raise CompileError(BadFamilyChoice(None, option, f"{symbol}={text}", f"one of {', '.join(known)}"))
        found[symbol] = known[text]
    return found


def family_weights(texts: Iterable[str], symbols: Iterable[str]) -> dict[str, float]:
    """`fits=2.5` and the like by family. Raises `CompileError` for unknown families or wrong numbers."""
    found = {}
    for symbol, text in _choices("weights", texts, symbols):
        try:
            found[symbol] = float(text)
        except ValueError:
            found[symbol] = np.nan
        if not (np.isfinite(found[symbol]) and found[symbol] > 0):
            raise CompileError(BadFamilyChoice(None, "weights", f"{symbol}={text}", "a number above 0"))
    return found


def _choices(option: str, texts: Iterable[str], symbols: Iterable[str]) -> Iterable[tuple[str, str]]:
    names = tuple(symbols)
    for text in texts:
        symbol, equals, value = (part.strip() for part in text.rpartition("="))
        if not equals or symbol not in names:
            listed = ", ".join(f"`{name}`" for name in names) or "none"
            raise CompileError(BadFamilyChoice(None, option, text, f"FAMILY=VALUE, FAMILY one of {listed}"))
        yield symbol, value

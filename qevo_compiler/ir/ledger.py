"""The error ledger: one entry for every lossy step between the model and the emitted program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qevo_compiler.ir.attributes import Attribute, EnumAttribute


class Evidence(EnumAttribute):
    """How a ledger value is known."""

    PROVED = "proved"
    ESTIMATED = "estimated"
    MEASURED = "measured"


@dataclass(frozen=True)
class LedgerEntry(Attribute):
    """`stage` (a pass, or a runtime step) changed `quantity` by at most or about `value`.

    `note` says in one sentence what was done, by which rule, and to what (`subject`: a symbol or
    function of the source, empty for the whole program).
    """

    name: ClassVar[str] = "entry"

    stage: str
    quantity: str
    value: float
    kind: Evidence
    subject: str = ""
    note: str = ""

"""What a run of a program gave, and ledger entries as JSON has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qevo_compiler.decode import Solution
from qevo_compiler.decode.shots import Shots
from qevo_compiler.ir import LedgerEntry


@dataclass(frozen=True)
class RunResult:
    """What a run gave: solutions from best to worst, and how it was run.

    `status` is `optimal` where that is proved, else `feasible`, or `infeasible` where no read satisfies every hard
    constraint; `note` says why it is not more, where there is something to say. `shots` sums up the reads of a circuit.
    """

    program: str
    status: str
    best: Solution
    solutions: tuple[Solution, ...]
    reads: int
    ledger: tuple[LedgerEntry, ...]
    timing: Mapping[str, float]
    note: str = ""
    shots: Shots | None = None

    def __repr__(self) -> str:
        return f"RunResult({self.program!r}: {self.status}, {self.reads} reads, best={self.best!r})"

    def to_json(self) -> dict[str, Any]:
        """The keys that `qevoc run --json` prints."""
        found = {
            "program": self.program,
            "status": self.status,
            "note": self.note,
            "objective": self.best.objective,
            "feasible": self.best.feasible,
            "values": self.best.values_json(),
            "violations": self.best.violations_json(),
            "energy": self.best.energy_split,
            "reads": self.reads,
            "ledger": [ledger_json(entry) for entry in self.ledger],
            "timing": dict(self.timing),
        }
        return found if self.shots is None else {**found, "shots": self.shots.to_json()}


def ledger_json(entry: LedgerEntry) -> dict[str, Any]:
    """One ledger entry as it stands in manifests and in `--json` output."""
    return {
        "stage": entry.stage,
        "quantity": entry.quantity,
        "subject": entry.subject,
        "value": entry.value,
        "kind": entry.kind.value,
        "note": entry.note,
    }

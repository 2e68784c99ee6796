"""The report of a training as data, as tables, and in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from qevo_compiler.ir import LedgerEntry
from qevo_compiler.runtime.report import COLUMNS, show

if TYPE_CHECKING:
    from rich.console import Console

    from qevo_compiler.frontend.torch.state import Metrics

ACCOUNTING = (
    "one AdamW step costs one gradient; a round costs one gradient, a third for each evaluation of the loss, and for "
    "each product with the Jacobian (or the Hessian; one a weight, and up to four a weight to choose them) a third (or "
    "all) of the share of the arithmetic that depends on the weight; the sampler's own time is not counted"
)


@dataclass(frozen=True)
class RoundResult:
    """One round: weights decided, radius, predicted and actual decrease of the loss, their ratio, loss after it.

    `cost` is in gradient-equivalents.
    """

    weights: int
    radius: float
    predicted: float
    actual: float
    ratio: float
    accepted: bool
    loss: float
    cost: float


@dataclass(frozen=True)
class TrainingReport:
    """Metrics before, after the rounds, after fine-tuning (`steps` of AdamW), and of AdamW alone.

    AdamW alone starts from the same weights and takes `budget` steps: the rounds' gradient-equivalents
    and the fine-tuning together.
    """

    before: Metrics
    rounds: tuple[RoundResult, ...]
    after_rounds: Metrics
    after: Metrics
    alone: Metrics
    steps: int
    budget: int
    rate: float
    seed: int
    seconds: Mapping[str, float]
    ledger: tuple[LedgerEntry, ...]

    @property
    def spent(self) -> float:
        """Gradient-equivalents of the rounds."""
        return sum(result.cost for result in self.rounds)

    def to_json(self) -> dict[str, Any]:
        """The report without times, so that equal runs give equal files."""
        return {
            "task": "train",
            "seed": self.seed,
            "learning_rate": self.rate,
            "before": asdict(self.before),
            "rounds": [asdict(result) for result in self.rounds],
            "after_rounds": asdict(self.after_rounds),
            "fine_tuning_steps": self.steps,
            "after": asdict(self.after),
            "adamw_alone": {"steps": self.budget, **asdict(self.alone)},
            "gradient_equivalents": {"rounds": self.spent, "total": self.budget, "accounting": ACCOUNTING},
            "verdict": list(self.verdict()),
        }

    def verdict(self) -> tuple[str, ...]:
        """What the rounds did, and for each number who won at the same budget."""
        accepted = sum(result.accepted for result in self.rounds)
        first = (
            f"{accepted} of {len(self.rounds)} rounds lowered the loss, from {self.before.loss:.5g} "
            f"to {self.after_rounds.loss:.5g}, for {self.spent:.0f} gradient-equivalents."
        )
        present = [name for name in COLUMNS if getattr(self.before, name) is not None]
        return (first, *(self._comparison(name) for name in present), *self._caution())

    def _caution(self) -> tuple[str, ...]:
        """What a lower held-out loss is worth when training made it worse for everybody."""
        before, ours, alone = (m.held_out_loss for m in (self.before, self.after, self.alone))
        if before is None or ours is None or alone is None or before > min(ours, alone):
            return ()
        return (f"The held-out loss was {before:.5g} before: both fit the batch beyond what carries over.",)

    def _comparison(self, name: str) -> str:
        ours, alone = float(getattr(self.after, name)), float(getattr(self.alone, name))
        heading = COLUMNS[name]
        if ours == alone:
            return f"{heading}: a tie at {show(name, ours)}."
        won = ours > alone if "accuracy" in name else ours < alone
        winner, loser = ("rounds and AdamW", "AdamW alone") if won else ("AdamW alone", "rounds and AdamW")
        best, other = (ours, alone) if won else (alone, ours)
        return f"{heading}: {winner} won with {show(name, best)}; {loser} reached {show(name, other)}."

    def print(self, out: Console) -> None:
        """Tables and sentences for the terminal, times included."""
        self._print_rounds(out)
        self._print_metrics(out)
        for sentence in (*self.verdict(), f"Budget: {ACCOUNTING}."):
            out.print(sentence, markup=False, highlight=False)

    def _print_rounds(self, out: Console) -> None:
        from rich.table import Table

        table = Table(title="rounds", title_justify="left")
        for heading in ("round", "weights", "radius", "predicted", "actual", "ratio", "", "loss", "gradients"):
            table.add_column(heading, justify="right")
        for number, r in enumerate(self.rounds, 1):
            decrease = (f"{r.predicted:.4g}", f"{r.actual:.4g}", f"{r.ratio:.3f}")
            state = "taken" if r.accepted else "rejected"
            table.add_row(
                str(number), str(r.weights), f"{r.radius:g}", *decrease, state, f"{r.loss:.5g}", f"{r.cost:.0f}"
            )
        out.print(table)

    def _print_metrics(self, out: Console) -> None:
        from rich.table import Table

        table = Table(title=f"the model (AdamW at learning rate {self.rate:g}, seed {self.seed})", title_justify="left")
        table.add_column("")
        present = [name for name in COLUMNS if getattr(self.before, name) is not None]
        for heading in (*(COLUMNS[name] for name in present), "gradients", "seconds"):
            table.add_column(heading, justify="right")
        taken = self.seconds
        both = taken["rounds"] + taken["fine-tuning"]
        rows = (
            ("before", self.before, 0.0, 0.0),
            ("after the rounds", self.after_rounds, self.spent, taken["rounds"]),
            (f"then {self.steps} steps of AdamW", self.after, self.budget, both),
            ("AdamW alone", self.alone, self.budget, taken["AdamW alone"]),
        )
        for label, metrics, spent, seconds in rows:
            cells = (show(name, getattr(metrics, name)) for name in present)
            table.add_row(label, *cells, f"{spent:.0f}", f"{seconds:.2f}")
        out.print(table)

"""The report of a rounding as data, as tables, and in plain sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from qevo_compiler.ir import LedgerEntry
from qevo_compiler.runtime.row_rounding import CHOSEN, GPTQ, POLISHED, Effort

if TYPE_CHECKING:
    from rich.console import Console

    from qevo_compiler.frontend.torch.state import Metrics

COLUMNS = {
    "loss": "loss",
    "accuracy": "accuracy",
    "held_out_loss": "held-out loss",
    "held_out_accuracy": "held-out accuracy",
}
"""The numbers of `Metrics` with their headings; accuracies are better when larger."""


@dataclass(frozen=True)
class MethodResult:
    """One method on the whole model: mean over layers of its error relative to nearest's, and the model's metrics."""

    name: str
    error: float
    metrics: Metrics
    seconds: float


@dataclass(frozen=True)
class LayerResult:
    """One layer: `errors` by method relative to nearest's, and how many rows were solved exactly.

    `settled` rows have a proved optimum over their two candidates a weight; in `optimal` of them the
    polished sample reached it.
    """

    symbol: str
    rows: int
    width: int
    errors: Mapping[str, float]
    settled: int
    optimal: int


@dataclass(frozen=True)
class RoundingReport:
    """Every method of rounding on one model, beside the float model (`before`); `written` names the one kept."""

    bits: int
    effort: Effort
    before: Metrics
    layers: tuple[LayerResult, ...]
    methods: tuple[MethodResult, ...]
    written: str
    ledger: tuple[LedgerEntry, ...]

    def to_json(self) -> dict[str, Any]:
        """The report without times, so that equal runs give equal files."""
        return {
            "task": "round",
            "bits": self.bits,
            **asdict(self.effort),
            "float": asdict(self.before),
            "methods": {m.name: {"error": m.error, **asdict(m.metrics)} for m in self.methods},
            "written": self.written,
            "layers": [asdict(layer) for layer in self.layers],
            "verdict": list(self.verdict()),
        }

    def method(self, name: str) -> MethodResult:
        return next(method for method in self.methods if method.name == name)

    def verdict(self) -> tuple[str, ...]:
        """One sentence a column: which method won it, and what the sampled programs reached."""
        contest = [method for method in self.methods if method.name != CHOSEN]
        sentences = [_sentence("layer error relative to nearest", contest, lambda m: m.error, False)]
        for name, heading in COLUMNS.items():
            if getattr(self.before, name) is not None:
                read = _reader(name)
                sentences.append(_sentence(heading, contest, read, "accuracy" in name))
        rows, settled, optimal = (sum(getattr(layer, name) for layer in self.layers) for name in _COUNTS)
        sentences.append(
            f"{settled} of {rows} binary programs were solved exactly; the polished samples hold the optimum of "
            f"{optimal} of those."
        )
        sentences.append(f"The weights kept are those of `{self.written}`: it has the lowest loss on the batch.")
        return tuple(sentences)

    def print(self, out: Console) -> None:
        """Tables and sentences for the terminal, times included."""
        from rich.table import Table

        title = f"rounding to {self.bits} bits ({self.effort.reads} reads, {self.effort.sweeps} sweeps)"
        table = Table(title=title, title_justify="left")
        table.add_column("method")
        present = {k: v for k, v in COLUMNS.items() if getattr(self.before, k) is not None}
        for heading in ("layer error", *present.values(), "seconds"):
            table.add_column(heading, justify="right")
        table.add_row("float", "0", *(show(k, getattr(self.before, k)) for k in present), "")
        for method in self.methods:
            cells = [show(k, getattr(method.metrics, k)) for k in present]
            table.add_row(method.name, f"{method.error:.4f}", *cells, f"{method.seconds:.2f}")
        out.print(table)
        self._print_layers(out)
        for sentence in self.verdict():
            out.print(sentence, markup=False, highlight=False)

    def _print_layers(self, out: Console) -> None:
        from rich.table import Table

        table = Table(title="layer error relative to nearest", title_justify="left")
        for heading in ("weight", "rows x bits", GPTQ, "QUBO", "lowest", "by", "solved exactly"):
            table.add_column(heading, justify="left" if heading in ("weight", "by") else "right")
        for layer in self.layers:
            best = min((m.name for m in self.methods), key=layer.errors.__getitem__)
            errors = (f"{layer.errors[name]:.4f}" for name in (GPTQ, POLISHED, best))
            settled = f"{layer.settled} of {layer.rows}"
            table.add_row(layer.symbol, f"{layer.rows} x {layer.width}", *errors, best, settled)
        out.print(table)


_COUNTS = ("rows", "settled", "optimal")


def show(name: str, value: float) -> str:
    """A metric for the terminal: accuracies in percent."""
    return f"{100 * value:.2f} %" if "accuracy" in name else f"{value:.5g}"


def _reader(name: str) -> Callable[[MethodResult], float]:
    return lambda method: float(getattr(method.metrics, name))


def _sentence(heading: str, methods: list[MethodResult], read: Callable[[MethodResult], float], larger: bool) -> str:
    best = max(map(read, methods)) if larger else min(map(read, methods))
    winners = [method.name for method in methods if read(method) == best]
    others = [method for method in methods if read(method) != best]
    sampled = next((method for method in others if method.name == POLISHED), None)
    if sampled is None and others:
        sampled = (max if larger else min)(others, key=read)
    text = f"{'Highest' if larger else 'Lowest'} {heading}: {' = '.join(winners)} ({show(heading, best)})"
    return f"{text}; {sampled.name}: {show(heading, read(sampled))}." if sampled else f"{text}."

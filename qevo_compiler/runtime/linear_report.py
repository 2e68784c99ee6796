"""The report of a linear program's run as data, as tables, and in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.decode.history import HistoryReader
from qevo_compiler.dialects.linear import ReadOutOp
from qevo_compiler.ir import LedgerEntry
from qevo_compiler.passes.quantities import CHANGES_TRAINING
from qevo_compiler.results import ledger_json
from qevo_compiler.runtime.boxes import BoxRound
from qevo_compiler.runtime.propagation import OrderRun, Propagation
from qevo_compiler.runtime.shots import ShotReadOut

if TYPE_CHECKING:
    from rich.console import Console

Floats = NDArray[np.float64]
_LISTED = 12


@dataclass(frozen=True)
class CircuitRun:
    """A simulated circuit: overlap of its post-selected state with the solution, relative error with the compiler's
    scale, the probability that the post-selection succeeded, and the history [T + P + 1, D] that it holds."""

    qubits: int
    gates: int
    overlap: float
    error: float
    success: float
    read_out: ReadOutOp
    history: Floats


@dataclass(frozen=True)
class AnnealedRun:
    """The annealing route: unknowns, bits each, kappa, rounds, distance from the lifted solution, and the history."""

    unknowns: int
    bits: int
    condition: float
    rounds: tuple[BoxRound, ...]
    distance: float
    history: Floats


@dataclass(frozen=True)
class LinearReport:
    """Everything that a run found; `ledger` is the module's."""

    name: str
    reader: HistoryReader
    found: Propagation
    circuit: CircuitRun | None
    annealed: AnnealedRun | None
    read_out: ShotReadOut | None
    ledger: tuple[LedgerEntry, ...]

    @property
    def status(self) -> str:
        """`certified` where a proved bound is below the trajectory's size, `divergent` where nothing stops growth."""
        run, op = self.found.run, self.reader.map
        with np.errstate(over="ignore", invalid="ignore"):
            size = float(np.linalg.norm(self.found.exact - op.pivot.values[op.map.resting], axis=1).max())
        if run.certificate.bound < size or run.certificate.bound == 0:
            return "certified"
        kind = self.found.flags.of_class(run.order, self.found.chunk).value
        return "divergent" if kind == "none" else "not certified"

    def to_json(self) -> dict[str, Any]:
        """The report as data; it holds no times. Numbers that are not finite become null."""
        run, flags = self.found.run, self.found.flags
        names = self.found.names
        members: dict[str, Any] = {
            "program": self.name,
            "task": "linearize",
            "status": self.status,
            "steps": len(self.found.exact) - 1,
            "order": run.order,
            "optimizer": _named(names, self.found.exact[-1]),
            "lifted": _named(names, run.states[-1]),
            "error": _finite(float(run.errors[-1])),
            "orders": [_order_json(each) for each in self.found.runs],
            "flags": {
                "class": flags.of_class(run.order, self.found.chunk).value,
                "r_d": _finite(flags.ratio),
                "radius": _finite(flags.modes.radius),
                "divergent_modes": flags.modes.divergent,
                "unstable_modes": flags.modes.unstable,
                "flat_modes": flags.modes.flat,
                "moments": self.found.moments,
            },
            "system": {"unknowns": self.reader.system.unknowns, "nonzeros": self.reader.system.nonzeros},
            "circuit": self._circuit_json(),
            "annealing": self._annealing_json(),
            "read_out": None if self.read_out is None else self.read_out.to_json(names),
            "ledger": [ledger_json(entry) for entry in self.ledger],
        }
        return members

    def _circuit_json(self) -> dict[str, Any] | None:
        if self.circuit is None:
            return None
        c = self.circuit
        return {
            "solver": c.read_out.solver,
            "encoding": c.read_out.encoding,
            "qubits": c.qubits,
            "gates": c.gates,
            "overlap": c.overlap,
            "relative_error": c.error,
            "success_probability": c.success,
            "final": _named(self.found.names, self.reader.states(c.history)[-1]),
        }

    def _annealing_json(self) -> dict[str, Any] | None:
        if self.annealed is None:
            return None
        a = self.annealed
        rounds = [{"residual": r.residual, "spacing": r.spacing, "exact": r.exact} for r in a.rounds]
        return {
            "unknowns": a.unknowns,
            "bits": a.bits,
            "kappa": a.condition,
            "rounds": rounds,
            "distance_from_lifted": a.distance,
            "final": _named(self.found.names, self.reader.states(a.history)[-1]),
        }

    def print(self, out: Console) -> None:
        """Tables and sentences for the terminal."""
        self._print_parameters(out)
        self._print_orders(out)
        for sentence in self.verdict():
            out.print(sentence, markup=False, highlight=False)

    def verdict(self) -> tuple[str, ...]:
        """What happened, a sentence a stage."""
        run, flags = self.found.run, self.found.flags
        modes = flags.modes
        kind = flags.of_class(run.order, self.found.chunk).value
        sentences = [
            f"Order {run.order} over {len(self.found.exact) - 1} steps: {self.status}; class {kind}, "
            f"R_d {flags.ratio:.4g}, radius of F_1 {modes.radius:.6g}; {modes.divergent} divergent, "
            f"{modes.unstable} unstable, {modes.flat} flat modes."
        ]
        sentences += [
            f"The optimizer here trains a polynomial in the model's place; the model itself ends {entry.value:.3g} away"
            f" ({entry.quantity}, {entry.kind.value})."
            for entry in self.ledger
            if entry.quantity in CHANGES_TRAINING
        ]
        if self.found.moments:
            sentences.append("Expected values are lifted: the difference from one path of the optimizer is no error.")
        return (*sentences, *self._solver_sentences())

    def _solver_sentences(self) -> Iterator[str]:
        if (c := self.circuit) is not None:
            made = f"{c.read_out.solver}, {c.read_out.encoding}; {c.qubits} qubits, {c.gates} gates"
            found = f"relative error {c.error:.3g}, success probability {c.success:.4g}"
            yield f"The circuit ({made}) has overlap {c.overlap:.8f} with the solution, {found}."
        if (a := self.annealed) is not None:
            work = f"{a.unknowns} unknowns at {a.bits} bits for {len(a.rounds)} rounds, kappa {a.condition:.3g}"
            last = f"residual {a.rounds[-1].residual:.3g}, " if a.rounds else ""
            yield f"Annealing {work}: {last}distance {a.distance:.3g} from the lifted solution."
        if (r := self.read_out) is not None:
            signs = f"{int(r.decided.sum())} of {len(r.decided)} signs decided"
            yield f"{r.shots} shots and {r.shots} for signs, {r.kept} of the final block: error {r.error:.3g}, {signs}."

    def _print_parameters(self, out: Console) -> None:
        from rich.table import Table

        last = self.reader.steps
        columns = {"optimizer": self.found.exact[-1], f"lift, order {self.found.run.order}": self.found.run.states[-1]}
        # Circuits and spins hold one lift: with re-uploads that is the first chunk.
        if self.circuit is not None:
            columns[f"circuit, step {last}"] = self.reader.states(self.circuit.history)[last]
        if self.annealed is not None:
            columns[f"annealed, step {last}"] = self.reader.states(self.annealed.history)[last]
        if self.read_out is not None:
            columns[f"{self.read_out.shots} shots, step {last}"] = self.read_out.values
        table = Table(title=self.name, title_justify="left")
        for heading in ("state", *columns):
            table.add_column(heading, justify="left" if heading == "state" else "right")
        for i, name in enumerate(self.found.names[:_LISTED]):
            table.add_row(name, *(f"{values[i]:.12g}" for values in columns.values()))
        if len(self.found.names) > _LISTED:
            table.add_row(f"and {len(self.found.names) - _LISTED} more", *("" for _ in columns))
        out.print(table)

    def _print_orders(self, out: Console) -> None:
        from rich.table import Table

        where = f"over {self.found.chunk} steps" if self.found.run.loop is not None else "at the end"
        table = Table(title="error an order", title_justify="left")
        for heading in ("order", "dimension", "error at the end", "largest", f"bound A {where}", "bound B", "bound C"):
            table.add_column(heading, justify="right")
        for run in self.found.runs:
            c = run.certificate
            bounds = ("" if value is None else f"{value:.4g}" for value in (c.a, c.b, c.c))
            largest = f"{float(run.errors.max()):.4g}"
            table.add_row(str(run.order), str(run.dimension), f"{run.errors[-1]:.6g}", largest, *bounds)
        out.print(table)


def _order_json(run: OrderRun) -> dict[str, Any]:
    c = run.certificate
    return {
        "order": run.order,
        "dimension": run.dimension,
        "error": _finite(float(run.errors[-1])),
        "largest_error": _finite(float(run.errors.max())),
        "bound_a": _finite(c.a),
        "bound_b": None if c.b is None else _finite(c.b),
        "bound_c": None if c.c is None else _finite(c.c),
        "loop_bound": None if run.loop is None else _finite(run.loop),
    }


def _named(names: tuple[str, ...], values: Floats) -> dict[str, float | None]:
    return {name: _finite(float(value)) for name, value in zip(names, values, strict=True)}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None

"""The target `dwave`: checks a spin program against the annealer's rules and writes its files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from qevo_compiler.diagnostics import CompileError, Diagnostics
from qevo_compiler.diagnostics.targets import BadEmittedFile
from qevo_compiler.dialects import anneal
from qevo_compiler.ir import Array, Evidence, Invalid, LedgerEntry, Legal, Module, Op
from qevo_compiler.targets.base import EmittedFile, Target
from qevo_compiler.targets.common import SPIN, check_legal, the_json, the_model
from qevo_compiler.targets.dwave import limits
from qevo_compiler.targets.dwave.bqm import SUFFIX, file_chunks, json_chunks, read_model
from qevo_compiler.targets.dwave.embedding import SEED, embed, precision
from qevo_compiler.targets.dwave.topology import Lattice, Topology

SCHEDULE = "schedule.json"
EMBEDDING = "embedding.json"
BLOCK = 128
# Every coupling lengthens chains, and the analog controls resolve only some 5 bits of range.
SPARSE_AND_NARROW = {"coupling_weight": 0.15, "range_weight": 1.0}


@dataclass(frozen=True)
class DWave(Target):
    """A binary quadratic model and its anneal schedule, as D-Wave's Ocean reads them.

    Option: `embed`, the lattice to embed in; it also holds the model to the annealer's ranges, and
    warns of one that needs more bits than its control has.
    """

    name: ClassVar[str] = "dwave"
    pipeline: ClassVar[str] = "spin"
    legal: ClassVar[Legal] = SPIN

    embed: Topology = Topology.NONE

    def __post_init__(self) -> None:
        """Options may come as text; raises `ValueError` for an unknown topology."""
        object.__setattr__(self, "embed", Topology(self.embed))

    def pass_options(self) -> Mapping[str, Mapping[str, Any]]:
        """The annealer's schedule rules always; its ranges, precision and block size when embedding."""
        options: dict[str, dict[str, Any]] = {
            "local-quadratic-model": {"capacity": BLOCK},
            "quadratize": SPARSE_AND_NARROW,
            "synthesize-schedule": {
                "max_points": limits.MAX_POINTS,
                "min_time": limits.SHORTEST,
                "max_time": limits.LONGEST,
                "max_slope": limits.STEEPEST,
            },
        }
        if self.embed is not Topology.NONE:
            options["local-quadratic-model"] = {"capacity": Lattice.SIZES[self.embed][2]}
            options["scale-coefficients"] = {
                "max_field": limits.FIELD_LIMIT,
                "max_coupling": limits.COUPLING_LIMIT,
                "bits": limits.CONTROL_BITS,
            }
        return options

    def check(self, module: Module) -> None:
        """Legal ops, one model, the schedule's rules; with `embed` also ranges and an embedding."""
        check_legal(module, self.name, self.legal, "`openqasm3` and `cirq` take circuits")
        model = the_model(module, self.name)
        found = Diagnostics()
        for schedule in module.main.ops_of(anneal.ScheduleOp):
            for error in limits.schedule_errors(schedule):
                found.add(error)
        if self.embed is not Topology.NONE:
            for error in limits.range_errors(model):
                found.add(error)
            try:
                embed(model, self.embed)
            except CompileError as error:
                found.extend(error)
        found.raise_if_any()

    def emit(self, module: Module) -> Iterator[EmittedFile]:
        model = the_model(module, self.name)
        yield EmittedFile(SUFFIX, partial(json_chunks, model))
        yield EmittedFile("bqm", partial(file_chunks, model))
        schedule = module.main.first(anneal.ScheduleOp)
        if schedule is not None:
            yield EmittedFile(SCHEDULE, partial(_schedule_chunks, schedule, module.main.first(anneal.SampleOp)))
        if self.embed is not Topology.NONE:
            yield EmittedFile(EMBEDDING, partial(self._embedding_chunks, module))

    def read(self, files: Mapping[str, bytes]) -> tuple[Op, ...]:
        """The model, and the schedule when there is one."""
        ops: list[Op] = [read_model(files)]
        if SCHEDULE in files:
            ops.append(_read_schedule(files))
        return tuple(ops)

    def ledger(self, module: Module) -> tuple[LedgerEntry, ...]:
        """What embedding does: the longest chain, and the factor that is the precision really programmed."""
        if self.embed is Topology.NONE:
            return ()
        model = the_model(module, self.name)
        embedding = embed(model, self.embed)
        scaling = precision(model, embedding)
        chains = f"{embedding.method}: {model.size} spins on {embedding.qubits} qubits of {self._title}"
        strength = f"chain strength {scaling.chain_strength!r} by uniform torque compensation; auto-scaling"
        return (
            LedgerEntry(
                self.name, "longest chain", float(embedding.longest), Evidence.MEASURED, "", f"embedding by {chains}"
            ),
            LedgerEntry(
                self.name,
                "programmed scale",
                scaling.auto_scale,
                Evidence.ESTIMATED,
                "",
                f"{strength} multiplies the energy by this",
            ),
        )

    @property
    def _title(self) -> str:
        return Lattice.SIZES[self.embed][0]

    def _embedding_chunks(self, module: Module) -> Iterator[bytes]:
        model = the_model(module, self.name)
        embedding = embed(model, self.embed)
        scaling = precision(model, embedding)
        members = {
            "auto_scale": scaling.auto_scale,
            "chain_strength": scaling.chain_strength,
            "embedding": {str(spin): list(chain) for spin, chain in enumerate(embedding.chains)},
            "longest_chain": embedding.longest,
            "method": embedding.method,
            "qubits": embedding.qubits,
            "seed": SEED,
            "topology": {"shape": [Lattice.SIZES[self.embed][1]], "type": self.embed.value},
        }
        yield _json(members)


def _json(members: Mapping[str, Any]) -> bytes:
    return (json.dumps(members, indent=1) + "\n").encode()


def _schedule_chunks(schedule: anneal.ScheduleOp, sample: anneal.SampleOp | None) -> Iterator[bytes]:
    """Keyword arguments of D-Wave's samplers."""
    points = np.stack([schedule.times.values, schedule.fractions.values], axis=1)
    members: dict[str, Any] = {"anneal_schedule": points.tolist()}
    if sample is not None and sample.reads is not None:
        members["num_reads"] = sample.reads
    yield _json(members)


def _read_schedule(files: Mapping[str, bytes]) -> anneal.ScheduleOp:
    """The schedule; the number of reads is left to the program's own `anneal.sample`."""
    found = the_json(files, SCHEDULE)
    try:
        points = np.array(found["anneal_schedule"], np.float64).reshape(-1, 2)
        schedule = anneal.ScheduleOp(Array(points[:, 0].copy()), Array(points[:, 1].copy()))
        schedule.verify()
    except (Invalid, KeyError, TypeError, ValueError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise CompileError(BadEmittedFile(None, SCHEDULE, reason)) from None
    return schedule

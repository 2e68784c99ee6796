"""A compiled program: its files, its ledger, how to run it and how to read its answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qevo_compiler.diagnostics import CompileError, Diagnostic
from qevo_compiler.diagnostics.encoding import WrongSample
from qevo_compiler.diagnostics.sources import NoSpinModel
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.ir import LedgerEntry, Module, module_chunks
from qevo_compiler.results import RunResult
from qevo_compiler.source import SourceMap
from qevo_compiler.targets import EmittedFile, Target, manifest
from qevo_compiler.targets.problem_file import PROBLEM_SUFFIX, decoding_module
from qevo_compiler.writing import write_files

if TYPE_CHECKING:
    import dimod

    from qevo_compiler.decode import Decoder, Solution
    from qevo_compiler.decode.coefficients import CoefficientTable
    from qevo_compiler.decode.hubo import Hubo
    from qevo_compiler.decode.quadratic_arrays import QuadraticArrays


@dataclass(frozen=True)
class CompiledProgram:
    """The final module of a compilation with the target that it was lowered for."""

    module: Module
    target: Target
    sources: SourceMap
    options: Mapping[str, Any]
    warnings: tuple[Diagnostic, ...] = ()

    def __repr__(self) -> str:
        model = self.module.main.first(ising.ModelOp)
        size = f", {model.size} spins, {len(model.couplings)} couplings" if model is not None else ""
        return f"CompiledProgram({self.name!r}, target={self.target.name}{size}, {len(self.ledger)} ledger entries)"

    @property
    def name(self) -> str:
        return self.module.name

    @property
    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every lossy step between the source and this program."""
        return self.module.ledger

    @property
    def provenance(self) -> tuple[ising.RegisterOp, ...]:
        """Which symbol every block of spins stands for."""
        return self.module.main.ops_of(ising.RegisterOp)

    @cached_property
    def decoder(self) -> Decoder:
        """Reads samples of spins. Raises `CompileError` for the circuit of a linear system, which has none."""
        if self.module.find("problem") is None and self.module.find("history") is not None:
            raise CompileError(NoSpinModel(None, self.target.name))
        from qevo_compiler.decode import Decoder

        return Decoder(self.module)

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The emitted files by name, the manifest last."""
        files = {f"{self.name}.{file.suffix}": file.content() for file in self._emitted()}
        record = self._manifest({name: manifest.sha256(content) for name, content in files.items()})
        return {**files, f"{self.name}.{manifest.SUFFIX}": record}

    @cached_property
    def bqm(self) -> dimod.BinaryQuadraticModel:
        """The spin model as a dimod object. Raises `CompileError` beside products of three and more spins."""
        from qevo_compiler.passes.binary_to_spin import spin_view
        from qevo_compiler.targets.dwave import to_dimod

        if self.module.main.first(ProductsOp) is not None:
            raise CompileError(NoSpinModel(None, self.target.name))
        return to_dimod(spin_view(self.module) or self.module.main.only(ising.ModelOp))

    @property
    def arrays(self) -> QuadraticArrays:
        """The emitted model's coefficients without a copy: over spins, or over bits for the target `qubo`.

        Raises `CompileError` for programs without a quadratic model.
        """
        from qevo_compiler.decode.quadratic_arrays import QuadraticArrays

        main = self.module.main
        op = main.first(ising.ModelOp) or main.first(ising.QuboOp)
        if op is None or main.first(ProductsOp) is not None:
            raise CompileError(NoSpinModel(None, self.target.name))
        return QuadraticArrays(op)

    @cached_property
    def coefficients(self) -> CoefficientTable:
        """Objective and constraint families as separate vectors; made on first use."""
        from qevo_compiler.reweighting import coefficient_table

        return coefficient_table(self)

    def reweight(self, factors: Mapping[str, float] | None = None, /, **weights: float) -> CompiledProgram:
        """The same program with other penalty weights: `reweight(fits=2.0)`, or `reweight({"fits": 1.5})` for factors.

        Weights are absolute, as the ledger and `explain` show them (before scaling); factors multiply present
        ones. Families are constraints by name, or encodings by their variable. No pass before scaling runs
        again: the model is a weighted sum of stored vectors, which are made on the first call. (Where constraints
        or the objective have products of three and more bits, these are split anew.) A hard weight that is made
        smaller loses its proof, which the ledger says. Raises `CompileError` for other names or numbers.
        """
        from qevo_compiler.reweighting import reweighted

        program = reweighted(self, factors or {}, weights)
        # The vectors have weight 1, so they serve the new program as well.
        vars(program)["coefficients"] = self.coefficients
        return program

    def update(self, source: Any, data: Mapping[str, Any] | None = None, *, prove: bool = True) -> CompiledProgram:
        """The program for changed numbers in the objective and the constraints, over the same bits and couplings.

        `source` is what was compiled, `data` as for `compile`. Penalties are made anew, and proved weights with them;
        weights that were given or tuned stay. With `prove=False` all weights stay (those that had a proof count as
        given), and where only the objective changed the penalties are not touched, which is faster. Where bits were
        eliminated or products split, presolve and quadratization run again. The anneal schedule stays. Raises
        `CompileError` naming the data and the place where the bits of a variable or of slack, or the pattern of
        couplings, change; ranges may change within their bits.
        """
        from qevo_compiler.updating import updated

        return updated(self, source, data, prove)

    def hubo(self) -> Hubo:
        """Objective and penalties as one polynomial over named bits, of any degree: the model before quadratization.

        Raises `CompileError` for files without a spin model.
        """
        if self.module.main.first(ising.ModelOp) is None:
            raise CompileError(NoSpinModel(None, self.target.name))
        from qevo_compiler.decode.hubo import hubo_of_model

        return hubo_of_model(self.module)

    def to_sympy(self) -> Any:
        """The problem over the source's own variables as sympy expressions."""
        from qevo_compiler.analyses.symbolic import to_sympy

        return to_sympy(self.module.func("problem"))

    def write(self, folder: str | Path) -> tuple[Path, ...]:
        """Write all files into `folder`; they appear whole or not at all. Large ones are streamed.

        Raises `CompileError` when that is impossible; folders made on the way are then removed again.
        """
        return write_files(Path(folder), self.name, self._emitted(), self._manifest)

    def run(
        self,
        reads: int | None = None,
        seed: int | None = None,
        sweeps: int | None = None,
        backend: str | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> RunResult:
        """Sample and decode. Arguments left out come from the program's `sample` directive.

        `progress` hears the part done of the sampling, from 0 to 1.
        """
        from qevo_compiler.backends.select import select_backend

        started = time.perf_counter()
        samples = select_backend(backend, progress=progress).sample(self.module, reads, seed, sweeps)
        took = time.perf_counter() - started
        return self._result(samples.spins, np.ones(len(samples.spins), np.int64), {"sample": took}, samples.exact)

    def decode_counts(self, counts: Mapping[str, int], order: str = "little") -> RunResult:
        """What a machine measured, as a dictionary from bit strings to counts; one solution for every string.

        `order` says where bit 0 stands in a string: `little`, at its end (Qiskit), or `big`, at its start (Cirq).
        Raises `CompileError` for counts that do not fit the program's circuit.
        """
        from qevo_compiler.decode.counts import BitOrder, spins_of_counts

        spins, shots = spins_of_counts(counts, self.decoder.size, BitOrder(order))
        return self._result(spins, shots, {}, False)

    def _result(self, spins: Any, counts: Any, timing: Mapping[str, float], exact: bool) -> RunResult:
        from qevo_compiler.decode.shots import shots_of
        from qevo_compiler.decode.verdict import verdict

        started = time.perf_counter()
        decoded = self.decoder.decode(spins)
        solutions, found = decoded.ranked(), verdict(self.module, decoded, exact)
        timing = {**timing, "decode": time.perf_counter() - started}
        shots = None if self.module.main.first(CircuitOp) is None else shots_of(decoded, counts)
        reads, note = int(counts.sum()), found.note
        return RunResult(self.name, found.status, solutions[0], solutions, reads, self.ledger, timing, note, shots)

    def decode(self, sample: Any) -> Solution:
        """One sample in the problem's names: a sequence of spins, a dict from label to spin, or a dimod sample.

        Raises `CompileError` when spins are missing or values are neither -1 nor +1.
        """
        if isinstance(sample, Mapping) or hasattr(sample, "items"):
            size = self.decoder.size
            if missing := [spin for spin in range(size) if spin not in sample]:
                raise CompileError(WrongSample(None, f"it has no value for spin {missing[0]}", size))
            sample = [sample[spin] for spin in range(size)]
        return self.decoder.decode(np.asarray(sample, np.int8)[None, :])[0]

    def state_dict(self, solution: Solution, state: Mapping[str, Any]) -> dict[str, Any]:
        """A model's state dict (or arrays by name) with the weights that `solution` decides; the rest stay as they are.

        Where rounding folded batch norms into layers, all parameters are those of the compiled model. Raises
        `KeyError` or `ValueError` for a state that is not the compiled model's.
        """
        from qevo_compiler.decode.weights import updated_state
        from qevo_compiler.dialects.nn.parameters import folded_parameters

        whole = self.module.find("loss")
        given = {} if whole is None else folded_parameters(whole)
        return updated_state(self.provenance, solution.values, state, given)

    def explain(self, name: str) -> list[str]:
        """What a name of the program stands for, a line each, and where that was declared.

        A spin (`s17`), a coupling (`s3,s9`), a symbol of the source or an element of it (`take[3]`), a constraint or an
        instance of it (`visit[3]`); of a circuit also a qubit (`q[17]`, or `$17`) and a classical bit (`c[17]`). Raises
        `CompileError` for a name that the program does not have.
        """
        from qevo_compiler.decode.explain_name import explain_name

        return explain_name(self.module, self.decoder, self.target.name, name)

    def _emitted(self) -> Iterator[EmittedFile]:
        yield from self.target.emit(self.module)
        yield EmittedFile(PROBLEM_SUFFIX, self._problem_chunks)

    def _problem_chunks(self) -> Iterator[bytes]:
        for chunk in module_chunks(decoding_module(self.module), spans=False):
            yield chunk.encode()

    def _manifest(self, digests: Mapping[str, str]) -> bytes:
        return manifest.manifest(self.module, self.target.name, self.options, digests)

"""A compiled program: its files, its ledger, how to run it and how to read its answers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qevo_compiler.diagnostics import CompileError, Diagnostic, did_you_mean
from qevo_compiler.diagnostics.encoding import WrongSample
from qevo_compiler.diagnostics.sources import (
    NoSpinModel,
    NoSuchConstraint,
    NoSuchSpin,
    UnknownSymbol,
)
from qevo_compiler.dialects import anneal, ising, poly
from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.dialects.spin_products import ProductsOp
from qevo_compiler.ir import Func, LedgerEntry, Module, module_chunks
from qevo_compiler.results import RunResult, ledger_json
from qevo_compiler.source import SourceMap
from qevo_compiler.targets import EmittedFile, Target, manifest
from qevo_compiler.writing import write_files

if TYPE_CHECKING:
    import dimod

    from qevo_compiler.decode import Decoder, Solution
    from qevo_compiler.decode.coefficients import CoefficientTable
    from qevo_compiler.decode.hubo import Hubo

PROBLEM_SUFFIX = "problem.qir"


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
        """What a spin (`s17`), a symbol of the source or an element of it (`take[3]`) is, and where it was declared.

        Raises `CompileError` for a name that the program does not have.
        """
        from qevo_compiler.decode.explain_model import explain_element, explain_register, shape_hint

        size = self.decoder.size
        if re.fullmatch(r"s\d+", name) and int(name[1:]) < size:
            return self.decoder.explain_spin(int(name[1:]))
        found = [register for register in self.provenance if register.symbol == name]
        element = explain_element(self.provenance, name, self.decoder.numbering) if not found else []
        if element:
            return element
        if not found:
            symbols = [register.symbol for register in self.provenance]
            known = "symbols: " + ", ".join(f"`{symbol}`" for symbol in symbols)
            hint = shape_hint(self.provenance, name) or did_you_mean(name, symbols)
            raise CompileError(UnknownSymbol(None, name, size - 1, known, hint))
        return [line for register in found for line in explain_register(register, self.decoder.numbering)]

    def explain_coupling(self, first: str, second: str) -> list[str]:
        """What the coupling of two spins (`s3`, `s9`) is the sum of: the objective and single penalties.

        Raises `CompileError` for names of no two different spins, or for files without a spin model.
        """
        from qevo_compiler.decode.explain_model import explain_coupling
        from qevo_compiler.passes.binary_to_spin import spin_view

        if spin_view(self.module) is None:
            raise CompileError(NoSpinModel(None, self.target.name))
        size = self.decoder.size
        known = [re.fullmatch(r"s(\d+)", name.strip()) for name in (first, second)]
        spins = sorted({int(match[1]) for match in known if match and int(match[1]) < size})
        if len(spins) != 2:
            raise CompileError(NoSuchSpin(None, f"{first},{second}", size - 1))
        return list(explain_coupling(self.module, *spins))

    def explain_constraint(self, name: str) -> list[str]:
        """What became of a constraint (`fits`) or one instance (`visit[3]`): penalty, rule, slack spins, gap.

        Raises `CompileError` for a name that the problem does not have.
        """
        from qevo_compiler.decode.explain_model import explain_constraint

        lines = explain_constraint(self.module, name)
        if not lines:
            symbols = [op.symbol for op in self.module.func("problem").ops_of(poly.ConstraintOp)]
            listed = ", ".join(f"`{symbol}`" for symbol in symbols)
            known = f"its constraints are {listed}" if symbols else "its problem has no constraint"
            known += "; one without decisions holds always and is left out"
            raise CompileError(NoSuchConstraint(None, name, known, did_you_mean(name, symbols)))
        return lines

    def _emitted(self) -> Iterator[EmittedFile]:
        yield from self.target.emit(self.module)
        yield EmittedFile(PROBLEM_SUFFIX, self._problem_chunks)

    def _problem_chunks(self) -> Iterator[bytes]:
        for chunk in module_chunks(decoding_module(self.module), spans=False):
            yield chunk.encode()

    def _manifest(self, digests: Mapping[str, str]) -> bytes:
        return manifest.manifest(self.module, self.target.name, self.options, digests)


def decoding_module(module: Module) -> Module:
    """What decoding needs: `@problem` (and `@stated`) or `@history` and, in `@main`, registers, penalties, sampling.

    Beside a rounded model whose batch norms were folded stand its parameters, as `@loss`.
    """
    from qevo_compiler.dialects.nn import ParameterOp
    from qevo_compiler.dialects.nn.parameters import folded_parameters

    kept = (ising.RegisterOp, ising.PenaltyOp, ising.SettledOp, ising.ReductionOp, anneal.SampleOp)
    main = Func("main", (), tuple(op for op in module.main.ops if isinstance(op, kept)))
    others = [func for func in map(module.find, ("problem", "stated", "history")) if func is not None]
    whole = module.find("loss")
    if whole is not None and folded_parameters(whole):
        others.append(Func("loss", (), whole.ops_of(ParameterOp)))
    return Module(module.name, (main, *others), module.ledger)


__all__ = ["CompiledProgram", "RunResult", "decoding_module", "ledger_json"]

"""Write products of three and more bits with auxiliary bits, exactly.

before: poly.objective {-2 a b c}
after:  ising.register {role = Role.auxiliary, auxiliaries = [(a, b)]}; ising.qubo {-2 c z - 2 a z - 2 b z + 4 z}
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.encoding import TooManyAuxiliaries
from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.dialects.ising.auxiliaries import Auxiliaries
from qevo_compiler.dialects.poly import Polynomials, Vartype
from qevo_compiler.ir import Array, Builder, Evidence, Func, LedgerEntry, Legal, Module
from qevo_compiler.ir.deferred import kept
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.gates.predicted_cost import layer_cost
from qevo_compiler.passes.limits import check_numbers
from qevo_compiler.passes.products.costs import Weights
from qevo_compiler.passes.products.cover import Search, cover
from qevo_compiler.passes.products.draft import Draft, TooMany
from qevo_compiler.passes.products.monomials import Monomials, Term
from qevo_compiler.passes.products.sharing import share
from qevo_compiler.passes.products.sums import summed
from qevo_compiler.passes.products.written_square import written_square
from qevo_compiler.passes.route_qubits import RouteQubits
from qevo_compiler.passes.stages import QUADRATIC, UNCONSTRAINED

AUXILIARY = "product"
# A product of d bits is one of up to 2^d of spins.
_KEPT = 6
# Routings of each layer that is compared.
_TRIALS = 2


class Method(Enum):
    """How auxiliaries are chosen.

    HYBRID lets every monomial choose between shared pairs, shared products and gadgets of its own, and choose
    again in many sweeps; GREEDY does so with a few sweeps; TERMWISE gives every monomial a gadget of its own.
    """

    HYBRID = "hybrid"
    GREEDY = "greedy"
    TERMWISE = "termwise"


@dataclass(frozen=True)
class Quadratize(Pass):
    """The least energy over the auxiliaries equals the polynomial at every state of the other bits.

    What is made small is auxiliaries + `coupling_weight` * couplings + `range_weight` * log2(range), the range
    being the largest coefficient over the smallest; targets set the weights. `sweeps` belong to the hybrid
    method. At most `max_auxiliaries` are made. Spin models are quadratic already and pass through. A polynomial of
    degree `keep` at most (for circuits) has no auxiliaries: its products stand beside the model. Where `keep` is None
    that degree is 6, and on a device, whose couplers `coupling` and `qubits` state as for `route-qubits`, products are
    kept only where a layer of them is expected to go wrong less than one with auxiliaries; the ledger has both costs.
    """

    name: ClassVar[str] = "quadratize"
    takes: ClassVar[Legal] = UNCONSTRAINED
    leaves: ClassVar[Legal] = QUADRATIC

    method: Method = Method.HYBRID
    coupling_weight: float = 0.1
    range_weight: float = 0.25
    sweeps: int = 200
    max_auxiliaries: int = 10_000_000
    keep: int | None = 2
    coupling: tuple[int, ...] = ()
    qubits: int | None = None

    def run(self, module: Module, context: Context = SILENT) -> Module:
        check_numbers(self, "coupling_weight", "range_weight", "sweeps", "max_auxiliaries", "keep", least=0)
        main = module.main
        op = main.first(poly.ObjectiveOp)
        if op is None:
            return module
        bits = sum(register.count for register in main.ops_of(ising.RegisterOp))
        may_stay = 2 < op.polynomial.degree <= (_KEPT if self.keep is None else self.keep)
        if may_stay and not (self.keep is None and self.coupling):
            return module.with_main(_lowered(main, op, op.polynomial, None, bits))
        try:
            polynomial, auxiliaries = self.quadratized(op.polynomial, bits, context)
        except TooMany:
            raise CompileError(TooManyAuxiliaries(op.span, op.polynomial.degree, self.max_auxiliaries)) from None
        split = _lowered(main, op, polynomial, auxiliaries, bits)
        if not may_stay:
            return module.with_main(split)
        count = 0 if auxiliaries is None else auxiliaries.count
        stays, entry = self._compared(op.polynomial, polynomial, bits, count, _vartype(main))
        return module.with_main(_lowered(main, op, op.polynomial, None, bits) if stays else split).record(entry)

    def _compared(
        self, whole: Polynomials, split: Polynomials, bits: int, auxiliaries: int, vartype: Vartype
    ) -> tuple[bool, LedgerEntry]:
        """Whether products are better kept on the device, and by what costs; a split that is too wide never is."""
        router = RouteQubits(coupling=self.coupling, qubits=self.qubits, trials=_TRIALS)
        kept, other = layer_cost(whole, vartype, bits, router) / 10, float("inf")
        if bits + auxiliaries <= router.device.size:
            other = layer_cost(split, vartype, bits + auxiliaries, router) / 10
        word = "kept" if kept <= other else "split"
        note = f"products are {word}: a routed layer costs {kept:g} with them, {other:g} with {auxiliaries} auxiliaries"
        return kept <= other, LedgerEntry(self.name, "cost of a layer", min(kept, other), Evidence.ESTIMATED, "", note)

    def quadratized(
        self, p: Polynomials, bits: int, context: Context = SILENT
    ) -> tuple[Polynomials, Auxiliaries | None]:
        """`p` (one multilinear row over 0/1 bits) with auxiliaries from `bits` on, and what they stand for if any.

        Raises `TooMany` for more than `max_auxiliaries`.
        """
        if p.degree <= 2:
            return p, None
        draft = Draft(bits, self.max_auxiliaries)
        high = [Monomials(kept(b.variables), kept(b.coefficients)) for b in p.terms if b.degree > 2]
        if self.method is Method.TERMWISE:
            for block in high:
                draft.alone(block)
        else:
            self._covered(high, draft, context)
        low = [Term(tuple(b.variables.values.T), b.coefficients.values) for b in p.terms if b.degree <= 2]
        return summed([*low, *draft.terms()], bits + draft.count), draft.auxiliaries()

    def _covered(self, high: list[Monomials], draft: Draft, context: Context) -> None:
        weights = Weights(self.coupling_weight, self.range_weight)
        sweeps = self.sweeps if self.method is Method.HYBRID else 0
        search = Search(sweeps, lambda share: context.progress("sharing auxiliaries", share))
        rest, opened = share(high, draft, weights)
        cover(rest, opened, draft, weights, search)


def _lowered(
    main: Func, op: poly.ObjectiveOp, polynomial: Polynomials, auxiliaries: Auxiliaries | None, bits: int
) -> Func:
    builder = Builder()
    registers = main.ops_of(ising.RegisterOp)
    for register in registers:
        builder.append(register)
    if auxiliaries is not None:
        count, role = auxiliaries.count, ising.Role.AUXILIARY
        made = ising.RegisterOp(AUXILIARY, role, Vartype.BINARY, bits, count, auxiliaries=auxiliaries, span=op.span)
        builder.append(made)
        bits += count
    for other in main.ops:
        if not isinstance(other, (ising.RegisterOp, poly.ObjectiveOp)):
            builder.append(other)
    vartype = _vartype(main)
    builder.append(_model(main, polynomial, bits, vartype is Vartype.SPIN, op))
    products = tuple(block for block in polynomial.terms if block.degree > 2)
    if products:
        builder.append(ProductsOp(Polynomials(1, products), vartype, span=op.span))
    return builder.finish()


def _vartype(main: Func) -> Vartype:
    registers = main.ops_of(ising.RegisterOp)
    return registers[0].vartype if registers else Vartype.BINARY


def _model(main: Func, p: Polynomials, bits: int, spins: bool, op: poly.ObjectiveOp) -> ising.ModelOp | ising.QuboOp:
    offset = float(p.constants()[0])
    linear = _linear(p, bits)
    kind = ising.ModelOp if spins else ising.QuboOp
    # A square is written without eliminated bits at once; `drop-eliminated` does so for couplings that are listed.
    reduction = main.first(ising.ReductionOp)
    kept = None if reduction is None else reduction.kept(bits)
    written = written_square(p, kept)
    if written is not None:
        return kind(offset, linear if kept is None else Array(linear.values[kept]), *written, span=op.span)
    block = next((block for block in p.terms if block.degree == 2), None)
    rows, columns = (Array(np.zeros(0, np.int32)),) * 2 if block is None else block.columns
    quadratic = Array(np.zeros(0)) if block is None else block.coefficients
    return kind(offset, linear, rows, columns, quadratic, span=op.span)


def _linear(p: Polynomials, bits: int) -> Array:
    """The linear coefficient of every bit."""
    block = next((block for block in p.terms if block.degree == 1), None)
    if block is not None and len(block) == bits:
        return block.coefficients  # every bit occurs once, in order
    linear = np.zeros(bits)
    if block is not None:
        linear[block.variables.values[:, 0]] = block.coefficients.values
    return Array(linear)

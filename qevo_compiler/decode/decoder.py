"""Decode samples of the emitted model into the problem's names and judge them against `@problem`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.decode.codes import Decoded, decode_register
from qevo_compiler.decode.explain import explain_bit
from qevo_compiler.decode.judging import Judge, grids
from qevo_compiler.decode.numbering import Numbering
from qevo_compiler.decode.projection import Projection
from qevo_compiler.decode.solution import Solutions
from qevo_compiler.decode.stated import added_symbols, evaluate_stated
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.encoding import WrongSample
from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.ising import FORMS, PenaltyForm, PenaltyOp, ProductsOp, RegisterOp, Role, SettledOp
from qevo_compiler.dialects.poly import Polynomials, Vartype, arithmetic
from qevo_compiler.dialects.problem import Domain, Encoding, ListedOp, Relation, Sense, VariableOp
from qevo_compiler.evaluator.polynomials import values_at
from qevo_compiler.ir import Module
from qevo_compiler.passes.binary_to_spin import spin_view
from qevo_compiler.passes.penalty.penalty_energy import wall_rows
from qevo_compiler.passes.quantities import ENERGY_ERROR

Floats = NDArray[np.float64]
Bits = NDArray[np.int8]

ZERO = Polynomials(1, ())

# Residuals and bits that are decoded together. With temporaries they are about eight doubles each: 64 MB.
AT_A_TIME = 1 << 20


class Decoder:
    """Built from a module with `@problem` and, in `@main`, its registers.

    Penalties and the model, where `@main` still has them, add the energy and its split by source.
    """

    def __init__(self, module: Module) -> None:
        self._module = module
        main, problem = module.main, module.func("problem")
        self._registers = main.ops_of(RegisterOp)
        self._decisions = [register for register in self._registers if register.role is Role.DECISION]
        self._slacks = {register.symbol: register for register in self._registers if register.role is Role.SLACK}
        self._penalties = main.ops_of(PenaltyOp)
        self._model = spin_view(module)
        self._products = main.first(ProductsOp)
        self._stated = module.find("stated")
        self._variables = problem.ops_of(VariableOp)
        self._objective = problem.first(poly.ObjectiveOp) or poly.ObjectiveOp(ZERO)
        self._constraints = problem.ops_of(poly.ConstraintOp)
        self._added = added_symbols(module)
        self._rounded = any(entry.quantity == ENERGY_ERROR for entry in module.ledger)
        self.numbering = Numbering(main)
        self.size = self.numbering.spins

    def decode(self, spins: ArrayLike) -> Solutions:
        """Decode samples [reads, spins] of -1/+1 (one sample may come flat).

        Raises `CompileError` for samples of another size or with other values. Cost: reads times terms; beside the
        result a few reads at a time are in memory.
        """
        samples = self._checked(spins)
        reads = max(1, AT_A_TIME // max(1, self.numbering.bits + sum(op.body.rows for op in self._constraints)))
        parts = [self._decode_some(samples[first : first + reads]) for first in range(0, len(samples) or 1, reads)]
        return self._with_rest(Solutions.joined(parts), samples)

    def _decode_some(self, samples: Bits) -> Solutions:
        """The samples decoded, without what no source explains of their energy."""
        states = self.numbering.expand(samples)
        decoded = [self._decode_register(register, states) for register in self._decisions]
        point = _point(self._variables, decoded)
        objective = values_at(self._objective.polynomial, point)[:, 0]
        fitted = {op.symbol: values_at(op.body, point) for op in self._constraints}
        energies, bodies = objective, fitted
        if self._stated is not None:
            objective, bodies = evaluate_stated(self._stated, self._decisions, decoded)
        families = {name: judge.residuals(bodies[name], point) for name, judge in self._judges.items()}
        hard = [family.satisfied.all(axis=1) for family in families.values() if not family.soft]
        feasible = np.logical_and.reduce(hard) if hard else np.ones(len(states), bool)
        energy = None if self._model is None else model_energies(self._model, samples, self._products)
        valid = [item.valid.all(axis=1) for item in decoded]
        return Solutions(
            sense=self._objective.sense,
            values=self._values(decoded),
            objective=objective,
            feasible=feasible,
            families=families,
            codes_valid=np.logical_and.reduce(valid) if valid else np.ones(len(states), bool),
            broken_auxiliaries=self._broken_auxiliaries(states),
            energy=energy,
            energy_split=self._split(states, energies, decoded, fitted),
        )

    def recompute_auxiliaries(self, spins: ArrayLike) -> Bits:
        """The samples [reads, spins] with every auxiliary set to what it stands for, which has the least energy."""
        ones = self.numbering.expand(self._checked(spins)) > 0
        for register in self._auxiliaries():
            assert register.auxiliaries is not None
            ones = register.auxiliaries.filled(ones, register.first)
        return self.numbering.restrict(np.where(ones, np.int8(1), np.int8(-1)))

    def explain_spin(self, index: int) -> list[str]:
        """What a spin stands for, in lines: its symbol and weight, its constraint, or what it is an auxiliary for."""
        if not 0 <= index < self.size:
            return [f"s{index}: no such spin (the program has {self.size})"]
        return list(explain_bit(self._registers, self.numbering.bit(index), self.numbering.name))

    def _checked(self, spins: ArrayLike) -> Bits:
        states = np.asarray(spins)
        states = states[None, :] if states.ndim == 1 else states
        if states.ndim != 2 or states.shape[1] != self.size:
            raise CompileError(WrongSample(None, f"its shape is {states.shape}", self.size))
        if not (np.abs(states) == 1).all():
            raise CompileError(WrongSample(None, "a value is neither -1 nor +1", self.size))
        return states.astype(np.int8)

    def _decode_register(self, register: RegisterOp, states: Bits) -> Decoded:
        return decode_register(register, _bits(register, states))

    def _values(self, decoded: list[Decoded]) -> dict[str, NDArray[Any]]:
        """Arrays [reads, *shape] by symbol; blocks of one tensor follow each other flat."""
        parts: dict[str, list[NDArray[Any]]] = {}
        for register, item in zip(self._decisions, decoded, strict=True):
            if register.symbol in self._added:
                continue
            parts.setdefault(register.symbol, []).append(_in_domain(register, item.values))
        return {symbol: found[0] if len(found) == 1 else _joined(found) for symbol, found in parts.items()}

    def _auxiliaries(self) -> Iterator[RegisterOp]:
        return (register for register in self._registers if register.role is Role.AUXILIARY)

    def _broken_auxiliaries(self, states: Bits) -> NDArray[np.int64]:
        broken = np.zeros(len(states), np.int64)
        ones = states > 0
        for register in self._auxiliaries():
            assert register.auxiliaries is not None
            own = ones[:, register.first : register.first + register.count]
            broken += (own != register.auxiliaries.values(ones)).sum(axis=1)
        return broken

    def _split(
        self,
        states: Bits,
        objective: Floats,
        decoded: list[Decoded],
        bodies: dict[str, Floats],
    ) -> dict[str, Floats]:
        """The energy by source, before scaling.

        `objective` [reads] and `bodies` [reads, rows] are those of the polynomials.
        """
        split = {"objective": objective if self._objective.sense is Sense.MINIMIZE else -objective}
        codes = {register.symbol: item.penalty for register, item in zip(self._decisions, decoded, strict=True)}
        relations = {op.symbol: op.relation for op in self._constraints}
        for op in self._penalties:
            if op.implied:
                split[f"encoding of {op.symbol}"] = op.weight * codes[op.symbol]
            else:
                split[op.symbol] = self._penalties_of(op, bodies[op.symbol], relations[op.symbol], states)
        return split

    def _with_rest(self, found: Solutions, samples: Bits) -> Solutions:
        """With what no source explains of the energy: it comes from auxiliaries, rounding and broken codes."""
        name = None if self._model is None else self._rest_name(found, samples)
        if name is None or self._model is None or found.energy is None:
            return found
        rest = found.energy / self._model.scale - np.sum(list(found.energy_split.values()), axis=0)
        return replace(found, energy_split={**found.energy_split, name: rest})

    def _penalties_of(self, op: PenaltyOp, body: Floats, relation: Relation, states: Bits) -> Floats:
        """What a family costs in every state, [reads]."""
        rows = _penalty(op, self._residual(op, body, relation, states), relation)
        logical = op.row_forms(rows.shape[1]) == FORMS.index(PenaltyForm.LOGIC)
        if logical.any():
            rows = np.where(logical, self._projection.logic_counts(op, (states + np.int8(1)) // 2), rows)
        return np.asarray(rows @ op.row_weights(rows.shape[1]) + op.weight * self._gaps(op.symbol, states))

    def _rest_name(self, found: Solutions, samples: Bits) -> str | None:
        """What explains the part of the energy that has no source; None where there is no such part."""
        if any(register.count for register in self._auxiliaries()):
            return "auxiliaries"
        if self._rounded:
            return "rounding"
        if self._is_unsettled(samples):
            # The energy has settled bits at their values, whatever they are in the state.
            return "settled bits"
        if not found.codes_valid.all():
            # The objective is that of the repaired values, the energy that of the broken code.
            return "broken codes"
        return None

    @cached_property
    def _judges(self) -> dict[str, Judge]:
        real = grids(self._variables)
        own = [op for op in self._constraints if op.symbol not in self._added]
        return {op.symbol: Judge(op, real, self._soft_weights(op)) for op in own}

    def _soft_weights(self, op: poly.ConstraintOp) -> Floats | None:
        """What the rows of a soft family cost by now, since weights may have been changed."""
        if op.weight is None:
            return None
        present = {penalty.symbol: penalty.weight for penalty in self._penalties if not penalty.implied}
        factors = np.ones(op.body.rows) if op.factors is None else op.factors.values
        return present.get(op.symbol, op.weight) * factors

    @cached_property
    def _projection(self) -> Projection:
        return Projection(self._module)

    def _residual(self, op: PenaltyOp, body: Floats, relation: Relation, states: Bits) -> Floats:
        """u of every row [reads, rows]; see `ising.penalty`. Cut rows are no function of the stated ones' values."""
        if op.caps is not None:
            return self._projection.residuals(op, (states + np.int8(1)) // 2)
        residual = -body if relation is Relation.GE else body
        if op.shifts is not None:
            residual = residual + op.shifts.values
        slack = self._slack(op.symbol, states)
        if slack is not None:
            residual = residual + slack
        if op.units is None:
            return residual
        units = op.units.values
        return np.where(units > 0, residual / np.where(units > 0, units, 1.0), 0.0)

    def _is_unsettled(self, samples: Bits) -> bool:
        """Whether a state has a bit off the value that the energy takes it to have; presolve leaves none."""
        settled = self._module.main.first(SettledOp)
        if settled is None or not settled.weight:
            return False
        states = self.numbering.expand(samples)
        return bool(((states[:, settled.bits.values] > 0) != settled.ones.values).any())

    def _gaps(self, symbol: str, states: Bits) -> Floats:
        """How many slack bits of a domain wall are set behind one that is not."""
        register = self._slacks.get(symbol)
        if register is None or register.affine is None or register.encoding is not Encoding.DOMAIN_WALL:
            return np.zeros(len(states))
        rows = wall_rows(register.affine, 0)
        return np.asarray(arithmetic.evaluate(rows, _bits(register, states)).sum(axis=1))

    def _slack(self, symbol: str, states: Bits) -> Floats | None:
        register = self._slacks.get(symbol)
        if register is None or register.affine is None:
            return None
        return register.affine.evaluate(_bits(register, states))


def model_energies(model: ising.ModelOp, states: Bits, products: ProductsOp | None = None) -> Floats:
    """Energies [reads] of spin samples [reads, spins] under the model and its products, scale included."""
    from qevo_compiler.evaluator.annealing import SpinModel, energies

    found = energies(SpinModel.of(model), states)
    return found if products is None else found + values_at(products.energy, states)[:, 0]


def _bits(register: RegisterOp, states: Bits) -> Bits:
    """A register's own columns: spins as they are, bits as (1 + s) / 2."""
    block = states[:, register.first : register.first + register.count]
    return block if register.vartype is Vartype.SPIN else (block + np.int8(1)) // np.int8(2)


def _point(variables: Sequence[VariableOp], decoded: list[Decoded]) -> Floats:
    """Values of the polynomial variables [reads, variables]: one indicator a label or a listed value."""
    columns = []
    for op, item in zip(variables, decoded, strict=True):
        if op.domain is Domain.CHOICE:
            indicators = item.values[:, :, None] == np.arange(len(op.labels))
            columns.append(indicators.reshape(len(item.values), -1).astype(np.float64))
        elif isinstance(op, ListedOp):
            columns.append(op.indicators(item.values))
        else:
            columns.append(item.values)
    return np.concatenate(columns, axis=1) if columns else np.zeros((1, 0))


def _in_domain(register: RegisterOp, values: Floats) -> NDArray[Any]:
    shape = (len(values), *register.shape)
    if register.domain is Domain.CHOICE:
        return np.array(register.labels)[values.astype(np.int64)].reshape(shape)
    if register.domain is Domain.REAL:
        return values.reshape(shape)
    return np.rint(values).astype(np.int64).reshape(shape)


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Arrays [reads, ...] as one, flat behind the reads."""
    return np.concatenate([p.reshape(len(p), int(np.prod(p.shape[1:]))) for p in parts], axis=1)


def _penalty(op: PenaltyOp, residual: Floats, relation: Relation) -> Floats:
    """The penalty of weight 1 of every row [reads, rows] from its u, but of rows of clauses; see `ising.penalty`."""
    slopes = 0.0 if op.slopes is None else op.slopes.values
    square = residual * residual
    linear = np.abs(residual) if relation is Relation.EQ else residual
    by_form = (square, linear, (square + residual) / 2, np.zeros_like(square), square + slopes * residual)
    return np.choose(op.row_forms(residual.shape[1]), by_form)

"""Turn training directives and a polynomial objective into the step map of the optimizer.

before: w = nn.parameter; ..; problem.objective(%9); problem.train() {rate = 0.1, steps = 50, ..}
after:  linear.map() {symbols = ["w"], start = f64<1>(0.5), pivot = f64<1>(0.0), map = steps{..}, ..}; problem.train ..

Exact: the gradient of the objective is taken symbolically, and torch.optim.SGD's rule (momentum, Nesterov,
dampening, coupled weight decay, minibatches, learning-rate decay) is folded into a polynomial map of parameters
and velocities. Products of weights are multiplied out, or are coordinates of their own with adjoints and sub-steps
(`linear/forms.py`), whichever makes the lift smaller. The ranges of parameters play no part. A minibatch objective
is the sum over its samples times (samples / batch size), plus the terms without data. Where functions were replaced
by polynomials the ledger gets how far that moves the trained parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qevo_compiler.analyses.carleman.activations import staged_steps
from qevo_compiler.analyses.carleman.monomials import Floats, Ints
from qevo_compiler.analyses.carleman.optimizer import (
    Sampling,
    Sgd,
    batch_objectives,
    batches,
    fold,
    gradient,
    step_decay,
)
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.linear import NothingToLinearize, NotTrainable
from qevo_compiler.diagnostics.poly import TooManyTerms
from qevo_compiler.dialects import linear, nn, problem
from qevo_compiler.dialects.linear import StepMap
from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.dialects.problem import Activations
from qevo_compiler.ir import Array, Evidence, Func, LedgerEntry, Module, Op, Value
from qevo_compiler.passes.base import SILENT, Context, Pass
from qevo_compiler.passes.expanding.expander import Expander
from qevo_compiler.passes.expanding.multiplier import Multiplier
from qevo_compiler.passes.gradient_extraction import objective_of
from qevo_compiler.passes.linear.activation import activation_error
from qevo_compiler.passes.linear.forms import Form, explanation, sized
from qevo_compiler.passes.linear.samples import Term, sample_terms
from qevo_compiler.passes.linear.staged_multiplier import StagedMultiplier, free_algebra
from qevo_compiler.passes.quantities import ACTIVATION_ERROR
from qevo_compiler.passes.stages import PRIMITIVE, STEPPED

# Terms up to which a loss is expanded before it is asked whether activations as state are smaller.
_EXPANDED = 200_000


@dataclass(frozen=True)
class StepMapPass(Pass):
    """`sampling` says which minibatch a step uses. The rate is multiplied by `decay` every `decay_every` steps
    (0: as the program says), and `noise` is the deviation of a Gaussian added to every parameter in every step.
    `activations` overrides the program's."""

    name = "step-map"
    takes = PRIMITIVE
    leaves = STEPPED
    sampling: Sampling = Sampling.CYCLIC
    decay_every: int = 0
    decay: float = 1.0
    noise: float = 0.0
    max_terms: int = 20_000_000
    activations: Activations | None = None

    def run(self, module: Module, context: Context = SILENT) -> Module:
        main = module.main
        if main.first(linear.MapOp) is not None:
            return module
        train, parameters = _checked(main)
        schedule = (self.decay_every, self.decay) if self.decay_every else (train.decay_every, train.decay)
        rates = step_decay(train.rate, train.steps, *schedule)
        rule = Sgd(rates, train.momentum, train.nesterov, train.dampening, train.weight_decay, self.noise, train.seed)
        form, entries = self._form(main, train, rule, _start(parameters, bool(rule.momentum)))
        kept = tuple(op for op in main.ops if type(op) in STEPPED)
        stated = replace(_map_op(parameters, form), span=train.span)
        lowered = module.with_main(Func(main.name, (), (stated, *kept), ())).record(*entries)
        error = None if train.batch or self.noise else activation_error(module, stated, rule)
        if error is None:
            return lowered
        note = f"the parameters after {train.steps} steps of the model itself and of its polynomial"
        return lowered.record(LedgerEntry(self.name, ACTIVATION_ERROR, error, Evidence.MEASURED, note=note))

    def _form(
        self, main: Func, train: problem.TrainOp, rule: Sgd, start: Floats
    ) -> tuple[Form, tuple[LedgerEntry, ...]]:
        """The smaller form of the steps, or the one asked for, with the entry that says why."""
        asked = main.first(problem.LinearizeOp)
        wanted = self.activations or (asked.activations if asked else Activations.EXPANDED)
        order, pivot = (asked.order, asked.pivot) if asked else (None, problem.Pivot.ORIGIN)
        if wanted is Activations.EXPANDED:
            return Form(self._expanded(main, train, rule, self.max_terms), (), order or 0), ()
        staged = self._staged(main, train, rule)
        if not staged[1]:
            # One level of products: there is nothing that could be a coordinate.
            return Form(self._expanded(main, train, rule, self.max_terms), (), order or 0), ()
        chosen, other, reason = sized(*staged, order, pivot, start), None, "not asked for"
        if wanted is Activations.AUTO:
            limit = min(self.max_terms, _EXPANDED)
            steps, reason = self._expanded_within(main, train, rule, limit), f"over {limit:,} terms"
            other = None if steps is None else sized(steps, (), order, pivot, start)
            at_random = self.sampling is Sampling.INDEPENDENT
            if other is not None and other.movable and (other.numbers <= chosen.numbers or at_random):
                chosen, other = other, chosen
        note = explanation(chosen, other, reason)
        entry = LedgerEntry(self.name, "numbers of a lifted step", chosen.numbers, Evidence.MEASURED, note=note)
        return chosen, (entry,)

    def _expanded_within(self, main: Func, train: problem.TrainOp, rule: Sgd, limit: int) -> StepMap | None:
        """`_expanded`, or None where that has over `limit` terms."""
        try:
            return self._expanded(main, train, rule, limit)
        except CompileError as error:
            if not isinstance(error.diagnostics[0], TooManyTerms):
                raise
            return None

    def _expanded(self, main: Func, train: problem.TrainOp, rule: Sgd, limit: int) -> StepMap:
        """Steps in the weights alone, every product multiplied out."""
        size = sum(op.value.size for op in main.ops_of(nn.ParameterOp))
        objectives, which = self._objectives(main, train, Multiplier(free_algebra(size), limit))
        return fold([gradient(objective, size) for objective in objectives], which, rule)

    def _staged(self, main: Func, train: problem.TrainOp, rule: Sgd) -> tuple[StepMap, tuple[str, ...]]:
        """Sub-steps with activations as state, and the names of these."""
        size = sum(op.value.size for op in main.ops_of(nn.ParameterOp))
        multiplier = StagedMultiplier(size, self.max_terms)
        objectives, which = self._objectives(main, train, multiplier)
        return staged_steps(multiplier.products(), objectives, which, rule)

    def _objectives(self, main: Func, train: problem.TrainOp, multiplier: Multiplier) -> tuple[list[Polynomials], Ints]:
        """The polynomial to descend on for every distinct batch, and which of them each step uses."""
        objective = objective_of(main)
        sign = -1.0 if objective.sense is problem.Sense.MAXIMIZE else 1.0
        if not train.batch:
            whole = _polynomials(main, [Term(objective.x, sign, False)], multiplier)
            return whole, np.zeros(train.steps, np.int64)
        terms = sample_terms(main, objective.x, sign)
        if not any(term.samples for term in terms):
            raise CompileError(NotTrainable(objective.span, "the objective is no sum over samples"))
        polynomials = _polynomials(main, terms, multiplier)
        counts = {p.rows for p, term in zip(polynomials, terms, strict=True) if term.samples}
        if len(counts) > 1:
            shown = " and ".join(map(str, sorted(counts)))
            raise CompileError(NotTrainable(objective.span, f"its sums over samples have {shown} of them"))
        samples = arithmetic.add(*(p for p, term in zip(polynomials, terms, strict=True) if term.samples))
        rest = [p for p, term in zip(polynomials, terms, strict=True) if not term.samples]
        chosen, which = batches(samples.rows, train.batch, train.steps, self.sampling, train.seed)
        return batch_objectives(samples, arithmetic.add(arithmetic.constants([0.0]), *rest), chosen), which


def _checked(main: Func) -> tuple[problem.TrainOp, tuple[nn.ParameterOp, ...]]:
    train, parameters = main.first(problem.TrainOp), main.ops_of(nn.ParameterOp)
    asked = main.first(problem.LinearizeOp)
    span = asked.span if asked else None
    if train is None or not parameters:
        raise CompileError(NothingToLinearize(span, "line `train`" if train is None else "parameter"))
    for op in main.ops:
        if isinstance(op, problem.VariableOp):
            raise CompileError(NotTrainable(op.span, f"`{op.symbol}` is a decision variable"))
        if isinstance(op, problem.ConstraintOp):
            raise CompileError(NotTrainable(op.span, f"`{op.symbol}` is a constraint"))
    return train, parameters


def _polynomials(main: Func, terms: list[Term], multiplier: Multiplier) -> list[Polynomials]:
    """The polynomial rows of every term: one row a sample, or one row."""
    needed = _ancestors(main, [term.value for term in terms])
    # An op that is never expanded holds each term's value until it is read.
    holders = tuple(nn.OutputOp(term.value) for term in terms)
    expander = Expander(Func("terms", (), (*needed, *holders)), multiplier)
    declared = main.ops_of(nn.ParameterOp)
    for parameter in declared:
        shape = parameter.value.shape
        expander.declare(problem.VariableOp(parameter.symbol, problem.Domain.REAL, shape, results=parameter.results))
    with np.errstate(all="ignore"):
        for op in needed:
            expander.expand(op)
        found = [_rows(expander.polynomials(term.value), term) for term in terms]
    for polynomials in found:
        if not all(np.isfinite(block.coefficients.values).all() for block in polynomials.terms):
            raise CompileError(NotTrainable(objective_of(main).span, "a coefficient is not finite"))
    return found


def _rows(polynomials: Polynomials, term: Term) -> Polynomials:
    count = term.count if term.samples else 1
    groups = np.arange(polynomials.rows) // max(polynomials.rows // count, 1)
    return arithmetic.scale(arithmetic.sum_rows(polynomials, groups, count), term.factor)


def _ancestors(main: Func, values: list[Value]) -> tuple[Op, ...]:
    wanted = set(values)
    kept: list[Op] = []
    for op in reversed(main.ops):
        if not wanted.isdisjoint(op.results) and not isinstance(op, nn.ParameterOp):
            wanted.update(op.operands)
            kept.append(op)
    return tuple(reversed(kept))


def _start(parameters: tuple[nn.ParameterOp, ...], momentum: bool) -> Floats:
    """Weights and velocities, which are 0."""
    weights = np.concatenate([op.value.values.reshape(-1).astype(np.float64) for op in parameters])
    return np.concatenate([weights, np.zeros(len(weights) * momentum)])


def _map_op(parameters: tuple[nn.ParameterOp, ...], form: Form) -> linear.MapOp:
    names = [name for op in parameters for name in _coordinates(op)]
    count, size = len(names), form.steps.size
    if size - len(form.names) > count:
        names += [f"v:{name}" for name in names]
    start = np.zeros(size)
    start[:count] = _start(parameters, False)
    return linear.MapOp((*names, *form.names), count, Array(start), Array(np.zeros(size)), form.steps)


def _coordinates(op: nn.ParameterOp) -> list[str]:
    shape = op.value.shape
    return [op.symbol + (f"[{','.join(map(str, index))}]" if shape else "") for index in np.ndindex(*shape)]

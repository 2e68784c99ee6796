"""Choose a weight for every family of constraints: the smallest that a rule proves, or what was asked for.

Families that the flip rule or the raise rule fits get weights of their own. The remaining hard families are weighed
together by another rule. This is sound: from any state flips and raises lead, at falling energy, to one without
violated rows of the first kind and without touching the bits of the rest; there the argument of that rule applies.
Raised rows share bits with the others, so that nothing is assumed of how these are repaired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.analyses.bounds import Groups, largest_drop
from qevo_compiler.dialects.ising import PenaltyRule
from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.dialects.problem import Relation
from qevo_compiler.passes.penalty.bound_rule import Need, Share, bound_needs
from qevo_compiler.passes.penalty.dependent_rows import least_violations
from qevo_compiler.passes.penalty.family_rows import PenaltyRows
from qevo_compiler.passes.penalty.flip_rule import flip_needs
from qevo_compiler.passes.penalty.methods import Method
from qevo_compiler.passes.penalty.penalty_weights import OneHot, Weight, is_cheap, largest, round_up, shared_needs
from qevo_compiler.passes.penalty.raise_rule import Integral, Raise, lifts, raise_needs
from qevo_compiler.passes.penalty.repair_rule import all_pairs, excluding_pairs

ZERO = Polynomials(1, ())
_LITERATURE = {
    Method.VLM: PenaltyRule.VLM,
    Method.MOMC: PenaltyRule.MOMC,
    Method.UNBALANCED: PenaltyRule.UNBALANCED,
    Method.LAGRANGIAN: PenaltyRule.LAGRANGIAN,
}


@dataclass(frozen=True)
class Weighing:
    """What weights are chosen from.

    `objective` is to be minimised; `energies` are the families' penalties of weight 1; `one_hot` with `others`, the
    indices of constraints that it does not express; `positions` the constraint index of each family. `methods`
    and `given` are by family; `incumbent` finds the value of a feasible state or None; `margin` is the part by which
    a weight exceeds what its rule asks for; `integral` says which bits make integers.
    """

    objective: Polynomials
    families: Sequence[PenaltyRows]
    energies: Sequence[Polynomials]
    positions: Sequence[int]
    one_hot: OneHot
    others: frozenset[int]
    methods: Sequence[Method]
    given: Mapping[int, float]
    incumbent: Callable[[], float | None]
    margin: float
    integral: Integral

    def weights(self) -> list[Weight]:
        """One a family. Soft families have their own weight."""
        found: dict[int, Weight] = {}
        for k, family in enumerate(self.families):
            if k in self.given:
                rule = PenaltyRule.SOFT if family.soft else PenaltyRule.GIVEN
                found[k] = Weight(self.given[k], np.nan, rule)
            elif family.soft:
                found[k] = Weight(family.op.weight or 0.0, 0.0, PenaltyRule.SOFT)
            elif self.methods[k] in _LITERATURE:
                found[k] = self._by_literature(k)
        open_ = [k for k in range(len(self.families)) if k not in found]
        found |= self._proved(open_)
        exact = all(self.families[k].dominating for k in range(len(self.families)) if not self.families[k].soft)
        if not exact:
            found |= {k: replace(w, rule=PenaltyRule.HEURISTIC) for k, w in found.items() if w.rule.proved}
        return [found[k] for k in range(len(self.families))]

    def _proved(self, open_: list[int]) -> dict[int, Weight]:
        if not open_:
            return {}
        flips = self._flips(open_)
        raises = {k: found for k, found in self._raises(open_).items() if found.need < flips.get(k, np.inf)}
        # With less than its flips need a row is not mended by them whatever becomes of the others.
        flips = {k: need for k, need in flips.items() if k not in raises}
        rest = [k for k in open_ if k not in flips and k not in raises]
        soft_energy, soft_high = self._soft()
        found = {k: self._above(Need(need, PenaltyRule.FLIP)) for k, need in flips.items()}
        found |= {k: self._above(Need(raised.need, PenaltyRule.RAISE)) for k, raised in raises.items()}
        if not rest and is_cheap(self.objective):
            bound = self._above(self._bounds([Share()], Groups.none(len(self.one_hot.first)))[0])
            return {k: min(w, bound, key=lambda weight: weight.value) for k, w in found.items()}
        if rest:
            fixed = {self.positions[k] for k in flips} | self._silent()
            by_range = [k for k in rest if self.methods[k] is Method.RANGE]
            apart = [k for k in rest if self.positions[k] in self.others - fixed]
            one_hot = self._repairable(apart, raises, fixed)
            hard = {k for k, family in enumerate(self.families) if not family.soft}
            if hard != {*rest, *flips, *raises} or by_range not in ([], rest):
                # Arguments about groups need one rule for all families that make them up.
                none = np.full(len(one_hot.first), -1)
                one_hot = OneHot(none, none, False)
            shares = self._shares(rest, one_hot)
            if by_range:
                needs = self._bounds([shares[k] for k in by_range], one_hot.groups)
                found |= {k: self._above(need) for k, need in zip(by_range, needs, strict=True)}
                rest = [k for k in rest if k not in by_range]
            if rest:
                asked = [shares[k] for k in rest]
                needs = shared_needs(self.objective, soft_energy, soft_high, one_hot, self.incumbent, asked)
                found |= {k: self._above(need) for k, need in zip(rest, needs, strict=True)}
        return found

    def _bounds(self, shares: list[Share], groups: Groups) -> list[Need]:
        """By bounds of the objective alone."""
        return bound_needs(self.objective, self._soft()[1], groups, None, shares)

    def _shares(self, rest: list[int], one_hot: OneHot) -> dict[int, Share]:
        least = least_violations([self.families[k] for k in rest], len(one_hot.first))
        grouped = not one_hot.groups.is_none
        return {
            k: Share(count, grouped and self.positions[k] not in self.others)
            for k, count in zip(rest, least, strict=True)
        }

    def _repairable(self, apart: list[int], raises: Mapping[int, Raise], fixed: set[int]) -> OneHot:
        """The groups, with the pairs that families `apart` from them exclude and raised integers, if that is all."""
        pairs = [excluding_pairs(self.families[k]) for k in apart]
        moved = [lifts(self.families[k], raised, self.integral) for k, raised in raises.items()]
        others = self.others - fixed - {self.positions[k] for k in (*apart, *raises)}
        if others or any(part is None for part in (*pairs, *moved)):
            return replace(self.one_hot, complete=False)
        return replace(
            self.one_hot,
            complete=True,
            pairs=all_pairs([part for part in pairs if part is not None]),
            lifts=tuple(part for part in moved if part is not None),
        )

    def _above(self, need: Need) -> Weight:
        return Weight(round_up(need.value, largest(self.objective), self.margin), need.value, need.rule, need.why)

    def _flips(self, open_: list[int]) -> dict[int, float]:
        """What the flip rule asks of the families that it fits, unless a bound of the objective is forced."""
        hard = [k for k, family in enumerate(self.families) if not family.soft]
        needs = flip_needs(self._whole_energy, [self.families[k] for k in hard], len(self.one_hot.first))
        return {
            k: need
            for k, need in zip(hard, needs, strict=True)
            if need is not None and k in open_ and self.methods[k] is Method.AUTO
        }

    def _raises(self, open_: list[int]) -> dict[int, Raise]:
        """What the raise rule asks of the families that it fits. They stay among what the groups do not express."""
        hard = [k for k, family in enumerate(self.families) if not family.soft]
        found = raise_needs(self._whole_energy, [self.families[k] for k in hard], self.integral)
        return {
            k: raised
            for k, raised in zip(hard, found, strict=True)
            if raised is not None and k in open_ and self.methods[k] is Method.AUTO
        }

    def _whole_energy(self) -> Polynomials:
        soft = self._soft()[0]
        return arithmetic.add(self.objective, soft) if len(soft) else self.objective

    def _silent(self) -> set[int]:
        """Hard constraints that need no penalty: others imply them, or they hold wherever the groups do."""
        return set(self.others) - set(self.positions)

    def _soft(self) -> tuple[Polynomials, float]:
        soft = [(f, e) for f, e in zip(self.families, self.energies, strict=True) if f.soft]
        if not soft:
            return ZERO, 0.0
        energy = arithmetic.add(ZERO, *(arithmetic.scale(e, f.op.weight or 0.0) for f, e in soft))
        return energy, sum(_worst(f) for f, _ in soft)

    def _by_literature(self, k: int) -> Weight:
        """VLM: the most that one flip changes the objective. MOMC: that over the least that one changes a row.

        Verma and Lewis (2022), Ayodele (2022). The forms without a proof start from VLM.
        """
        method = self.methods[k]
        bits = len(self.one_hot.first)
        change = max(
            float(largest_drop(sign, bits).max(initial=0.0))
            for sign in (self.objective, arithmetic.scale(self.objective, -1.0))
        )
        if method is Method.MOMC:
            sizes = [np.abs(b.coefficients.values) for b in self.families[k].residual.terms if b.degree]
            change /= max(min((float(size.min()) for size in sizes), default=1.0), 1.0)
        return self._above(Need(change, _LITERATURE[method]))


def _worst(family: PenaltyRows) -> float:
    """The largest energy of a soft family over valid states."""
    excess = np.maximum(family.high, 0.0)
    if family.op.relation is Relation.EQ:
        excess = np.maximum(excess, -family.low)
    if family.widths is not None:
        excess = np.maximum(excess, -family.low - family.widths)
    return float((family.soft_weights * np.where(family.active, excess, 0.0) ** 2).sum())


def soft_value(family: PenaltyRows, state: NDArray[np.int8]) -> float:
    """A soft family's least energy over its slack at a state: violation squared times weight."""
    residual, weights = arithmetic.evaluate(family.residual, state), family.soft_weights
    if family.op.relation is not Relation.EQ:
        residual = np.maximum(np.append(residual, arithmetic.evaluate(family.lower_sides, state)), 0.0)
        weights = weights if family.widths is None else np.append(weights, weights[np.isfinite(family.widths)])
    return float((weights * residual * residual).sum())

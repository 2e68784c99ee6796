"""One sweep moves between all states with the probabilities of its proposals in order, which leave Boltzmann alone."""

from __future__ import annotations

import numpy as np
import pytest
from annealing_support import (
    Acceptance,
    Floats,
    all_states,
    boltzmann,
    gibbs,
    metropolis,
    one_move,
    one_sweep,
    polynomial_model,
    random_model,
    transition_p,
    transitions,
)
from test_boltzmann import ENOUGH, IMPOSSIBLE, biased, own_kernels, path_weights

from qevo_compiler.dialects.poly import Vartype
from qevo_compiler.evaluator.annealing import sparse_kernel
from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.energies import energies
from qevo_compiler.evaluator.annealing.higher import anneal_polynomial, polynomial_energies
from qevo_compiler.evaluator.annealing.metropolis import anneal
from qevo_compiler.evaluator.annealing.path_integral import worldlines

__all__ = ["own_kernels"]  # a fixture of this file as well

RULES = [(Rule.METROPOLIS, metropolis), (Rule.GIBBS, gibbs)]
TRIES = 2000


def spin_transitions(size: int, rule: Rule, dense: bool, tries: int = TRIES) -> tuple[Floats, np.ndarray]:
    """beta E of all states, and counts after one sweep from each."""
    model, beta, states = random_model(size, 0.8, 5, integer=False), 0.5, all_states(size)
    before = np.tile(states, (tries, 1))
    after = anneal(
        model, np.array([beta]), len(before), 3, initial=states, rule=rule, dense=dense, polish=False, threads=1
    )
    return beta * energies(model, states), transitions(before, after)


@pytest.mark.parametrize(("rule", "acceptance"), RULES)
@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("size", [3, 4])
def test_a_sweep_over_spins(rule: Rule, acceptance: Acceptance, dense: bool, size: int) -> None:
    levels, counts = spin_transitions(size, rule, dense, 800 if dense else TRIES)
    assert transition_p(counts, one_sweep(levels, size, acceptance)) > ENOUGH


def test_the_other_rule_is_found_out() -> None:
    levels, counts = spin_transitions(3, Rule.METROPOLIS, False)
    assert transition_p(counts, one_sweep(levels, 3, gibbs)) < IMPOSSIBLE


def test_another_order_of_sites_is_found_out() -> None:
    levels, counts = spin_transitions(3, Rule.METROPOLIS, False)
    assert transition_p(counts, one_sweep(levels, 3, metropolis, [1, 2, 4])) < IMPOSSIBLE


def test_a_biased_acceptance_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    biased(monkeypatch, sparse_kernel)
    levels, counts = spin_transitions(3, Rule.METROPOLIS, False, 20_000)
    assert transition_p(counts, one_sweep(levels, 3, metropolis)) < 1e-6


@pytest.mark.parametrize(("rule", "acceptance"), RULES)
@pytest.mark.parametrize("vartype", list(Vartype))
def test_a_sweep_over_a_polynomial(rule: Rule, acceptance: Acceptance, vartype: Vartype) -> None:
    model, beta, states = polynomial_model(4, {1: 3, 2: 3, 3: 4, 4: 1}, 2, vartype), 0.2, all_states(4, vartype)
    before = np.tile(states, (TRIES, 1))
    after = anneal_polynomial(
        model, np.array([beta]), len(before), 4, initial=states, rule=rule, polish=False, threads=1
    )
    matrix = one_sweep(beta * polynomial_energies(model, states), 4, acceptance)
    assert transition_p(transitions(before, after), matrix) > ENOUGH


@pytest.mark.parametrize(("rule", "acceptance"), RULES)
def test_a_second_sweep_over_worldlines(rule: Rule, acceptance: Acceptance) -> None:
    """First sweeps start from equal slices; so two are made, and the second is what the worldlines' own law says."""
    model, slices, beta, a, b = random_model(2, 1.0, 4, integer=False), 4, 1.2, 0.9, 0.8
    levels = path_weights(model, slices, beta, a, b)
    # A configuration's bits: slice by slice, in a slice site by site, the first highest.
    bit = [[1 << (2 * slices - 1 - (2 * p + site)) for p in range(slices)] for site in range(2)]
    moves = [mask for own in bit for mask in (own[0], own[2], own[1], own[3], sum(own))]
    matrix = one_sweep(levels, 2 * slices, acceptance, moves)
    one, two = (
        worldlines(model, np.full(s, a), np.full(s, b), 100_000, 3, slices=slices, beta=beta, rule=rule, threads=1)
        for s in (1, 2)
    )
    counts = transitions(one.reshape(-1, 8), two.reshape(-1, 8))
    assert transition_p(counts, matrix) > ENOUGH
    wrong = one_sweep(levels, 2 * slices, acceptance, moves[:4] + moves[5:])
    assert transition_p(counts, wrong) < IMPOSSIBLE


@pytest.mark.parametrize("acceptance", [metropolis, gibbs])
def test_every_proposal_is_in_detailed_balance(acceptance: Acceptance) -> None:
    levels = 0.7 * energies(random_model(4, 0.8, 5, integer=False), all_states(4))
    chances = boltzmann(levels)
    for mask in range(1, 16):
        flow = chances[:, None] * one_move(levels, np.arange(16) ^ mask, acceptance)
        assert np.allclose(flow, flow.T, rtol=1e-12, atol=0)
    assert np.allclose(chances @ one_sweep(levels, 4, acceptance), chances, rtol=1e-12)

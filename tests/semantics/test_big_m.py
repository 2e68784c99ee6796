"""Programs with big M through the whole compiler: all states of the emitted model against the source.

As in `test_ising_paths`, whose check is taken; beside it the energy's split, reweighting and updating agree with the
emitted model, so that everything that reads rows through their penalties reads the tightened ones.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from random_programs import Atom, Constraint, RandomProgram, Term, Variable
from test_ising_paths import CODES, SLACKS, all_spins, check, energies

from qevo_compiler import CompiledProgram, compile
from qevo_compiler.decode.projection import Projection
from qevo_compiler.dialects.ising import ModelOp, PenaltyOp
from qevo_compiler.dialects.poly import arithmetic

MOST_SPINS = 12
SIZES = (20.0, 1e3, 1e6, 1e10, 1e12)


def term(coefficient: float, name: str, index: int) -> Term:
    return Term(coefficient, (Atom(name, index),))


def switched(rng: np.random.Generator, name: str, amount: list[Term], switch: int) -> Constraint:
    """`amount <= M open`, or the same stated by one of its rearrangements."""
    big = float(rng.choice(SIZES))
    opposite = [term(-t.coefficient, a.name, a.index) for t in amount for a in t.atoms]
    match int(rng.integers(0, 4)):
        case 0:
            return Constraint(name, (*amount, term(-big, "open", switch)), "<=", 0.0)
        case 1:
            return Constraint(name, (*opposite, term(big, "open", switch)), ">=", 0.0)
        case 2:
            # Open or not, one unit is free.
            return Constraint(name, (*amount, term(-big, "open", switch)), "<=", 1.0)
    # Open here means closed: what is left of M is the limit.
    return Constraint(name, (*amount, term(big, "open", switch)), "<=", big + float(rng.integers(0, 2)))


def big_m_program(seed: int) -> RandomProgram:
    """Amounts that are bits, integers or grids of reals behind one or two switches, and a demand to be met."""
    rng = np.random.default_rng(seed)
    kind = ("binary", "int", "real")[seed % 3]
    count, switches = (3 if kind == "binary" else 2), int(rng.integers(1, 3))
    high = 1 if kind == "binary" else 3
    amount = Variable(
        "y", kind, count, 0, high, bits=2, encoding=CODES[seed // 3 % len(CODES)] if kind == "int" else ""
    )
    weights = rng.integers(1, 4, count).astype(float) / (2.0 if seed % 2 else 1.0)
    rows = []
    for switch in range(switches):
        members = range(count) if switches == 1 else range(switch, count, switches)
        rows.append(switched(rng, f"linked{switch}", [term(weights[i], "y", i) for i in members], switch))
    rows.append(Constraint("demand", tuple(term(1.0, "y", i) for i in range(count)), ">=", float(high)))
    costs = [term(float(rng.integers(-4, 6)), "open", k) for k in range(switches)]
    costs += [term(float(rng.integers(-3, 4)), "y", i) for i in range(count)]
    sense = ("minimize", "maximize")[int(rng.integers(0, 2))]
    objective = tuple(t for t in costs if t.coefficient) or (term(1.0, "open", 0),)
    return RandomProgram(sense, [Variable("open", "binary", switches), amount], objective, rows)


def check_readers(program: CompiledProgram, source: RandomProgram) -> None:
    """Split, projection, reweighted and updated program against the model's own energies."""
    spins = all_spins(program.decoder.size)
    model = program.module.main.only(ModelOp)
    energy = energies(model, spins)
    close = {"rtol": 1e-9, "atol": 1e-9 * max(1.0, float(np.abs(energy).max()))}
    answers = program.decoder.decode(spins)
    valid = answers.codes_valid
    split = sum(answers.energy_split.values())
    np.testing.assert_allclose(np.broadcast_to(split, energy.shape)[valid], energy[valid], **close)
    total = Projection(program.module).polynomial()
    np.testing.assert_allclose(arithmetic.evaluate(total, (spins + 1) // 2)[:, 0], energy, **close)
    name = next(op.symbol for op in program.module.main.ops_of(PenaltyOp) if not op.implied)
    twice = energies(program.reweight({name: 2.0}).module.main.only(ModelOp), spins)
    np.testing.assert_allclose(twice[valid], (energy + answers.energy_split[name])[valid], **close)
    dearer = tuple(Term(2 * t.coefficient, t.atoms) for t in source.objective)
    text = replace(source, objective=dearer).text()
    updated = program.update(text, prove=False).module.main.only(ModelOp)
    found = energies(updated, spins)
    np.testing.assert_allclose(found[valid], (energy + answers.energy_split["objective"])[valid], **close)


def sweep(first: int, count: int) -> Counter[str]:
    met: Counter[str] = Counter()
    for seed in range(first, first + count):
        source, level = big_m_program(seed), seed // 2 % 3
        passes = {"penalize-constraints": {"slack": SLACKS[seed % 5], "clauses": seed % 4}}
        program = compile(source.text(), level=level, passes=passes)
        if program.decoder.size > MOST_SPINS:
            met["large"] += 1
            continue
        try:
            check(source, program, level)
            if level == 0 and not any(op.role.value == "auxiliary" for op in program.provenance):
                check_readers(program, source)
                met["readers"] += 1
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, level {level}, {passes}\n{source.text()}") from error
        assert all(op.rule.proved for op in program.module.main.ops_of(PenaltyOp)), (seed, source.text())
        met["tightened"] += any(op.caps is not None for op in program.module.main.ops_of(PenaltyOp))
        met["programs"] += 1
    return met


def test_every_state_of_programs_with_big_m() -> None:
    met = sweep(0, 120)
    assert met["tightened"] > 60, met
    assert met["readers"] > 15, met


@pytest.mark.slow
def test_every_state_of_many_programs_with_big_m() -> None:
    sweep(10_000, 3000)

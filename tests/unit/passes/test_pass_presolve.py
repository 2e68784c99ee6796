"""Presolve keeps the least energy, and decoding gives every eliminated bit back: checked by enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qevo_compiler import compile
from qevo_compiler.decode.numbering import Numbering
from qevo_compiler.dialects import ising, poly
from qevo_compiler.dialects.poly import Polynomials, Vartype, arithmetic
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.evaluator.terms import couplings
from qevo_compiler.ir import Func, Module, parse_module, print_module
from qevo_compiler.passes.drop_eliminated import DropEliminated
from qevo_compiler.passes.presolve import Presolve
from qevo_compiler.passes.quadratize import Quadratize
from qevo_compiler.source import SourceFile
from qevo_compiler.validation import validate

Terms = dict[tuple[int, ...], float]
EVERYTHING = Presolve(contraction=True, roof_seconds=1.0)
RULES = [
    Presolve(symmetry=False),
    Presolve(persistency=False),
    Presolve(),
    Presolve(contraction=True),
    EVERYTHING,
]


def polynomial(terms: Terms) -> Polynomials:
    blocks = []
    for degree in sorted({len(names) for names in terms}):
        group = [(names, c) for names, c in sorted(terms.items()) if len(names) == degree]
        names = np.array([n for n, _ in group], np.int32).reshape(len(group), degree)
        blocks.append((np.zeros(len(group), np.int32), names, np.array([float(c) for _, c in group])))
    return pack(1, blocks)


def module_of(terms: Terms, bits: int, vartype: Vartype) -> Module:
    register = ising.RegisterOp("x", ising.Role.DECISION, vartype, 0, bits)
    main = Func("main", (), (register, poly.ObjectiveOp(polynomial(terms))))
    return Module("test", (main,))


def all_states(bits: int, vartype: Vartype) -> np.ndarray:
    low = -1 if vartype is Vartype.SPIN else 0
    return np.array(list(itertools.product((low, 1), repeat=bits)), np.float64).reshape(-1, bits)


def check(terms: Terms, bits: int, vartype: Vartype, rule: Presolve) -> int:
    """The least energy is kept, and each of its states expands to a state of that energy. How many bits went."""
    module = module_of(terms, bits, vartype)
    states = all_states(bits, vartype)
    before = arithmetic.evaluate(polynomial(terms), states)[:, 0]
    after_module = rule.run(module)
    if after_module is module:
        return 0
    reduced = after_module.main.only(poly.ObjectiveOp).polynomial
    numbering = Numbering(after_module.main)
    used = {int(v) for block in reduced.terms for v in block.variables.values.reshape(-1)}
    assert used.isdisjoint(after_module.main.only(ising.ReductionOp).eliminated.values.tolist())
    after = arithmetic.evaluate(reduced, states)[:, 0]
    scale = max(1.0, np.abs(before).max())
    assert after.min() == pytest.approx(before.min(), abs=1e-9 * scale)
    best = states[after <= after.min() + 1e-9 * scale]
    spins = np.where(best > 0, 1, -1).astype(np.int8)
    expanded = numbering.expand(numbering.restrict(spins))
    values = expanded if vartype is Vartype.SPIN else (expanded + 1) / 2
    found = arithmetic.evaluate(polynomial(terms), values.astype(np.float64))[:, 0]
    np.testing.assert_allclose(found, before.min(), atol=1e-9 * scale)
    return bits - numbering.spins


def random_terms(rng: np.random.Generator, bits: int, count: int, degree: int, integers: bool) -> Terms:
    terms: Terms = {}
    for _ in range(count):
        size = int(rng.integers(0, degree + 1))
        names = tuple(sorted(rng.choice(bits, min(size, bits), replace=False).tolist()))
        value = float(rng.integers(-6, 7)) if integers else float(rng.normal())
        if value:
            terms[names] = value
    return terms or {(0,): 1.0}


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("vartype", list(Vartype))
def test_random_quadratic_energies(vartype: Vartype, rule: Presolve) -> None:
    rng = np.random.default_rng(1)
    taken = 0
    for trial in range(250):
        bits = int(rng.integers(1, 8))
        taken += check(random_terms(rng, bits, int(rng.integers(1, 14)), 2, trial % 2 == 0), bits, vartype, rule)
    # Bits whose couplings cancel their field are rare in random energies.
    assert taken > 0 or (vartype is Vartype.BINARY and not rule.persistency)


@pytest.mark.parametrize("rule", [Presolve(), EVERYTHING], ids=str)
def test_random_higher_energies(rule: Presolve) -> None:
    rng = np.random.default_rng(2)
    taken = 0
    for _ in range(300):
        bits = int(rng.integers(2, 8))
        taken += check(random_terms(rng, bits, int(rng.integers(1, 10)), 5, True), bits, Vartype.BINARY, rule)
    assert taken > 0


@pytest.mark.parametrize("vartype", list(Vartype))
def test_every_small_energy(vartype: Vartype) -> None:
    """All energies of two bits and of three bits in a path with coefficients -2 .. 2."""
    for a, b, ab in itertools.product(range(-2, 3), repeat=3):
        terms = {names: c for names, c in (((0,), a), ((1,), b), ((0, 1), ab)) if c}
        check(terms or {(): 1.0}, 2, vartype, EVERYTHING)
    for h, left, right, end in itertools.product(range(-2, 3), repeat=4):
        terms = {n: c for n, c in (((1,), h), ((0, 1), left), ((1, 2), right), ((0,), end)) if c}
        check(terms or {(): 1.0}, 3, vartype, Presolve(contraction=True))


def test_each_rule_takes_what_it_is_for() -> None:
    spin, binary = Vartype.SPIN, Vartype.BINARY
    assert check({(0,): 3, (0, 1): 1, (1, 2): -1}, 3, spin, Presolve(symmetry=False)) == 2
    assert check({(0, 1): -1, (1, 2): -1, (0, 2): -1}, 3, spin, Presolve(persistency=False)) == 1
    ring = {(i, (i + 1) % 5) if i < 4 else (0, 4): 1.0 for i in range(5)}
    assert check(ring, 5, spin, Presolve(persistency=False, symmetry=False)) == 0
    assert check(ring, 5, spin, Presolve(contraction=True, symmetry=False)) >= 3
    frustrated = {(0, 1): 1, (1, 2): 1, (0, 2): 1, (0,): 0.5, (1,): 0.5, (2,): 0.5}
    assert check(frustrated, 3, spin, Presolve(symmetry=False)) == 0
    assert check({(0,): 1, (0, 1, 2): 2, (1, 2, 3): -1, (3,): 1}, 4, binary, Presolve()) == 3


@pytest.mark.parametrize("vartype", list(Vartype))
def test_compiled_passes_keep_the_least_energy(vartype: Vartype, monkeypatch: pytest.MonkeyPatch) -> None:
    """What large models run, on small ones."""
    monkeypatch.setattr(couplings, "WORTH", 0)
    rng = np.random.default_rng(5)
    taken = 0
    for trial in range(200):
        bits = int(rng.integers(2, 9))
        terms = random_terms(rng, bits, int(rng.integers(1, 14)), 2, trial % 2 == 0)
        taken += check(terms, bits, vartype, RULES[trial % len(RULES)])
    assert taken > 100


def test_roof_duality_among_ties() -> None:
    """Two states of least energy that agree in no bit: nothing may be fixed to a mixture of both."""
    roof = Presolve(persistency=False, symmetry=False, roof_seconds=1.0)
    linear = {(0,): -1, (1,): 1.03125, (2,): -1, (3,): 1.03125}
    pairs = {(0, 1): -2.03125, (0, 2): 4, (0, 3): 4, (1, 2): 4, (1, 3): 4, (2, 3): -2.03125}
    assert check(linear | pairs, 4, Vartype.BINARY, roof) == 0
    rng = np.random.default_rng(7)
    taken = 0
    for _ in range(250):
        terms: Terms = {(i,): float(rng.integers(-2, 3)) for i in range(6)}
        terms |= {(i, j): float(rng.integers(-2, 3)) for j in range(6) for i in range(j) if rng.random() < 0.6}
        taken += check({n: c for n, c in terms.items() if c} or {(0,): 1.0}, 6, Vartype.BINARY, roof)
    assert taken > 100


@pytest.mark.parametrize("vartype", list(Vartype))
def test_strong_couplings_form_chains_and_circles(vartype: Vartype) -> None:
    """Couplings far above all fields: every bit follows another, along paths, rings and trees."""
    rng = np.random.default_rng(6)
    for _ in range(150):
        bits = int(rng.integers(3, 9))
        edges = [(i, (i + 1) % bits) for i in range(bits)][: bits - int(rng.integers(0, 2))]
        if rng.random() < 0.5:
            edges = [(int(rng.integers(0, i)), i) for i in range(1, bits)]
        terms: Terms = {(min(e), max(e)): float(rng.choice([-4, 4])) for e in edges}
        # Fields that leave a bit no spin of its own: as a spin its field is small or zero.
        for bit in range(bits):
            middle = -sum(c for names, c in terms.items() if bit in names and len(names) == 2) / 2
            terms[(bit,)] = float(rng.choice([0, 0, 1])) + (middle if vartype is Vartype.BINARY else 0)
        terms = {names: c for names, c in terms.items() if c}
        check(terms, bits, vartype, Presolve(symmetry=bool(rng.integers(0, 2))))


def test_a_chain_goes_in_one_round() -> None:
    bits = 3000
    terms = {(i,): -1.0 for i in range(bits)} | {(i, i + 1): 1.0 for i in range(bits - 1)}
    module = Presolve().run(module_of(terms, bits, Vartype.BINARY))
    numbering = Numbering(module.main)
    assert numbering.spins == 1
    reduction = module.main.only(ising.ReductionOp)
    assert reduction.rounds.size <= 5
    # sum x_i x_{i+1} - sum x_i is -1500 at best: every second bit, or any set without neighbours that large.
    for spin in (-1, 1):
        x = (numbering.expand(np.array([[spin]], np.int8))[0] + 1) // 2
        assert (x[:-1] & x[1:]).sum() - x.sum() == -bits // 2


def test_one_bit_is_always_left() -> None:
    for rule in RULES:
        module = rule.run(module_of({(0,): 1, (1,): -2, (2,): 3}, 3, Vartype.BINARY))
        assert Numbering(module.main).spins >= 1


def test_nothing_to_do_returns_the_same_module() -> None:
    clean = module_of({(0, 1): 1, (1, 2): 1, (0, 2): 1, (0,): 0.5}, 3, Vartype.SPIN)
    assert EVERYTHING.run(clean) is not None
    assert Presolve(persistency=False, symmetry=False).run(clean) is clean
    once = Presolve().run(module_of({(0,): 1, (1, 2): 1}, 3, Vartype.SPIN))
    assert Presolve().run(once) is once


def test_the_record_prints_and_parses() -> None:
    module = Presolve().run(module_of({(0,): 3, (0, 1): 1, (1, 2): -1}, 3, Vartype.SPIN))
    text = print_module(module)
    assert print_module(parse_module(SourceFile("again.qir", text))) == text


def test_dropped_bits_leave_a_smaller_model() -> None:
    module = Presolve().run(module_of({(0,): 1, (0, 1, 2): 2, (1, 2, 3): -1, (3,): -1, (1,): 0.5}, 4, Vartype.BINARY))
    lowered = Quadratize().run(module)
    dropped = DropEliminated().run(lowered)
    assert dropped.main.only(ising.QuboOp).size == Numbering(lowered.main).spins < lowered.main.only(ising.QuboOp).size
    assert DropEliminated().run(dropped).main == dropped.main


@given(
    st.dictionaries(
        st.sets(st.integers(0, 5), min_size=1, max_size=2).map(lambda s: tuple(sorted(s))),
        st.integers(-4, 4),
        min_size=1,
    ),
    st.sampled_from(list(Vartype)),
)
def test_least_energy_is_kept(terms: Terms, vartype: Vartype) -> None:
    check({n: float(c) for n, c in terms.items() if c} or {(0,): 1.0}, 6, vartype, EVERYTHING)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_whole_programs_validate_explain_and_decode(level: int) -> None:
    text = """program whole
var x: binary[6]
var k: int in [0, 3]
minimize 3 * x[0] - x[0] * x[1] + 2 * x[1] * x[2] - 5 * x[2] * x[3] * x[4] + x[3] - k * x[5] + 2 * x[5] + k
subject to
  few: x[2] + x[3] + x[4] <= 2
"""
    program = compile(text, level=level)
    validate(program)
    best = program.run(seed=3).best
    states = itertools.product((0, 1), repeat=6)

    def value(x: tuple[int, ...], k: int) -> float:
        bits = 3 * x[0] - x[0] * x[1] + 2 * x[1] * x[2] - 5 * x[2] * x[3] * x[4] + x[3]
        return bits - k * x[5] + 2 * x[5] + k

    expected = min(value(x, k) for x in states for k in range(4) if x[2] + x[3] + x[4] <= 2)
    assert best.objective == expected
    assert best.feasible
    for spin in range(program.decoder.size):
        assert program.explain(f"s{spin}")[0].startswith(f"s{spin} = ")
    shown = "\n".join(program.explain("x[0]"))
    assert ("eliminated by presolve: always -1" in shown) == (level > 0)
    assert len(program.bqm.variables) == program.decoder.size


def test_sources_add_up_to_the_reduced_model() -> None:
    from qevo_compiler.decode.projection import Projection
    from qevo_compiler.decode.sources import sources_of

    text = """program parts
var s: spin[8]
minimize s[0] * s[1] - 3 * s[1] * s[2] + s[2] * s[3] + s[3] * s[4] + 2 * s[0] * s[4] + s[4] * s[5] + s[6] * s[7]
subject to
  pair: s[0] + s[3] == 0
"""
    program = compile(text)
    sources = sources_of(Projection(program.module))
    model = program.module.main.only(ising.ModelOp)
    assert model.size < 8
    np.testing.assert_allclose(sum(source.model.fields.values for source in sources), model.fields.values, atol=1e-12)
    assert sum(source.model.offset for source in sources) == pytest.approx(model.offset)
    assert {source.title for source in sources} == {"objective", "pair"} or len(sources) == 3

"""Sources add up to the model, each is what the decoder says of the same spins, and explanations name them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ising_support import all_spins, constraint, lower, objective, problem_module, variable

from qevo_compiler.decode import Decoder
from qevo_compiler.decode.decoder import model_energies
from qevo_compiler.decode.explain_model import element_bits, explain_coupling, explain_element
from qevo_compiler.decode.model_sums import coupling_of
from qevo_compiler.decode.numbering import Numbering
from qevo_compiler.decode.projection import Projection
from qevo_compiler.decode.sources import SourceKind, sources_of
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects.ising import ModelOp
from qevo_compiler.dialects.problem import Domain, Encoding, Relation, Sense
from qevo_compiler.driver import compile
from qevo_compiler.ir import Module
from qevo_compiler.loading import load

TO_SCALED = (
    "encode-variables,penalize-constraints{clauses=2},quadratize,binary-to-spin,scale-coefficients{max-coupling=1.5}"
)
KNAPSACK = """program knapsack
data w: int[4] = [4, 2, 3, 5]
var take: binary[4]
maximize 8 * take[0] + 3 * take[1] + 5 * take[2] + 9 * take[3]
subject to
  fits: sum(w[i] * take[i] for i in 0..4) <= 9
  pair[i]: take[i] + take[i + 1] <= 1 for i in 0..2
"""


def mixed(encoding: Encoding) -> Module:
    """Every kind of source: a coded integer, two relations, a soft family, a cubic term."""
    return lower(
        problem_module(
            variable("k", Domain.INTEGER, (2,), 0, 3, encoding=encoding),
            variable("x", Domain.BINARY, (3,)),
            objective({(0, 1): 2, (2,): -3, (2, 3): 1, (0,): 1}, Sense.MAXIMIZE),
            constraint("low", Relation.GE, {(0,): 1, (2,): 2, (): -1}, {(1,): 1, (4,): 1, (): -1}),
            constraint("same", Relation.EQ, {(2,): 1, (3,): 1, (): -1}),
            constraint("soft", Relation.LE, {(3,): 1, (4,): 1, (): -1}, weight=0.5),
        ),
        TO_SCALED,
    )


@pytest.mark.parametrize("encoding", list(Encoding))
def test_sources_add_up_to_the_model_without_a_rest(encoding: Encoding) -> None:
    module = mixed(encoding)
    model, sources = module.main.only(ModelOp), sources_of(Projection(module))
    assert SourceKind.REST not in {source.kind for source in sources}
    fields = np.sum([source.model.fields.values for source in sources], axis=0)
    assert fields == pytest.approx(model.fields.values, abs=1e-12)
    for i, j, value in zip(model.rows.values, model.columns.values, model.couplings.values, strict=True):
        parts = sum(coupling_of(source.model, int(i), int(j)) for source in sources)
        assert parts == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("encoding", list(Encoding))
def test_each_source_is_what_the_decoder_finds_from_values(encoding: Encoding) -> None:
    module = mixed(encoding)
    size = module.main.only(ModelOp).size
    states = np.random.default_rng(3).choice(np.array([-1, 1], np.int8), (400, size))
    found = Decoder(module).decode(states)
    whole = found.codes_valid
    assert whole.any()
    for source in sources_of(Projection(module)):
        energies = model_energies(source.model, states) / source.model.scale
        assert energies[whole] == pytest.approx(found.energy_split[source.title][whole], abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=10, max_size=10), st.booleans())
def test_products_go_to_the_auxiliaries_and_the_sum_is_the_energy(numbers: list[int], tight: bool) -> None:
    triples = [(0, 1, 2), (1, 2, 3), (0, 2, 3), (0, 1, 3)]
    terms = dict(zip([*triples, (0, 1), (2,), (0, 3), (1, 2), (3,), (1,)], numbers, strict=True))
    rows = {(0,): 1.0, (1,): 1.0, (3,): 2.0, (): -2.0 if tight else -3.0}
    module = lower(
        problem_module(variable("x", Domain.BINARY, (4,)), objective(terms), constraint("fits", Relation.LE, rows)),
        penalize_constraints={"clauses": 2},
    )
    sources = sources_of(Projection(module))
    assert sources[0].products == sum(terms[t] != 0 for t in triples)
    assert (sources[-1].kind is SourceKind.REST) == any(terms[t] for t in triples)
    states = all_spins(module.main.only(ModelOp).size)
    parts = np.sum([model_energies(source.model, states) for source in sources], axis=0)
    assert parts == pytest.approx(model_energies(module.main.only(ModelOp), states), abs=1e-9)


def test_spin_models_project_without_bits() -> None:
    module = lower(problem_module(variable("s", Domain.SPIN, (3,)), objective({(0, 1): 2, (1, 2): -1, (0,): 3})))
    (source,) = sources_of(Projection(module))
    assert (source.title, coupling_of(source.model, 0, 1), coupling_of(source.model, 0, 2)) == ("objective", 2.0, 0.0)


def test_the_printed_parts_of_a_coupling_add_up(tmp_path: Path) -> None:
    compile(KNAPSACK).write(tmp_path)
    program = load(tmp_path)
    first, *rest = program.explain("s1,s0")
    value = float(first.partition(" = ")[2].split()[0])
    parts = [float(m[1]) for m in (re.match(r"  ([+-]\S+) from", line) for line in rest) if m]
    assert len(parts) == 2
    assert sum(parts) == pytest.approx(value)
    assert value == pytest.approx(coupling_of(program.module.main.only(ModelOp), 0, 1))
    assert next(line for line in rest if line.startswith("    ")).endswith("from pair[0]")
    assert rest[-1].startswith("s1 = take[1]")


def test_a_constraint_shows_its_row_rule_slack_and_gap() -> None:
    program = compile(KNAPSACK)
    text = "\n".join(program.explain("fits"))
    assert text.startswith("fits: 4 take[0] + 2 take[1] + 3 take[2] + 5 take[3] - 9 <= 0")
    for said in ("rule: proved", "slack spins: s4 (weight 1)", "penalty gap"):
        assert said in text
    instance = program.explain("pair[1]")
    assert instance[0].startswith("pair[1]: take[1] + take[2] - 1 <= 0")
    assert "u (u + 1) / 2" in instance[1]
    assert "no slack spins" in "\n".join(instance)
    assert len([line for line in program.explain("pair") if line.startswith("pair[")]) == 2


FACILITY = """program facility
var open: binary[2]
var load: int[2] in [0, 5] encoded as log
var kind: choice {a, b, c}
minimize 3 * sum(open) - 2 * sum(load)
subject to
  linked: 1e10 * open[j] >= load[j] for j in 0..2
  plain: load[0] + load[1] <= 7
  chosen: load[0] <= 1e9 * (kind == a)
"""


def test_a_tightened_constraint_says_from_what_to_what(tmp_path: Path) -> None:
    compile(FACILITY).write(tmp_path)
    program = load(tmp_path)
    lines = program.explain("linked[1]")
    assert lines[0].startswith("linked[1]: 1e+10 open[1] - load[1] >= 0")
    assert lines[1].startswith("  tightened from 1e+10 to 5, which no value notices: 5 open[1] - s")
    assert lines[1].endswith(">= 0")
    assert "  u = right side - left side, sides as tightened" in lines
    both = program.explain("linked")
    assert [line.partition(":")[0] for line in both[:4:2]] == ["linked[0]", "linked[1]"]
    assert "(kind == a)" in program.explain("chosen")[1]
    plain = "\n".join(program.explain("plain"))
    assert "tightened" not in plain


def test_parts_of_a_program_with_tightened_rows_add_up() -> None:
    program = compile(FACILITY, level=0)
    sources = sources_of(Projection(program.module))
    states = all_spins(program.decoder.size)
    model = program.module.main.only(ModelOp)
    parts = np.sum([model_energies(source.model, states) for source in sources], axis=0)
    assert SourceKind.REST not in {source.kind for source in sources}
    assert parts == pytest.approx(model_energies(model, states), abs=1e-9)
    split = program.decoder.decode(states).energy_split
    assert sum(split.values()) == pytest.approx(model_energies(model, states) / model.scale, abs=1e-9)


@pytest.mark.parametrize("name", ["nothing", "pair[7]", "pair[0, 0]", "fits[0]", "pair["])
def test_unknown_constraints_are_refused(name: str) -> None:
    with pytest.raises(CompileError, match="the program has no"):
        compile(KNAPSACK).explain(name)


@pytest.mark.parametrize("pair", [("s0", "s0"), ("s0", "s99"), ("take", "s1"), ("", ""), ("s0", "")])
def test_pairs_that_are_no_two_spins_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(CompileError):
        compile(KNAPSACK).explain(",".join(pair))


def test_an_element_lists_its_spins() -> None:
    program = compile("program p\nvar k: int[2] in [0, 5]\nvar op: choice {a, b, c}[2]\nminimize sum(k)\n", level=0)
    assert program.explain("k[1]")[0].startswith("k[1]: int, log encoded, 3 spins")
    assert program.explain("k[1]")[1].strip().startswith("s3 = bit 0 of k[1]")
    assert [line.strip() for line in program.explain("op[1]")[1:]] == [
        "s9 = op[1] == a",
        "s10 = op[1] == b",
        "s11 = op[1] == c",
    ]
    for wrong in ("k[2]", "k[0, 0]", "k[-1]", "z[0]"):
        with pytest.raises(CompileError):
            program.explain(wrong)


@pytest.mark.parametrize("encoding", list(Encoding))
def test_elements_share_out_all_bits_of_a_register(encoding: Encoding) -> None:
    main = mixed(encoding).main
    register = main.ops[0]
    bits = [bit for element in range(2) for bit in element_bits(register, element)]
    assert bits == list(range(register.count))
    assert explain_element([register], "k[1]", Numbering(main))[0].startswith("k[1]: int")


def test_uncoupled_spins_say_so() -> None:
    module = lower(problem_module(variable("x", Domain.BINARY, (3,)), objective({(0, 1): 2, (2,): 1})))
    assert next(explain_coupling(module, 2, 0)) == "s0 and s2 are not coupled"

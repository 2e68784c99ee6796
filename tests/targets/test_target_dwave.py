"""dwave: what dimod reads is the model; what an annealer cannot do is refused first."""

import io
import json
import sys
from dataclasses import replace

import dimod
import numpy as np
import pytest
from dwave.embedding import verify_embedding
from dwave.embedding.chain_strength import uniform_torque_compensation
from dwave.system import DWaveSampler
from hypothesis import given, settings
from hypothesis import strategies as st
from quantum_support import RAMP, circuit, codes, energies, program, random_model, schedule, spin_model, states

from qevo_compiler import compile
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import anneal, ising
from qevo_compiler.dialects.gate import Gate
from qevo_compiler.ir import Array
from qevo_compiler.targets.dwave import DWave, Topology, to_dimod
from qevo_compiler.targets.dwave.embedding import embed, precision
from qevo_compiler.targets.dwave.limits import schedule_errors
from qevo_compiler.targets.dwave.topology import lattice

TINY = spin_model([1.0, -0.5, 0.0, 0.0], {(0, 1): 0.25, (0, 2): 1 / 3, (1, 2): -1e-07}, 0.5)
SAMPLE = anneal.SampleOp(500, 7)


def emitted(module, **options):
    target = DWave(**options)
    target.check(module)
    return {file.suffix: file.content() for file in target.emit(module)}


def refused(module, **options):
    with pytest.raises(CompileError) as caught:
        DWave(**options).check(module)
    return codes(caught)


def test_golden_model_and_schedule(golden):
    files = emitted(program(TINY, RAMP, SAMPLE))
    golden("tiny.bqm.json", files["bqm.json"])
    golden("tiny.schedule.json", files["schedule.json"])
    assert set(files) == {"bqm.json", "bqm", "schedule.json"}


@pytest.mark.parametrize("size", [0, 1, 2, 5, 9])
def test_dimod_reads_equal_energies_from_both_files(size):
    model = random_model(np.random.default_rng(size), size, 0.6)
    files = emitted(program(model, RAMP))
    from_json = dimod.BinaryQuadraticModel.from_serializable(json.loads(files["bqm.json"]))
    from_file = dimod.BinaryQuadraticModel.from_file(io.BytesIO(files["bqm"]))
    assert from_json == from_file == to_dimod(model)
    assert list(from_json.variables) == list(range(size))
    assert from_json.energies((states(size), list(range(size)))) == pytest.approx(energies(model))


@pytest.mark.parametrize("density", [0.3, 1.0])
@pytest.mark.parametrize("zero", [False, True])
def test_dimod_models_of_lists_and_of_matrices_hold_the_same(density, zero):
    model = random_model(np.random.default_rng(4), 30, density)
    couplings = model.couplings.values.copy()
    couplings[0] = 0.0 if zero else couplings[0]
    model = replace(model, couplings=Array(couplings))
    quadratic = (model.rows.values, model.columns.values, couplings)
    listed = dimod.BinaryQuadraticModel.from_numpy_vectors(model.fields.values, quadratic, model.offset, "SPIN")
    assert to_dimod(model) == listed
    assert to_dimod(model).num_interactions == len(couplings)
    bits = ising.QuboOp(model.offset, model.fields, model.rows, model.columns, model.couplings)
    assert to_dimod(bits) == dimod.BinaryQuadraticModel.from_numpy_vectors(
        model.fields.values, quadratic, model.offset, "BINARY"
    )


def test_the_json_is_what_dimod_would_write():
    model = random_model(np.random.default_rng(3), 12, 0.5)
    expected = json.dumps(to_dimod(model).to_serializable(), indent=1, sort_keys=True) + "\n"
    assert emitted(program(model))["bqm.json"].decode() == expected


@pytest.mark.parametrize("size", [0, 1, 2, 7, 40, 700])
def test_the_file_is_what_dimod_would_write(size):
    model = random_model(np.random.default_rng(size), size, 0.6)
    zeros = np.where(np.arange(model.couplings.size) % 3, model.couplings.values, -0.0)
    model = replace(model, offset=-0.0, couplings=Array(zeros))
    assert emitted(program(model))["bqm"] == to_dimod(model).to_file().read()


def test_large_models_stream_in_pieces():
    size, count = 2000, 200_000
    rng = np.random.default_rng(0)
    keys = np.sort(rng.choice(size * size, 3 * count, replace=False))
    rows, columns = keys // size, keys % size
    kept = rows < columns
    model = ising.ModelOp(
        0.0,
        Array(rng.normal(size=size)),
        Array(rows[kept].astype(np.int32)),
        Array(columns[kept].astype(np.int32)),
        Array(rng.normal(size=int(kept.sum()))),
    )
    file = next(iter(DWave().emit(program(model))))
    chunks = list(file.chunks())
    assert len(chunks) > 20
    assert max(map(len, chunks)) < 2**20
    read = dimod.BinaryQuadraticModel.from_serializable(json.loads(b"".join(chunks)))
    assert read == to_dimod(model)
    assert file.content() == b"".join(chunks)


@given(st.integers(0, 6), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_reading_back_gives_the_model_and_the_schedule(size, seed):
    model = random_model(np.random.default_rng(seed), size, 0.5)
    files = {f.suffix: f.content() for f in DWave().emit(program(model, RAMP, SAMPLE))}
    assert DWave().read(files) == (model, RAMP)


def test_without_a_schedule_there_is_no_schedule_file():
    files = emitted(program(TINY))
    assert "schedule.json" not in files
    assert DWave().read(files) == (TINY,)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t[: len(t) // 2],
        lambda t: "[]",
        lambda t: t.replace('"SPIN"', '"BINARY"'),
        lambda t: t.replace('"3.0.0"', '"2.0.0"'),
        lambda t: t.replace('"linear_biases"', '"biases"'),
        lambda t: t.replace('"num_variables": 4', '"num_variables": 3'),
        lambda t: t.replace("0.25", '"a"'),
        lambda t: t.replace("0.25", "NaN"),
        lambda t: t.replace('"num_variables": 4', '"num_variables": "four"'),
        lambda t: t.replace('"quadratic_head": [\n  0', '"quadratic_head": [\n  2'),
    ],
)
def test_damaged_models_are_diagnosed(change):
    text = emitted(program(TINY))["bqm.json"].decode()
    assert change(text) != text
    with pytest.raises(CompileError) as caught:
        DWave().read({"bqm.json": change(text).encode()})
    assert codes(caught) == ["Q0815"]


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"anneal_schedule": 3}', b'{"anneal_schedule": [[0, 0]]}', b"\xff", b'{"anneal_schedule"']
)
def test_damaged_schedules_are_diagnosed(content):
    files = emitted(program(TINY)) | {"schedule.json": content}
    with pytest.raises(CompileError) as caught:
        DWave().read(files)
    assert codes(caught) == ["Q0815"]


def test_a_missing_model_file_is_diagnosed():
    with pytest.raises(CompileError) as caught:
        DWave().read({})
    assert codes(caught) == ["Q0815"]


BROKEN = {
    "too many points": schedule(*((k, k / 13) for k in range(13)), (13.0, 1.0)),
    "late start": schedule((1.0, 0.0), (20.0, 1.0)),
    "start above zero": schedule((0.0, 0.25), (20.0, 1.0)),
    "early end": schedule((0.0, 0.0), (20.0, 0.9)),
    "falling": schedule((0.0, 0.0), (5.0, 0.5), (10.0, 0.25), (20.0, 1.0)),
    "too long": schedule((0.0, 0.0), (2001.0, 1.0)),
    "too steep": schedule((0.0, 0.0), (10.0, 0.5), (10.1, 1.0)),
    "reverse": schedule((0.0, 1.0), (5.0, 0.5), (10.0, 1.0)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_schedules_that_the_annealer_refuses(name):
    assert set(refused(program(TINY, BROKEN[name]))) == {"Q0813"}


def test_a_quench_that_is_too_short_breaks_two_rules():
    assert refused(program(TINY, schedule((0.0, 0.0), (0.25, 1.0)))) == ["Q0813", "Q0813"]


class Solver:
    """What D-Wave's own check reads of a solver."""

    def __init__(self):
        self.parameters = {"anneal_schedule": None}
        self.properties = {"annealing_time_range": [0.5, 2000.0], "max_anneal_schedule_points": 12}


@given(
    st.lists(st.tuples(st.floats(0.01, 50), st.sampled_from([0.0, 0.1, 0.3, 0.3, 0.7, 1.0])), min_size=1, max_size=14)
)
@settings(max_examples=200, deadline=None)
def test_what_we_accept_the_vendors_check_accepts(steps):
    times = np.concatenate([[0.0], np.cumsum([dt for dt, _ in steps])])
    levels = np.sort([0.0, *(s for _, s in steps)])
    levels[0], levels[-1] = 0.0, 1.0
    op = schedule(*zip(times, levels, strict=True))
    if not list(schedule_errors(op)):
        points = [list(point) for point in zip(times.tolist(), levels.tolist(), strict=True)]
        DWaveSampler.validate_anneal_schedule(Solver(), points)


def test_an_unscaled_model_is_refused_when_embedding():
    model = spin_model([5.0, 0.0], {(0, 1): -1.5})
    assert refused(program(model, RAMP), embed="pegasus") == ["Q0812", "Q0812"]
    DWave().check(program(model, RAMP))


def test_circuits_and_missing_models_are_refused():
    assert refused(program(TINY, circuit(4, (Gate.H, 0)))) == ["Q0404"]
    assert refused(program(RAMP)) == ["Q0801"]
    assert refused(program(TINY, TINY)) == ["Q0801"]


def test_more_spins_than_qubits_is_refused_with_both_numbers():
    model = spin_model(np.zeros(5641), {})
    with pytest.raises(CompileError, match="5641 spins do not fit the 5640 qubits of Pegasus P16"):
        DWave(embed="pegasus").check(program(model))
    assert refused(program(model), embed="zephyr") == ["Q0810"]


def clique(size):
    return spin_model(np.zeros(size), {(i, j): 0.5 for i in range(size) for j in range(i + 1, size)})


def test_a_clique_beyond_the_lattice_is_refused():
    model = clique(260)
    with pytest.raises(CompileError, match="260 spins with 33670 couplings in Zephyr Z12"):
        DWave(embed="zephyr").check(program(model))


def ring(size):
    return spin_model(np.linspace(-1, 1, size), {tuple(sorted((k, (k + 1) % size))): 0.5 for k in range(size)})


MODELS = {
    "ring": ring(12),
    "clique": clique(20),
    "loose spins": spin_model(np.ones(30), {(0, 1): 1.0, (7, 20): -1.0}),
    "one spin": spin_model([1.0], {}),
    "none": spin_model([], {}),
}


@pytest.mark.parametrize("topology", [Topology.PEGASUS, Topology.ZEPHYR])
@pytest.mark.parametrize("name", MODELS)
def test_embeddings_verify_and_are_reported(topology, name):
    model = MODELS[name]
    found = embed(model, topology)
    chains = dict(enumerate(found.chains))
    edges = list(zip(model.rows.values.tolist(), model.columns.values.tolist(), strict=True))
    assert verify_embedding(chains, [*edges, *((k, k) for k in range(model.size))], lattice(topology).graph.edges)
    assert len(found.chains) == model.size
    bound = {"ring": 2, "clique": 3, "loose spins": 1, "one spin": 1, "none": 0}[name]
    assert found.longest <= bound
    files = emitted(program(model, RAMP), embed=topology)
    stored = json.loads(files["embedding.json"])
    assert {int(k): tuple(v) for k, v in stored["embedding"].items()} == chains
    assert stored["longest_chain"] == found.longest


def test_chain_strength_is_the_vendors_and_the_scale_fits_the_ranges():
    rng = np.random.default_rng(0)
    model = spin_model(
        rng.uniform(-4, 4, 16),
        {(i, j): rng.uniform(-1, 1) for i in range(16) for j in range(i + 1, 16)},
    )
    found = embed(model, Topology.ZEPHYR)
    scaling = precision(model, found)
    assert scaling.chain_strength == pytest.approx(uniform_torque_compensation(to_dimod(model)))
    from dwave.embedding import embed_bqm

    chains = dict(enumerate(found.chains))
    target = lattice(Topology.ZEPHYR).graph
    embedded = embed_bqm(to_dimod(model), chains, target, chain_strength=scaling.chain_strength)
    pressure = max(
        max(abs(h) for h in embedded.linear.values()) / 4,
        max(embedded.quadratic.values()) / 1,
        -min(embedded.quadratic.values()) / 2,
    )
    assert scaling.auto_scale == pytest.approx(1 / pressure)
    entries = {e.quantity: e.value for e in DWave(embed="zephyr").ledger(program(model))}
    assert entries == {"longest chain": found.longest, "programmed scale": scaling.auto_scale}


def test_sparse_models_are_searched_for_short_chains():
    assert embed(ring(60), Topology.ZEPHYR).method == "minorminer"
    assert embed(clique(40), Topology.ZEPHYR).method == "clique"


@pytest.mark.parametrize("size", range(2, 12))
def test_small_cliques_embed_in_both_lattices(size):
    for topology in (Topology.PEGASUS, Topology.ZEPHYR):
        assert embed(clique(size), topology).longest <= 2


def test_golden_embedding(golden):
    model = clique(3)
    golden("clique.embedding.json", emitted(program(model, RAMP), embed="zephyr")["embedding.json"])


def test_without_embedding_the_ledger_gets_nothing():
    assert DWave().ledger(program(TINY)) == ()


def test_options_may_be_text_and_are_checked():
    assert DWave(embed="zephyr") == DWave(Topology.ZEPHYR)
    with pytest.raises(ValueError, match="chimera"):
        DWave(embed="chimera")


def test_block_sizes_embed_as_cliques():
    for topology in (Topology.PEGASUS, Topology.ZEPHYR):
        size = DWave(topology).pass_options()["local-quadratic-model"]["capacity"]
        assert embed(clique(size), topology).method == "clique"


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "dimod", None)
    assert all(file.content() for file in DWave().emit(program(TINY)))
    with pytest.raises(CompileError, match="needs `dimod`") as caught:
        to_dimod(TINY)
    assert codes(caught) == ["Q0008"]
    assert "qevo-compiler[dwave]" in caught.value.diagnostics[0].fill(caught.value.diagnostics[0].help)


def test_embedding_warns_of_more_bits_than_the_control_has():
    wide = "program wide\nvar x: binary[3]\nminimize 100 * x[0] * x[1] - x[2] * x[1] + x[0] - x[2]\n"
    narrow = wide.replace("100", "2")
    found = {text: compile(text, embed="pegasus", level=0) for text in (wide, narrow)}
    assert [warning.code for warning in found[wide].warnings] == ["Q0662"]
    assert not found[narrow].warnings
    assert not compile(wide, level=0).warnings

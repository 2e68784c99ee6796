"""The manifest: sorted, complete, without anything of this machine; damaged ones are diagnosed."""

import json
import math
from dataclasses import replace

import pytest
from quantum_support import RAMP, codes, program, spin_model

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.poly import Vartype
from qevo_compiler.dialects.problem import Domain, Encoding
from qevo_compiler.ir import Evidence, LedgerEntry
from qevo_compiler.source import Span
from qevo_compiler.targets.cirq import Cirq, Device
from qevo_compiler.targets.dwave import DWave
from qevo_compiler.targets.manifest import (
    check_digest,
    manifest,
    read_manifest,
    sha256,
    target_from_options,
    with_scale,
)
from qevo_compiler.targets.openqasm3 import OpenQasm3

REGISTER = replace(
    ising.RegisterOp(
        "take", ising.Role.DECISION, Vartype.BINARY, 0, 2, domain=Domain.BINARY, encoding=Encoding.LOG, shape=(2,)
    ),
    span=Span("bag.qevo", 3, 5, 3, 9),
)
LEDGER = (
    LedgerEntry("quadratize", "penalty", 2.5, Evidence.PROVED, "take", "by rule"),
    LedgerEntry("fit", "range", math.inf, Evidence.ESTIMATED),
)
MODULE = program(REGISTER, spin_model([1.0, -1.0], {(0, 1): 0.5}, 0.25, 2.0), RAMP, name="bag", ledger=LEDGER)
OPTIONS = {"level": 1, "target": {"embed": DWave().embed, "shape": (1, 2), "none": None}}
FILES = {"bag.qasm": sha256(b"text"), "bag.bqm.json": sha256(b"")}


def content():
    return manifest(MODULE, "dwave", OPTIONS, FILES)


def diagnosed(data):
    with pytest.raises(CompileError) as caught:
        read_manifest(data, "bag.manifest.json")
    return codes(caught)


def test_golden(golden):
    golden("bag.manifest.json", content())


def test_reading_gives_what_was_written():
    found = read_manifest(content())
    assert found["program"] == "bag"
    assert found["files"] == FILES
    assert found["decoder"] == {"problem": "bag.problem.qir"}
    assert found["source"] == {"take": "bag.qevo:3:5"}
    assert [item["kind"] for item in found["ledger"]] == ["proved", "estimated"]
    assert [
        LedgerEntry(**{**item, "value": float(item["value"]), "kind": Evidence(item["kind"])})
        for item in found["ledger"]
    ] == list(LEDGER)


def test_the_models_scale_comes_back():
    model = spin_model([1.0], {})
    assert with_scale((model, RAMP), read_manifest(content())) == (replace(model, scale=2.0), RAMP)
    assert with_scale((model,), {"model": None}) == (model,)


@pytest.mark.parametrize("scale", [None, 0, -1.0, "2", True, math.inf, math.nan])
def test_a_model_without_a_scale_is_diagnosed(scale):
    with pytest.raises(CompileError) as caught:
        with_scale((), {"model": {"scale": scale}})
    assert codes(caught) == ["Q0816"]


def test_a_given_source_map_is_kept():
    assert read_manifest(manifest(MODULE, "dwave", {}, {}, {"w": "net.py:1:1"}))["source"] == {"w": "net.py:1:1"}


def test_cut_or_foreign_text_is_diagnosed():
    data = content()
    for cut in (0, 1, 50, len(data) // 2, len(data) - 3):
        assert diagnosed(data[:cut]) == ["Q0816"]
    assert diagnosed(b"\xff\xfe") == ["Q0816"]
    assert diagnosed(b"[]") == ["Q0816"]
    assert diagnosed(b"{}") == ["Q0816"]
    assert diagnosed(b"[" * 100_000) == ["Q0816"]


@pytest.mark.parametrize("version", [0, 2, "1", None, True])
def test_other_versions_are_diagnosed(version):
    found = json.loads(content()) | {"qevo_manifest": version}
    assert diagnosed(json.dumps(found).encode()) == ["Q0817"]


@pytest.mark.parametrize("key", ["program", "target", "options", "files", "ledger", "registers", "decoder", "source"])
def test_each_missing_or_malformed_key_is_diagnosed(key):
    found = json.loads(content())
    for value in (None, 3, {"a": 1} if key in ("files", "source") else 4):
        assert diagnosed(json.dumps(found | {key: value}).encode()) == ["Q0816"]
    del found[key]
    assert diagnosed(json.dumps(found).encode()) == ["Q0816"]


def test_all_missing_keys_are_diagnosed_together():
    assert diagnosed(b'{"qevo_manifest": 1}') == ["Q0816"] * 8


def test_a_changed_file_is_diagnosed():
    check_digest("bag.qasm", b"text", FILES["bag.qasm"])
    with pytest.raises(CompileError, match=r"`bag\.qasm` differs") as caught:
        check_digest("bag.qasm", b"texts", FILES["bag.qasm"])
    assert codes(caught) == ["Q0818"]


@pytest.mark.parametrize("target", [DWave("zephyr"), OpenQasm3(True), Cirq(Device.WEBER)])
def test_a_target_comes_back_from_its_options(target):
    options = {"target": {key: getattr(target, key) for key in target.__dict__}}
    found = read_manifest(manifest(MODULE, target.name, options, {}))
    assert target_from_options(type(target), found["options"]["target"]) == target


@pytest.mark.parametrize("options", [3, {"colour": 1}, {"embed": "chimera"}, {"embed": 4}])
def test_options_that_do_not_fit_are_diagnosed(options):
    with pytest.raises(CompileError) as caught:
        target_from_options(DWave, options)
    assert codes(caught) == ["Q0816"]

"""What is written reads back as the same model, here and by readers of other origin; damaged files are diagnosed."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interchange_support import BITS, SPINS, energies, independent_energies, models

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects.ising import ModelOp, QuboOp
from qevo_compiler.interchange import FORMATS, InputFile, check_writable, guess, names, read_model, write_model
from qevo_compiler.interchange.registry import read_problem
from qevo_compiler.ir import Array, Invalid

SMALL = QuboOp(1.5, Array(np.array([-1.0, 0.0, 2.5])), *(Array(np.array(v, np.int32)) for v in ([0, 1], [2, 2])),
               Array(np.array([3.0, -1e-7])))  # fmt: skip


def content(model: QuboOp | ModelOp, format: str) -> bytes:
    return b"".join(write_model(model, format))


@pytest.mark.parametrize("format", BITS)
@given(model=models())
@settings(max_examples=25)
def test_written_bits_read_back_exactly(format: str, model: QuboOp) -> None:
    assert read_model(content(model, format), format) == model


@pytest.mark.parametrize("format", SPINS)
@given(model=models(ModelOp))
@settings(max_examples=25)
def test_written_spins_read_back_exactly(format: str, model: ModelOp) -> None:
    assert read_model(content(model, format), format) == model


@pytest.mark.parametrize("format", BITS)
@given(model=models())
@settings(max_examples=10)
def test_other_readers_find_the_same_energies_over_bits(format: str, model: QuboOp) -> None:
    found = independent_energies(content(model, format), format, model.size, 0)
    np.testing.assert_allclose(found, energies(model), rtol=1e-9, atol=1e-2 * np.finfo(float).eps * 1e15)


@pytest.mark.parametrize("format", SPINS)
@given(model=models(ModelOp))
@settings(max_examples=10)
def test_other_readers_find_the_same_energies_over_spins(format: str, model: ModelOp) -> None:
    found = independent_energies(content(model, format), format, model.size, -1)
    np.testing.assert_allclose(found, energies(model), rtol=1e-9, atol=1e-2 * np.finfo(float).eps * 1e15)


@pytest.mark.parametrize("format", BITS)
def test_the_format_is_told_by_ending_and_by_content(format: str) -> None:
    assert guess(InputFile(f"model{FORMATS[format].suffixes[0]}", b"")) == format
    assert guess(InputFile("model", content(SMALL, format))) == format
    assert content(SMALL, format) == content(SMALL, format)


@pytest.mark.parametrize("format", ["lp", "qplib", "qubo", "ommx"])
def test_formats_of_bits_refuse_spins(format: str) -> None:
    fields = Array(np.array([1.0]))
    none = Array(np.zeros(0, np.int32))
    with pytest.raises(Invalid, match="bits"):
        check_writable(ModelOp(0.0, fields, none, none, Array(np.zeros(0))), format)


def test_ommx_instances_round_trip_where_the_package_is_installed() -> None:
    ommx = pytest.importorskip("ommx.v1")
    written = content(SMALL, "ommx")
    assert read_model(written, "ommx") == SMALL
    instance = ommx.Instance.from_bytes(written)
    found = [instance.evaluate(dict(enumerate(map(float, point)))).objective for point in np.ndindex(2, 2, 2)]
    points = np.array(list(np.ndindex(2, 2, 2)))
    order = points @ np.array([1, 2, 4])
    np.testing.assert_allclose(found, energies(SMALL)[order])


SAMPLES = {
    "gset": b"3 2\n1 2 1\n2 3 -2\n",
    "biqmac": b"3 3\n1 1 1\n2 3 -2\n1 3 4\n",
    "tsplib": b"TYPE: TSP\nDIMENSION: 3\nEDGE_WEIGHT_TYPE: EUC_2D\nNODE_COORD_SECTION\n1 0 0\n2 3 4\n3 6 0\nEOF\n",
    "qkp": b"tiny\n3\n5 6 7\n1 2\n3\n\n0\n9\n4 7 2\n\nComments\n",
} | {name: content(SMALL, name) for name in names("writer") if name != "ommx"}


@pytest.mark.parametrize("format", SAMPLES)
@given(data=st.data())
@settings(max_examples=60)
def test_damaged_files_are_diagnosed_or_read_never_a_crash(format: str, data: st.DataObject) -> None:
    whole = SAMPLES[format]
    at = data.draw(st.integers(0, len(whole)))
    junk = data.draw(
        st.sampled_from([b"", b"nan", b" 1e999 ", b"-", b"\n", b"9999999999999999999", b"x", b"\xff", b"{"])
    )
    rest = data.draw(st.sampled_from([whole[at:], whole[at + 1 :], b""]))
    # Whatever else is raised fails the test; a file that still reads states a problem.
    with suppress(CompileError):
        assert read_problem(InputFile("damaged", whole[:at] + junk + rest), format).func("problem").ops

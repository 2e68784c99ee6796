"""Files of declared quantities: what they become, and what is refused."""

from __future__ import annotations

import pytest

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.dialects import linear
from qevo_compiler.frontend.declared import import_declared
from qevo_compiler.ir import parse_module, print_module
from qevo_compiler.source import SourceFile

GOOD = """tolerance = 0.05
[declared]
n = 1000
N = 2
T = 10
terms = 1e5
row_terms = 20
start_norm = 0
final_norm = 0.3
g_1 = {value = 0.99, known = "measured", note = "spectrum"}
"""


def imported(text: str):
    return import_declared(SourceFile("run.toml", text), "run")


def test_a_file_becomes_one_op_that_prints_and_reads() -> None:
    module = imported(GOOD)
    op = module.main.only(linear.DeclaredOp)
    assert op.tolerance == 0.05
    stated = {figure.quantity: figure for figure in op.figures}
    assert stated["g_1"] == linear.Figure("declared", "g_1", 0.99, linear.Known.MEASURED, "", "spectrum")
    assert stated["n"].known is linear.Known.ASSUMED
    assert parse_module(SourceFile("run.qir", print_module(module))) == module


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("n = 1000\n", "", "`n` missing"),
        ("n = 1000", "n = 10.5", "not whole"),
        ("n = 1000", "m = 1000", "no quantity"),
        ("n = 1000", "n = -3", "not positive"),
        ("n = 1000", "n = true", "no number"),
        ("n = 1000", "n = inf", "no number"),
        ('"measured"', '"guessed"', "`known`"),
        ("[declared]", "[declare]", "no table"),
        ("tolerance = 0.05", "tolerance = 0", "not positive"),
        ("tolerance", "tolerence", "no name"),
        ("N = 2", "N = = 2", "run.toml"),
        ("N = 2", "N = 2\ndensity = 1.5", "above 1"),
    ],
)
def test_what_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(CompileError, match=message) as caught:
        imported(GOOD.replace(old, new))
    assert caught.value.diagnostics[0].code == "Q0638"

"""Data: sizes inferred from them, files of every kind, overrides, and every way in which data can be wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dsl_helpers import at, imported

from qevo_compiler.diagnostics import CompileError, Diagnostic
from qevo_compiler.dialects import nn, problem
from qevo_compiler.frontend.dsl import import_program
from qevo_compiler.ir import print_module
from qevo_compiler.source import SourceFile


def program(declaration: str, objective: str = "sum(a * x[0])") -> str:
    return f"program p\n{declaration}\nvar x: binary[2]\nminimize {objective}\n"


def fault(declaration: str, folder: Path | None = None, **data: Any) -> Diagnostic:
    """The one diagnostic that a declaration of `a` gets."""
    with pytest.raises(CompileError) as caught:
        import_program(SourceFile("p.qevo", program(declaration)), folder, data)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def read(declaration: str, folder: Path, **data: Any) -> list[Any]:
    """The values of `a` as the module holds them."""
    module = imported(program(declaration), folder, **data)
    (constant,) = [op for op in module.main.ops_of(nn.ConstantOp) if op.symbol == "a"]
    return list(constant.value.values.tolist())


def test_files_of_every_kind_hold_the_same_data(tmp_path: Path) -> None:
    values = np.array([[1.5, 2], [3, -4e-3]])
    np.save(tmp_path / "a.npy", values)
    np.savez(tmp_path / "a.npz", one=values, two=values * 2)
    np.savez_compressed(tmp_path / "single.npz", only=values)
    (tmp_path / "a.csv").write_text("1.5, 2\n3, -4e-3\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.json").write_text(json.dumps(values.tolist()))
    for file in ("a.npy", "a.npz:one", "single.npz", "a.csv", "sub/a.json", "sub/../a.csv"):
        assert read(f'data a: real[2, k] from "{file}"', tmp_path) == values.tolist()


def test_a_single_row_or_column_of_a_csv_is_a_vector(tmp_path: Path) -> None:
    (tmp_path / "row.csv").write_text("1,2,3\n")
    (tmp_path / "column.csv").write_text("1\n2\n3\n")
    (tmp_path / "one.csv").write_text("7\n")
    assert read('data a: int[m] from "row.csv"', tmp_path) == [1, 2, 3]
    assert read('data a: int[m] from "column.csv"', tmp_path) == [1, 2, 3]
    assert read('data a: int[1, m] from "row.csv"', tmp_path) == [[1, 2, 3]]
    module = imported(program('data a: int from "one.csv"', "sum(x) * a"), tmp_path)
    assert at(module, x=[1, 1]).objective == 14


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.float32, bool])
def test_number_types_are_converted(tmp_path: Path, dtype: Any) -> None:
    np.save(tmp_path / "a.npy", np.array([0, 1, 1]).astype(dtype))
    for declared in ("int", "real", "bool"):
        assert read(f'data a: {declared}[3] from "a.npy"', tmp_path) == [0, 1, 1]


def test_arrays_by_name_override_the_program_and_are_not_frozen(tmp_path: Path) -> None:
    mine = np.array([5.0, 6.0])
    assert read('data a: real[k] from "missing.npy"', tmp_path, a=mine) == [5, 6]
    assert read("data a: real[k] = [1, 2, 3]", tmp_path, a=[7, 8]) == [7, 8]
    assert read("data a: int[k]", tmp_path, a=mine) == [5, 6]
    mine[0] = 1


def test_sizes_come_from_data_wherever_they_are_declared() -> None:
    module = imported("""program p
var x: binary[n, m + 1]
where m = len(b) - 1
minimize sum(x[i, j] for i in 0..n for j in 0..m + 1) * n + k
data a: int[n, 2] = [[1, 2], [3, 4], [5, 6]]
data b: real[4] = [1, 2, 3, 4]
let k = n * m
""")
    (variable,) = module.main.ops_of(problem.VariableOp)
    assert variable.shape == (3, 4)
    assert at(module, x=np.ones((3, 4))).objective == 12 * 3 + 9


def test_a_size_may_be_declared_as_data() -> None:
    module = imported("program p\ndata n: int = 2\ndata a: int[n] = [1, 2]\nvar x: binary[n]\nminimize a @ x\n")
    assert at(module, x=[0, 1]).objective == 2


def test_symbols_of_data_are_kept() -> None:
    module = imported("program p\ndata w: int[n] = [1, 2]\nvar x: binary[n]\nminimize w @ x\n")
    assert [op.symbol for op in module.main.ops_of(nn.ConstantOp)] == ["w"]


def test_missing_file(tmp_path: Path) -> None:
    (tmp_path / "distances.npy").touch()
    found = fault('data a: real[n] from "distance.npy"', tmp_path)
    assert found.code == "Q0301"
    assert found.fill(found.help) == "did you mean `distances.npy`?"
    assert str(tmp_path) not in found.message


@pytest.mark.parametrize("path", ["../a.npy", "/etc/passwd.csv", "sub/../../a.npy", "link/a.npy"])
def test_path_outside_the_folder(tmp_path: Path, path: str) -> None:
    home = tmp_path / "home"
    (home / "sub").mkdir(parents=True)
    np.save(tmp_path / "a.npy", [1.0, 2.0])
    os.symlink(tmp_path, home / "link")
    assert fault(f'data a: real[n] from "{path}"', home).code == "Q0302"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.npy", b"not numpy"),
        ("a.npy", b""),
        ("a.npz:k", b"PK not a zip"),
        ("a.csv", b"1,2\n3\n"),
        ("a.csv", b"profit,weight\n1,2\n"),
        ("a.csv", b""),
        ("a.csv", b"\xff\xfe1,2"),
        ("a.json", b"[1, 2"),
        ("a.json", b"[" * 100000),
    ],
)
def test_unreadable_file(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name.partition(":")[0]).write_bytes(content)
    found = fault(f'data a: real[n] from "{name}"', tmp_path)
    assert found.code == "Q0303"
    assert str(tmp_path) not in found.fill(found.label)


def test_truncated_arrays_are_unreadable(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(1000.0))
    np.savez(tmp_path / "a.npz", k=np.arange(1000.0))
    for name in ("a.npy", "a.npz"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[:-500])
    assert fault('data a: real[n] from "a.npy"', tmp_path).code == "Q0303"
    assert fault('data a: real[n] from "a.npz:k"', tmp_path).code == "Q0303"


def test_damaged_compressed_arrays_are_unreadable(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", k=np.random.default_rng(0).random(1000))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[2000:2100] = bytes(100)
    (tmp_path / "a.npz").write_bytes(content)
    assert fault('data a: real[n] from "a.npz:k"', tmp_path).code == "Q0303"


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "executed",))

    np.save(tmp_path / "a.npy", np.array([Trap()], object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", k=np.array([Trap()], object))
    assert fault('data a: real[n] from "a.npy"', tmp_path).code == "Q0303"
    assert fault('data a: real[n] from "a.npz:k"', tmp_path).code == "Q0303"
    assert not (tmp_path / "executed").exists()


def test_unknown_kind_of_file(tmp_path: Path) -> None:
    assert fault('data a: real[n] from "a.pkl"', tmp_path).code == "Q0304"


def test_missing_key(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", edges=np.ones(2), w=np.ones(2))
    found = fault('data a: real[n] from "a.npz:edge"', tmp_path)
    assert found.code == "Q0305"
    assert found.fill(found.help) == "did you mean `edges`?"
    assert fault('data a: real[n] from "a.npz"', tmp_path).code == "Q0305"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(tmp_path: Path, value: float) -> None:
    np.save(tmp_path / "a.npy", np.array([[1.0, 2.0], [3.0, value]]))
    found = fault('data a: real[n, 2] from "a.npy"', tmp_path)
    assert (found.code, found.fill(found.label)) == ("Q0306", "at position [1, 1]")


@pytest.mark.parametrize("given", [["one", "two"], [1j, 2], np.array([b"x"]), [{}, {}], [None, None]])
def test_not_numbers(given: Any) -> None:
    assert fault("data a: real[n]", a=given).code == "Q0307"


def test_json_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert fault('data a: real[n] from "a.json"', tmp_path).code == "Q0307"


def test_wrong_number_of_axes() -> None:
    assert fault("data a: real[n] = [[1, 2], [3, 4]]").code == "Q0308"
    assert fault("data a: real = [1, 2]").code == "Q0308"
    assert fault("data a: real[n] = 3").code == "Q0308"


def test_wrong_shape() -> None:
    found = fault("data a: real[2, 3] = [[1, 2], [3, 4]]")
    assert (found.code, found.message) == ("Q0309", "axis 1 of `a` has 2 elements, declared with 3")


@pytest.mark.parametrize("given", [[1, 2.5], [1e300, 1], [2**70, 1], np.array([2**63], np.uint64)])
def test_not_whole(given: Any) -> None:
    assert fault("data a: int[n]", a=given).code == "Q0310"


def test_not_truth_values() -> None:
    assert fault("data a: bool[n] = [0, 1, 2]").code == "Q0311"


def test_no_value() -> None:
    assert fault("data a: real[n]").code == "Q0312"


def test_unknown_override() -> None:
    found = fault("data a: real[n] = [1, 2]", b=[1])
    assert (found.code, found.span) == ("Q0313", None)


def test_text_without_a_folder() -> None:
    assert fault('data a: real[n] from "a.npy"').code == "Q0314"


def test_uneven_rows(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[[1, 2], [3]]")
    assert fault('data a: real[n, 2] from "a.json"', tmp_path).code == "Q0315"


def test_parameters_read_files_and_fill_shapes(tmp_path: Path) -> None:
    np.save(tmp_path / "start.npy", [1.0, 2.0, 3.0])
    module = imported(
        'program p\nparam a: real[3] from "start.npy"\nparam b: real[2, 2] = 0.5 in [-1, 1] bits 4\n'
        "minimize norm2(a) + norm2(b)\n",
        tmp_path,
    )
    first, second = module.main.ops_of(nn.ParameterOp)
    assert first.value.values.tolist() == [1, 2, 3]
    assert (second.value.values.tolist(), second.lower, second.upper, second.bits) == ([[0.5] * 2] * 2, -1, 1, 4)
    with pytest.raises(CompileError, match="axis 0 of `a` has 2 elements, declared with 3"):
        imported("program p\nparam a: real[3] = [1, 2]\nminimize sum(a)\n")


@pytest.mark.parametrize(("kind", "dtype"), [("int", np.int64), ("real", np.float64), ("bool", np.bool_)])
def test_arrays_handed_in_stay_the_callers_own(kind: str, dtype: type) -> None:
    values = np.array([1, 0], dtype)
    text = f"program p\ndata a: {kind}[n]\nvar x: binary[2]\nminimize sum(a[i] * x[a[i]] for i in 0..n) + sum(a)\n"
    if kind != "int":
        text = text.replace("x[a[i]]", "x[i]")
    module = imported(text, None, a=values)
    before = print_module(module)
    values[:] = [0, 1]
    assert print_module(module) == before


@pytest.mark.parametrize("source", ["= []", 'from "edges.npy"', 'from "edges.json"', ""])
def test_data_may_have_no_rows(source: str, tmp_path: Path) -> None:
    """An instance may have no edges: sums over them are 0 and constraints on them ask for nothing."""
    np.save(tmp_path / "edges.npy", np.zeros((0, 2), np.int64))
    (tmp_path / "edges.json").write_text("[]")
    text = f"program p\ndata e: int[m, 2] {source}\nvar x: binary[2]\n"
    text += "minimize sum(x) - sum(x[e[k, 0]] * x[e[k, 1]] for k in 0..m) + m\n"
    text += "subject to\n  c[k]: x[e[k, 0]] + x[e[k, 1]] >= 1 for k in 0..m\n  d[q]: x[q[1]] >= 1 for q in e\n"
    module = imported(text, tmp_path, **({} if source else {"e": []}))
    assert at(module, x=[1, 1]).objective == 2
    assert not module.main.ops_of(problem.ConstraintOp)


def test_no_rows_still_have_the_declared_columns(tmp_path: Path) -> None:
    np.save(tmp_path / "edges.npy", np.zeros((0, 3), np.int64))
    assert fault('data a: int[m, 2] from "edges.npy"', tmp_path).code == "Q0309"
    assert fault("data a: int[4, 2] = []").code == "Q0309"

"""The folders import only lower floors, and the light core stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import qevo_compiler

PACKAGE = Path(qevo_compiler.__file__).parent
FLOORS = {
    "source": -1,
    "light": -1,
    "diagnostics": 0,
    "packages": 1,
    "ir": 1,
    "dialects": 2,
    "analyses": 3,
    "interchange": 3,
    "grammar": 4,
    "passes": 4,
    "targets": 4,
    "evaluator": 4,
    "frontend": 5,
    "decode": 5,
    "loading": 6,
    "program": 6,
    "results": 6,
    "writing": 6,
    "driver": 6,
    "validation": 6,
    "checking": 6,
    "validation_circuit": 6,
    "reweighting": 6,
    "updating": 6,
    "tuning": 6,
    "evaluation": 6,
    "backends": 6,
    "report": 7,
    "runtime": 7,
    "cli": 8,
    "__main__": 9,
}
MAY_CALL_EVALUATOR = {"passes", "analyses"}
# The one upward delegation: `Problem.compile` and the lazy public names reach the driver by name.
HEAVY = {"torch": {"frontend/torch", "runtime"}, "cirq": None, "qiskit": None, "dimod": None, "llvmlite": None}
# Modules that are themselves imported only when used.
IMPORTED_ON_USE = {("backends/annealer.py", "dimod")}


def _imports(path: Path) -> list[tuple[str, bool]]:
    """Imported module names, each with whether it is imported when the file is (not inside a function)."""
    tree = ast.parse(path.read_text())
    nested = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _type_checking(node)
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module or ""]
        found += [(name, id(node) not in nested) for name in names]
    return found


def _type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.name != "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_file_imports_only_lower_floors(path: Path) -> None:
    room = _room(path)
    for name, _ in _imports(path):
        if not name.startswith("qevo_compiler."):
            continue
        other = name.split(".")[1]
        if other == room:
            continue
        allowed = FLOORS[other] < FLOORS[room] or (other == "evaluator" and room in MAY_CALL_EVALUATOR)
        same_floor_of_driver = FLOORS[room] == FLOORS[other] == 6
        assert allowed or same_floor_of_driver, f"{path.relative_to(PACKAGE)} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_packages_are_imported_where_they_belong_and_only_when_used(path: Path) -> None:
    for name, at_import in _imports(path):
        heavy = name.split(".")[0]
        if heavy not in HEAVY:
            continue
        rooms = HEAVY[heavy]
        inside = rooms is not None and any(str(path.relative_to(PACKAGE)).startswith(room) for room in rooms)
        lazy = (str(path.relative_to(PACKAGE)), heavy) in IMPORTED_ON_USE
        assert inside or lazy or (rooms is None and not at_import), f"{path.relative_to(PACKAGE)} imports {name}"


def test_importing_the_package_loads_no_sdk() -> None:
    code = (
        "import sys, qevo_compiler, qevo_compiler.driver\n"
        "print([m for m in ('torch','qiskit','cirq','dimod','llvmlite','sympy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_compiling_a_small_program_loads_no_tool_of_others() -> None:
    code = (
        "import sys, qevo_compiler\n"
        "text = 'program p\\nvar x: binary[2]\\nminimize x[0] * x[1] - x[0]\\n'\n"
        "assert all(qevo_compiler.compile(text).files.values())\n"
        "print([m for m in ('lark','dimod','networkx','scipy','sympy','rich','torch') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_version_loads_next_to_nothing() -> None:
    code = (
        "import sys; from qevo_compiler.cli.main import main; main(['--version'])\n"
        "print([m for m in ('numpy','lark','rich','scipy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.splitlines() == [f"qevoc {qevo_compiler.__version__}", "[]"]

"""What the built wheel holds."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_wheel_ships_the_grammar_and_the_type_marker(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        grammar = archive.read("qevo_compiler/grammar/qevo.lark").decode()
    assert "start" in grammar
    assert "qevo_compiler/grammar/tables.json" in names
    assert "qevo_compiler/py.typed" in names
    assert all(name.startswith(("qevo_compiler/", "qevo_compiler-")) for name in names)

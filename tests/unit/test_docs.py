"""What README and docs show is right: Python runs, programs are canonical, commands parse, every op has its place."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from qevo_compiler.cli.main import COMMANDS, make_parser
from qevo_compiler.frontend.dsl import import_program
from qevo_compiler.grammar import format_program, parse
from qevo_compiler.ir import Op
from qevo_compiler.source import SourceFile

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    lines = [line for block in blocks(page, "") for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.removeprefix("$ ").startswith("qevoc ")]


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


# The pass of docs/add-a-pass.md has a test of its own, which runs it on models.
WITH_PYTHON = [page for page in PAGES if blocks(page, "python") and page.name != "add-a-pass.md"]
PROGRAMS = [(page, text) for page in PAGES for text in blocks(page, "") if text.startswith("program ")]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=named)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, named(page), "exec"), names)


@pytest.mark.parametrize(("page", "text"), PROGRAMS, ids=lambda value: named(value) if isinstance(value, Path) else "")
def test_whole_programs_are_right_and_canonical(page: Path, text: str) -> None:
    source = SourceFile(page.name, text)
    import_program(source, None)
    assert format_program(source) == text


def test_fragments_of_the_language_page_are_statements() -> None:
    page = ROOT / "docs/language.md"
    for text in blocks(page, ""):
        if not text.startswith(("program ", "error[")):
            whole = f"minimize {text}" if text.startswith("sum(") else text
            # A program has one objective; a fragment may show several.
            for part in re.split(r"^(?=minimize|maximize)", whole, flags=re.MULTILINE):
                parse(SourceFile(page.name, f"program fragment\n{part}"))


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=named)
def test_commands_have_the_options_that_a_page_gives_them(page: Path) -> None:
    for line in commands(page):
        words = shlex.split(line.partition(" 2>")[0], comments=True)[1:]
        assert words[0] in COMMANDS
        make_parser([words[0]]).parse_args(words)


def test_the_ir_page_names_every_op() -> None:
    rows = {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \| (.*?) \|", (ROOT / "docs/ir.md").read_text(), re.M)}
    for name in Op.registry:
        dialect, _, op = name.partition(".")
        assert re.search(rf"\b{op}\b", rows[dialect]), name


def test_the_page_on_the_code_names_every_folder_and_module() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    for room in (ROOT / "qevo_compiler").iterdir():
        if room.name.startswith("__") or not (room.is_dir() or room.suffix == ".py"):
            continue
        assert f"`{room.name}{'/' if room.is_dir() else ''}`" in text, room.name


def test_links_between_pages_lead_somewhere() -> None:
    for page in (*PAGES, *(ROOT / "docs/decisions").glob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            assert link.startswith("http") or (page.parent / link).exists(), f"{named(page)}: {link}"

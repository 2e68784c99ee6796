"""The reference pages say what the registries say, and the links of the documents lead somewhere."""

import re
import sys
from pathlib import Path

import pytest

from qevo_compiler.cli.reference import pages

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["passes.md", "targets.md", "errors.md", "cli.md"])
def test_page_is_what_make_docs_writes(name: str) -> None:
    if name == "cli.md" and sys.version_info[:2] != (3, 11):
        pytest.skip("argparse words its help differently in every Python; the page is made with 3.11")
    assert (ROOT / "docs" / "reference" / name).read_text() == pages()[name], "run `make docs`"


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name)
def test_links_lead_to_files(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        assert link.startswith("http") or (path.parent / link).exists(), link

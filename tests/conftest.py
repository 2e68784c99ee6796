"""Goldens: expected texts beside the tests, compared, shown as a diff, and rewritten on demand."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Examples are the same in every run, and a slow machine is no failure; `make test-all` looks further.
settings.register_profile("repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")

# A worker a core, and a BLAS thread a core in each of them, would wait for each other most of the time: a file of
# small matrices took 22 s of processor time instead of 3. Set before numpy is loaded; processes of their own that look
# at the number of threads set theirs.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

Golden = Callable[[str, str | bytes], None]

pytest_plugins = ["pytester"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what the tests found as the new goldens")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--update-golden") and os.environ.get("CI"):
        raise pytest.UsageError("--update-golden is refused where CI is set: goldens are accepted by people")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """`golden(name, text)`: the text must equal the file `goldens/NAME` beside the test's file.

    On a difference the text is written beside it as `NAME.new.EXT` and the test fails with a diff.
    """
    folder = request.path.parent / "goldens"
    update = bool(request.config.getoption("--update-golden"))

    def compare(name: str, found: str | bytes) -> None:
        content = found.encode() if isinstance(found, str) else found
        compare_golden(folder / name, content, update)

    return compare


def compare_golden(path: Path, content: bytes, update: bool) -> None:
    new = path.with_name(f"{path.stem}.new{path.suffix}")
    if update:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        new.unlink(missing_ok=True)
        return
    if not path.exists():
        pytest.fail(f"there is no golden {path.name}; run pytest with --update-golden and read what it writes")
    expected = path.read_bytes()
    if expected == content:
        new.unlink(missing_ok=True)
        return
    new.write_bytes(content)
    diff = difflib.unified_diff(
        expected.decode(errors="replace").splitlines(),
        content.decode(errors="replace").splitlines(),
        path.name,
        new.name,
        lineterm="",
    )
    pytest.fail("\n".join(["the text differs from its golden", *diff]), pytrace=False)

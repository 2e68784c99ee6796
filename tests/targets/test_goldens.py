"""The golden fixture itself, and the order among goldens: none stray, none unread."""

from pathlib import Path

import pytest
from conftest import compare_golden

TESTS = Path(__file__).parents[1]


def test_equal_text_passes_and_clears_an_old_difference(tmp_path):
    path, new = tmp_path / "a.txt", tmp_path / "a.new.txt"
    path.write_text("one\n")
    new.write_text("old\n")
    compare_golden(path, b"one\n", update=False)
    assert not new.exists()


def test_a_difference_is_written_beside_and_shown(tmp_path):
    path = tmp_path / "a.bqm.json"
    path.write_text("one\ntwo\n")
    with pytest.raises(pytest.fail.Exception, match=r"\+three"):
        compare_golden(path, b"one\nthree\n", update=False)
    assert (tmp_path / "a.bqm.new.json").read_text() == "one\nthree\n"
    assert path.read_text() == "one\ntwo\n"


def test_a_missing_golden_fails_with_a_hint(tmp_path):
    with pytest.raises(pytest.fail.Exception, match="--update-golden"):
        compare_golden(tmp_path / "a.txt", b"", update=False)
    assert not any(tmp_path.iterdir())


def test_updating_writes_the_golden(tmp_path):
    path = tmp_path / "goldens" / "a.txt"
    compare_golden(path, b"one\n", update=True)
    assert path.read_bytes() == b"one\n"


def test_updating_is_refused_in_ci(pytester, monkeypatch):
    pytester.makeconftest((TESTS / "conftest.py").read_text())
    monkeypatch.setenv("CI", "true")
    result = pytester.runpytest_subprocess("--update-golden")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*refused where CI is set*"])


def test_no_difference_was_left_behind():
    assert [path.name for pattern in ("*.new", "*.new.*") for path in TESTS.rglob(pattern)] == []


def test_every_golden_is_named_in_a_test_beside_it():
    for path in TESTS.rglob("goldens/*"):
        texts = [test.read_text() for test in path.parents[1].glob("*.py")]
        assert any(path.name in text for text in texts), f"no test in {path.parents[1].name} names {path.name}"

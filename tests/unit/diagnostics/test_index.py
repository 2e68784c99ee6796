"""The index of codes: unique, in their topic's range, explained, and with templates that their fields fill."""

from __future__ import annotations

import inspect
import string
from typing import ClassVar

import pytest

import qevo_compiler.diagnostics.core as core
from qevo_compiler.cli.main import main
from qevo_compiler.diagnostics import Diagnostic, Error, InternalError, Warn
from qevo_compiler.diagnostics.index import all_diagnostics, explanation, worded

DIAGNOSTICS = all_diagnostics()
TEMPLATES = ("title", "label", "note", "help")
FIRST_DIGITS = {
    "sources": "Q00", "syntax": "Q01", "language": "Q02", "data": "Q03", "ir": "Q04", "pipeline": "Q05",
    "poly": "Q060", "linear": "Q061", "model": "Q062", "qlsa": "Q06", "encoding": "Q06", "rounding": "Q064",
    "constraints": "Q065", "penalties": "Q066", "schedule": "Q066", "torch": "Q07",
    "resources": ("Q063", "Q064"), "targets": "Q08", "backends": "Q085", "interchange": "Q09",
}  # fmt: skip


def each() -> list[object]:
    return [pytest.param(cls, id=code) for code, cls in DIAGNOSTICS.items()]


def test_codes_stand_in_order_and_none_is_shared() -> None:
    assert list(DIAGNOSTICS) == sorted(DIAGNOSTICS)
    assert len(set(DIAGNOSTICS.values())) == len(DIAGNOSTICS)
    assert all(cls.code == code for code, cls in DIAGNOSTICS.items())


def test_a_shared_code_is_a_bug_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    class Second(Error):
        """Takes a code that is taken; it is forgotten again with this test."""

        code: ClassVar[str] = "Q0001"

    try:
        with pytest.raises(InternalError, match="share a code"):
            core.concrete_diagnostics()
    finally:
        monkeypatch.setattr(Second, "code", "")
    assert core.concrete_diagnostics() == DIAGNOSTICS


@pytest.mark.parametrize("cls", each())
def test_a_code_lies_in_the_range_of_its_topic(cls: type[Diagnostic]) -> None:
    topic = cls.__module__.split(".")[2]
    assert cls.code.startswith(FIRST_DIGITS[topic])
    assert len(cls.code) == 5


@pytest.mark.parametrize("cls", each())
def test_every_class_says_whether_it_is_an_error(cls: type[Diagnostic]) -> None:
    assert issubclass(cls, Error) != issubclass(cls, Warn)


@pytest.mark.parametrize("cls", each())
def test_fields_hide_no_member_of_the_base(cls: type[Diagnostic]) -> None:
    own = set(cls.fields) - {"span"}
    assert not own & {name for name in dir(Diagnostic) if not name.startswith("_")}


@pytest.mark.parametrize("cls", each())
def test_templates_use_what_the_class_has(cls: type[Diagnostic]) -> None:
    known = set(cls.fields)
    known |= {name for name, member in inspect.getmembers(cls) if isinstance(member, property)}
    for template in TEMPLATES:
        used = {name for _, name, _, _ in string.Formatter().parse(getattr(cls, template)) if name is not None}
        assert used <= known, template


@pytest.mark.parametrize("cls", each())
def test_every_field_is_read(cls: type[Diagnostic]) -> None:
    """A field that no template, property or related place reads is dead weight at every raise site."""
    source = inspect.getsource(cls)
    bases = "".join(inspect.getsource(base) for base in cls.__mro__[1:] if base.__module__ == cls.__module__)
    for field in cls.fields:
        if field != "span":
            assert f"{{{field}" in source + bases or f"self.{field}" in source + bases, field


@pytest.mark.parametrize("cls", each())
def test_the_wording_has_the_house_style(cls: type[Diagnostic]) -> None:
    assert cls.title
    for template in TEMPLATES:
        text = getattr(cls, template)
        assert text == text.strip()
        assert not text.endswith("."), template
        assert "  " not in text
        assert text.count("`") % 2 == 0
    assert not cls.title[0].isupper()


@pytest.mark.parametrize("cls", each())
def test_the_long_explanation_is_written_for_users(cls: type[Diagnostic]) -> None:
    text = explanation(cls)
    assert len(text.split()) >= 8
    assert text.splitlines()[0][0].isupper() or text.startswith("`")
    assert "Error(" not in text


@pytest.mark.parametrize("code", DIAGNOSTICS)
def test_explain_prints_every_code(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", code.lower()]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{code} ({DIAGNOSTICS[code].severity.value}): {worded(DIAGNOSTICS[code].title)}\n")
    assert explanation(DIAGNOSTICS[code]) in out


def test_templates_are_shown_with_names() -> None:
    assert worded("takes {count:,} of `pass{{option={value}}}`") == "takes COUNT of `pass{option=VALUE}`"

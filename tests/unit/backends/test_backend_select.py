"""Choosing a backend: local unless asked; hardware refused in the right words, keys never shown."""

import pytest
from quantum_support import codes

from qevo_compiler.backends.local import LocalBackend
from qevo_compiler.backends.select import select_backend
from qevo_compiler.diagnostics import CompileError, render
from qevo_compiler.source import SourceMap

SECRET = "DEV-0123456789abcdef"


def refused(name, environment):
    with pytest.raises(CompileError) as caught:
        select_backend(name, environment)
    return caught


@pytest.mark.parametrize(
    ("name", "variables"), [(None, {}), ("local", {"QUANTUM_BACKEND": "ibm"}), (None, {"QUANTUM_BACKEND": ""})]
)
def test_the_default_is_local_and_an_argument_wins(name, variables):
    assert select_backend(name, variables) == LocalBackend()


def test_the_environment_is_read(monkeypatch):
    monkeypatch.setenv("QUANTUM_BACKEND", "dwave")
    monkeypatch.delenv("QUANTUM_API_KEY", raising=False)
    with pytest.raises(CompileError) as caught:
        select_backend()
    assert codes(caught) == ["Q0851"]


def test_unknown_names_are_diagnosed_with_a_suggestion():
    caught = refused("dwav", {})
    assert codes(caught) == ["Q0850"]
    assert "`dwave`" in caught.value.diagnostics[0].fill("{suggestion}")


@pytest.mark.parametrize(("name", "words"), [("dwave", "API token"), ("ibm", "instance"), ("google", "project's id")])
def test_missing_credentials_say_what_is_needed(name, words):
    caught = refused(name, {})
    assert codes(caught) == ["Q0851"]
    assert words in str(caught.value)


@pytest.mark.parametrize(("name", "file"), [("dwave", "NAME.bqm"), ("ibm", "NAME.qasm"), ("google", "NAME.cirq.json")])
def test_hardware_says_which_file_to_submit_and_never_shows_the_key(name, file):
    caught = refused(name, {"QUANTUM_API_KEY": SECRET})
    assert codes(caught) == ["Q0852"]
    diagnostic = caught.value.diagnostics[0]
    shown = render([diagnostic], SourceMap()) + repr(diagnostic) + str(caught.value)
    assert file in shown
    assert SECRET not in shown

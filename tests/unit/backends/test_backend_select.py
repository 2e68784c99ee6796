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
    with pytest.raises(CompileError) as caught:
        select_backend()
    assert codes(caught) == ["Q0852"]


def test_unknown_names_are_diagnosed_with_a_suggestion():
    caught = refused("dwav", {})
    assert codes(caught) == ["Q0850"]
    assert "`dwave`" in caught.value.diagnostics[0].fill("{suggestion}")


@pytest.mark.parametrize(
    ("name", "file", "account"),
    [
        ("dwave", "NAME.bqm", "API token"),
        ("ibm", "NAME.qasm", "an instance"),
        ("google", "NAME.cirq.json", "project"),
    ],
)
def test_hardware_says_at_once_what_to_submit_and_with_which_account(name, file, account):
    """With a key or without: asking for one that nothing reads would lead nowhere."""
    caught = refused(name, {"QUANTUM_API_KEY": SECRET})
    assert codes(caught) == ["Q0852"]
    diagnostic = caught.value.diagnostics[0]
    shown = render([diagnostic], SourceMap()) + repr(diagnostic) + str(caught.value)
    assert file in shown
    assert account in shown
    assert "QUANTUM_API_KEY" not in shown
    assert SECRET not in shown
    assert str(refused(name, {}).value) == str(caught.value)

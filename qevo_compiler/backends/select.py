"""Which backend runs a program: an argument, the environment, or the local one.

Hardware backends are refused with what they would need and which emitted file to submit by hand; a
key is looked for, never read out, printed or kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from qevo_compiler.backends.base import Backend
from qevo_compiler.backends.local import LocalBackend
from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.backends import NoCredentials, NoSubmission, UnknownBackend

BACKEND_VARIABLE = "QUANTUM_BACKEND"
KEY_VARIABLE = "QUANTUM_API_KEY"

_NEEDS = {
    "dwave": "an API token in QUANTUM_API_KEY",
    "ibm": "an API token in QUANTUM_API_KEY (its account also needs an instance)",
    "google": "a Google Cloud project's id in QUANTUM_API_KEY and application default credentials: "
    "Google's engine takes no API key",
}
_SUBMISSION = {
    "dwave": ("dwave", "NAME.bqm", "EmbeddingComposite(DWaveSampler()).sample, with NAME.schedule.json"),
    "ibm": ("openqasm3", "NAME.qasm", "SamplerV2 of qiskit-ibm-runtime, after qiskit.qasm3.load and transpile"),
    "google": ("cirq", "NAME.cirq.json", "cirq_google.get_engine, after cirq.read_json"),
}


def select_backend(
    name: str | None = None,
    environment: Mapping[str, str] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Backend:
    """The backend `name`, or the one of `QUANTUM_BACKEND`, or the local one.

    Raises `CompileError` for an unknown name and for hardware: without credentials it says which are
    needed, with them that submission is by hand. `environment` stands in for `os.environ` in tests;
    `progress` hears the part done of a long run.
    """
    variables = os.environ if environment is None else environment
    chosen = name or variables.get(BACKEND_VARIABLE) or LocalBackend.name
    if chosen == LocalBackend.name:
        return LocalBackend(progress=progress)
    if chosen not in _NEEDS:
        raise CompileError(UnknownBackend(None, chosen, did_you_mean(chosen, [LocalBackend.name, *_NEEDS])))
    if not variables.get(KEY_VARIABLE):
        raise CompileError(NoCredentials(None, chosen, _NEEDS[chosen]))
    raise CompileError(NoSubmission(None, chosen, *_SUBMISSION[chosen]))

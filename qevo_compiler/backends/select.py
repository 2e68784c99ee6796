"""Which backend runs a program: an argument, the environment, or the local one.

Hardware backends are refused with the emitted file to submit by hand and what its client needs; keys are not read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from qevo_compiler.backends.base import Backend
from qevo_compiler.backends.local import LocalBackend
from qevo_compiler.diagnostics import CompileError, did_you_mean
from qevo_compiler.diagnostics.backends import NoSubmission, UnknownBackend

BACKEND_VARIABLE = "QUANTUM_BACKEND"

_SUBMISSION = {
    "dwave": (
        "dwave",
        "NAME.bqm",
        "EmbeddingComposite(DWaveSampler()).sample, with NAME.schedule.json",
        "an API token of D-Wave's Leap",
    ),
    "ibm": (
        "openqasm3",
        "NAME.qasm",
        "SamplerV2 of qiskit-ibm-runtime, after qiskit.qasm3.load and transpile",
        "an API token and an instance of IBM Quantum",
    ),
    "google": (
        "cirq",
        "NAME.cirq.json",
        "cirq_google.get_engine, after cirq.read_json",
        "a Google Cloud project and application default credentials: Google's engine takes no API key",
    ),
}


def select_backend(
    name: str | None = None,
    environment: Mapping[str, str] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Backend:
    """The backend `name`, or the one of `QUANTUM_BACKEND`, or the local one.

    Raises `CompileError` for an unknown name and for hardware, where submission is by hand. `environment` stands in
    for `os.environ` in tests; `progress` hears the part done of a long run.
    """
    variables = os.environ if environment is None else environment
    chosen = name or variables.get(BACKEND_VARIABLE) or LocalBackend.name
    if chosen == LocalBackend.name:
        return LocalBackend(progress=progress)
    if chosen not in _SUBMISSION:
        raise CompileError(UnknownBackend(None, chosen, did_you_mean(chosen, [LocalBackend.name, *_SUBMISSION])))
    raise CompileError(NoSubmission(None, chosen, *_SUBMISSION[chosen]))

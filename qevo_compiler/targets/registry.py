"""The targets by name; each is imported when first asked for."""

from __future__ import annotations

from importlib import import_module

from qevo_compiler.targets.base import Target

TARGETS = {
    "dwave": "qevo_compiler.targets.dwave:DWave",
    "openqasm3": "qevo_compiler.targets.openqasm3:OpenQasm3",
    "qubo": "qevo_compiler.targets.qubo:Qubo",
    "resources": "qevo_compiler.targets.resources:Resources",
    "cirq": "qevo_compiler.targets.cirq:Cirq",
}


def load_target(name: str) -> type[Target]:
    """The class of a registered target."""
    module, _, cls = TARGETS[name].partition(":")
    target: type[Target] = getattr(import_module(module), cls)
    return target

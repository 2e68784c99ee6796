"""OpenQASM 3.0 in the profile that every reader takes: flat gates, bound angles, own `rzz`.

File: `qasm`.
"""

from qevo_compiler.targets.openqasm3.target import OpenQasm3

__all__ = ["OpenQasm3"]

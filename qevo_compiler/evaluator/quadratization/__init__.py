"""Compiled search for which auxiliaries a set of monomials shares.

`cover.py` states the problem and runs the sweeps, `kernel.py` writes the compiled sweep, `reference.py` is the
same sweep in plain Python.
"""

from qevo_compiler.evaluator.quadratization.cover import COMMON, FIRST, Block, Effort, Resources, Slot, choose

__all__ = ["COMMON", "FIRST", "Block", "Effort", "Resources", "Slot", "choose"]

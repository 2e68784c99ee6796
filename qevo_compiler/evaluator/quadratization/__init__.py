"""Compiled search for which auxiliaries a set of monomials shares.

`cover.py` states the problem and runs the sweeps, `kernel.py` writes the compiled sweep, `reference.py` is the
same sweep in plain Python.
"""

from qevo_compiler.evaluator.quadratization.cover import FIRST, Block, Choices, Effort, Resources, Slot, choose
from qevo_compiler.evaluator.quadratization.kernel import COMMON

__all__ = ["COMMON", "FIRST", "Block", "Choices", "Effort", "Resources", "Slot", "choose"]

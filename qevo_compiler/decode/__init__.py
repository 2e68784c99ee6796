"""From sampled spins back to the problem's own names."""

from qevo_compiler.decode.decoder import Decoder
from qevo_compiler.decode.solution import Solution, Solutions

__all__ = ["Decoder", "Solution", "Solutions"]

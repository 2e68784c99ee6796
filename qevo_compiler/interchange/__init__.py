"""Files of other tools: read into modules at the stage `polynomial`, written from models over bits or spins."""

from qevo_compiler.interchange.inputs import InputFile
from qevo_compiler.interchange.objects import read_object
from qevo_compiler.interchange.registry import (
    FORMATS,
    check_writable,
    guess,
    names,
    read_model,
    read_problem,
    read_program,
    write_model,
)

__all__ = [
    "FORMATS",
    "InputFile",
    "check_writable",
    "guess",
    "names",
    "read_model",
    "read_object",
    "read_problem",
    "read_program",
    "write_model",
]

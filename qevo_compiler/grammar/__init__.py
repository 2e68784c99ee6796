"""`.qevo` text to syntax tree and back."""

from qevo_compiler.grammar.ast import Program
from qevo_compiler.grammar.format import format_program
from qevo_compiler.grammar.parser import parse
from qevo_compiler.grammar.printer import print_program

__all__ = ["Program", "format_program", "parse", "print_program"]

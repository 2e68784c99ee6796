"""What the rows of constraints say over bits: literals, clauses, known kinds of rows, duplicates, components.

All functions work on whole families of rows as arrays; a row is `sum c_i x_i + c_0` compared with zero.
"""

from qevo_compiler.analyses.structure.clauses import Clauses, row_clauses
from qevo_compiler.analyses.structure.literals import Literals, row_literals
from qevo_compiler.analyses.structure.recognise import RowKind, Structure, recognise, row_kinds
from qevo_compiler.analyses.structure.repeats import redundant_rows
from qevo_compiler.analyses.structure.tightening import cut_rows, row_caps, shared_losses

__all__ = [
    "Clauses",
    "Literals",
    "RowKind",
    "Structure",
    "cut_rows",
    "recognise",
    "redundant_rows",
    "row_caps",
    "row_clauses",
    "row_kinds",
    "row_literals",
    "shared_losses",
]

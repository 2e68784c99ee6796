"""One self-contained page about a compilation: sizes, sources, precision, graph, schedule, ledger."""

from qevo_compiler.report.page import report_page
from qevo_compiler.report.precision import precision_lines
from qevo_compiler.report.sizes import ModelSize, SizeLog, measure
from qevo_compiler.report.structure import StructureLog

__all__ = ["ModelSize", "SizeLog", "StructureLog", "measure", "precision_lines", "report_page"]

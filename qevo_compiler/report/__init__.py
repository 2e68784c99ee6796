"""One self-contained page about a compilation: sizes, sources, precision, graph, schedule, ledger."""

from qevo_compiler.report.page import report_page, write_report
from qevo_compiler.report.sizes import ModelSize, SizeLog, measure

__all__ = ["ModelSize", "SizeLog", "measure", "report_page", "write_report"]

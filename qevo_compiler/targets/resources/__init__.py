"""The target `resources`: what solving a linear program on a quantum computer would cost, as JSON and QREF."""

from qevo_compiler.targets.resources.table import resource_table
from qevo_compiler.targets.resources.target import Resources, all_figures

__all__ = ["Resources", "all_figures", "resource_table"]

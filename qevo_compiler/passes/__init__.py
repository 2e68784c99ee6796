"""Passes: named, typed `Module -> Module` steps, one a file, and the pipelines made of them."""

from qevo_compiler.passes.base import Context, Pass
from qevo_compiler.passes.pipeline import Pipeline

__all__ = ["Context", "Pass", "Pipeline"]

"""Targets: check what a module may be emitted as, emit it, and read it back."""

from qevo_compiler.targets.base import EmittedFile, Target
from qevo_compiler.targets.registry import TARGETS, load_target

__all__ = ["TARGETS", "EmittedFile", "Target", "load_target"]

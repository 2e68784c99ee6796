"""Reverse-mode differentiation inside the IR."""

from qevo_compiler.passes.gradient.reverse import ancestors, differentiate

__all__ = ["ancestors", "differentiate"]

"""A kernel that makes networks of cx through which products of spins are turned."""

from qevo_compiler.evaluator.parity.network import parity_steps

__all__ = ["parity_steps"]

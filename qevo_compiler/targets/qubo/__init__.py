"""QUBO files for other tools: coordinates, BQPJSON, QPLIB, LP, dimod's and OMMX's own."""

from qevo_compiler.targets.qubo.target import Qubo, QuboFormat

__all__ = ["Qubo", "QuboFormat"]

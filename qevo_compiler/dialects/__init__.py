"""The dialects: `nn` and `problem` at the source, then `poly`, `linear`, `ising`, `anneal` and `gate`.

Importing this package declares every op, so that any `.qir` text can be read.
"""

from qevo_compiler.dialects import anneal, gate, ising, linear, nn, poly, problem

__all__ = ["anneal", "gate", "ising", "linear", "nn", "poly", "problem"]

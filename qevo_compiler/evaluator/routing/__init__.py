"""Kernels for putting a circuit on a device: placing spins, and swaps for gates in any order or in a given one."""

from qevo_compiler.evaluator.routing.graphs import Adjacency
from qevo_compiler.evaluator.routing.ordered import route_ordered
from qevo_compiler.evaluator.routing.placing import anneal_placement
from qevo_compiler.evaluator.routing.swapping import route_pairs
from qevo_compiler.evaluator.routing.times import end_times

__all__ = ["Adjacency", "anneal_placement", "end_times", "route_ordered", "route_pairs"]

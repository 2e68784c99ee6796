"""Samplers of low-energy states of spin models, in compiled code.

    model = SpinModel.from_pairs(fields, rows, columns, couplings)
    states = solve(model, Plan(reads=100, sweeps=1000, seed=1))
    energies(model, states)

`metropolis.py` anneals, `tempering.py` tempers in parallel, `tabu.py` walks; `solve.py` chooses.
`path_integral.py` anneals worldlines, `higher.py` polynomials of any degree. Random numbers depend on seed,
replica, sweep and spin alone: samples are the same on any number of threads.
"""

from qevo_compiler.evaluator.annealing.acceptance import Rule
from qevo_compiler.evaluator.annealing.energies import energies
from qevo_compiler.evaluator.annealing.higher import (
    anneal_polynomial,
    polynomial_beta_range,
    polynomial_energies,
)
from qevo_compiler.evaluator.annealing.metropolis import anneal, is_dense
from qevo_compiler.evaluator.annealing.model import DenseSpins, SpinModel
from qevo_compiler.evaluator.annealing.path_integral import along_drive, default_drive, path_integral, worldlines
from qevo_compiler.evaluator.annealing.polynomial import PolynomialModel
from qevo_compiler.evaluator.annealing.runs import Watch
from qevo_compiler.evaluator.annealing.solve import Method, Plan, solve
from qevo_compiler.evaluator.annealing.tabu import tabu
from qevo_compiler.evaluator.annealing.temperatures import beta_range
from qevo_compiler.evaluator.annealing.tempering import temper

__all__ = [
    "DenseSpins",
    "Method",
    "Plan",
    "PolynomialModel",
    "Rule",
    "SpinModel",
    "Watch",
    "along_drive",
    "anneal",
    "anneal_polynomial",
    "beta_range",
    "default_drive",
    "energies",
    "is_dense",
    "path_integral",
    "polynomial_beta_range",
    "polynomial_energies",
    "solve",
    "tabu",
    "temper",
    "worldlines",
]

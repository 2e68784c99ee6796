"""Quadratic knapsacks of Billionnet and Soutif (`jeu_*`): name, n, profits, a triangle of joint profits, 0,
capacity and weights.

before: tiny / 2 / 5 6 / 3 / / 0 / 9 / 4 7
after:  maximise 5 t0 + 6 t1 + 3 t0 t1 over bits take[2], subject to 4 t0 + 7 t1 <= 9

A joint profit counts once, when both things are taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.files import BadHead, NotSupported
from qevo_compiler.dialects import poly
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.dialects.problem import Domain, Relation, Sense
from qevo_compiler.interchange.inputs import Cursor, Floats, InputFile, Ints, check_count, checked_count
from qevo_compiler.interchange.problems import StatedProblem, plain_variable, quadratic
from qevo_compiler.interchange.program_text import Data, ProgramText
from qevo_compiler.ir import Array, Module

FORMAT = "qkp"


@dataclass(frozen=True)
class Knapsack:
    """`profit` [n], `joint` [m] of the pairs `pair` [m, 2] with a joint profit, and `weight` [n]."""

    profit: Floats
    pair: Ints
    joint: Floats
    capacity: float
    weight: Floats


def read(file: InputFile) -> Module:
    """The knapsack as a module. Raises `CompileError`, with the line, where the file is wrong."""
    stated = parse(file)
    size = len(stated.profit)
    single = np.arange(size)
    rows, columns = (np.concatenate([single, stated.pair[:, end]]) for end in (0, 1))
    objective = quadratic(0.0, rows, columns, np.concatenate([stated.profit, stated.joint]), Domain.BINARY)
    row = np.zeros(size, np.int32)
    constant = (row[:1], np.zeros((1, 0), np.int32), np.array([-stated.capacity]))
    body = pack(1, [constant, (row, single[:, None], stated.weight)])
    fits = poly.ConstraintOp("fits", Relation.LE, body, Array(np.zeros((1, 0), np.int64)))
    variable = plain_variable("take", Domain.BINARY, (size,))
    return StatedProblem((variable,), objective, Sense.MAXIMIZE, (fits,)).module(file)


def program(file: InputFile) -> ProgramText:
    """The knapsack as a program in the language."""
    stated = parse(file)
    lines: list[str | Data] = [
        "# What to take along when some things are worth more together.",
        Data("profit", "n", stated.profit),
        Data("weight", "n", stated.weight),
        Data("capacity", "", np.array(stated.capacity)),
    ]
    objective = "maximize sum(profit[i] * take[i] for i in 0..n)"
    if len(stated.pair):
        lines += [Data("pair", "m, 2", stated.pair), Data("joint", "m", stated.joint)]
        objective += " + sum(joint[e] * take[pair[e, 0]] * take[pair[e, 1]] for e in 0..m)"
    lines += ["var take: binary[n]", objective, "subject to"]
    return ProgramText(file.stem, [*lines, "  fits: sum(weight[i] * take[i] for i in 0..n) <= capacity"])


def parse(file: InputFile) -> Knapsack:
    """The knapsack of a file; what follows its weights is passed over."""
    cursor = Cursor(file, FORMAT)
    cursor.line("the name")
    size = cursor.line("the number of things").strip()
    if not size.isdigit() or int(size) < 1:
        raise CompileError(BadHead(cursor.last_span, FORMAT, "NAME`, the second the number of things, as in `100"))
    n = checked_count(size, "things", cursor.last_span)
    pairs = n * (n - 1) // 2
    numbers = cursor.block()
    check_count(cursor, numbers, 2 * n + pairs + 2, "numbers")
    values = numbers.finite()
    profit, joint, (kind, capacity), weight = np.split(values, np.cumsum([n, pairs, 2]))
    if kind != 0:
        instead = "only 0 is, a capacity that the weights may not exceed"
        raise CompileError(NotSupported(numbers.span(n + pairs), f"the constraint type {kind:g}", FORMAT, instead))
    rows, columns = np.triu_indices(n, 1)
    there = joint != 0
    pair = np.stack([rows[there], columns[there]], axis=1).astype(np.int64)
    return Knapsack(profit, pair, joint[there], float(capacity), weight)

"""Biq Mac QUBO instances (`.sparse`): `variables entries`, then `i j q` a line, from 1; minimise x'Qx.

before: 2 2 / 1 1 -4 / 1 2 3
after:  minimise -4 x0 + 6 x0 x1 over bits x[2]

Q is symmetric and a file lists one triangle, so an entry off the diagonal counts twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qevo_compiler.dialects.problem import Domain
from qevo_compiler.interchange.gset import COMMENT
from qevo_compiler.interchange.inputs import Cursor, Floats, InputFile, Ints, check_count, two_counts
from qevo_compiler.interchange.problems import StatedProblem, plain_variable, quadratic
from qevo_compiler.interchange.program_text import Data, ProgramText
from qevo_compiler.ir import Module

FORMAT = "biqmac"


@dataclass(frozen=True)
class Matrix:
    """Entries `values` [m] of one triangle of a symmetric matrix at `rows` and `columns` from 0."""

    size: int
    rows: Ints
    columns: Ints
    values: Floats


def read(file: InputFile) -> Module:
    """The QUBO as a module. Raises `CompileError`, with the line, where the file is wrong."""
    matrix = parse(file)
    twice = np.where(matrix.rows == matrix.columns, 1.0, 2.0)
    with np.errstate(all="ignore"):
        values = matrix.values * twice
    objective = quadratic(0.0, matrix.rows, matrix.columns, values, Domain.BINARY)
    variables = (plain_variable("x", Domain.BINARY, (matrix.size,)),) if matrix.size else ()
    return StatedProblem(variables, objective).module(file)


def program(file: InputFile) -> ProgramText:
    """The QUBO as a program in the language."""
    matrix = parse(file)
    single = matrix.rows == matrix.columns
    diagonal = np.bincount(matrix.rows[single], matrix.values[single], matrix.size)
    pair = np.stack([matrix.rows[~single], matrix.columns[~single]], axis=1)
    lines: list[str | Data] = [
        "# Minimise x'Qx: the diagonal of Q, and its upper triangle, which counts twice.",
        Data("diagonal", "n", diagonal),
    ]
    objective = "minimize sum(diagonal[i] * x[i] for i in 0..n)"
    if len(pair):
        lines += [Data("pair", "m, 2", pair), Data("q", "m", matrix.values[~single])]
        objective += " + 2 * sum(q[e] * x[pair[e, 0]] * x[pair[e, 1]] for e in 0..m)"
    return ProgramText(file.stem, [*lines, "var x: binary[n]", objective])


def parse(file: InputFile) -> Matrix:
    """The matrix of a file."""
    cursor = Cursor(file, FORMAT, COMMENT)
    size, count = two_counts(cursor, FORMAT, "VARIABLES ENTRIES")
    entries = cursor.table(None if cursor.left > count else count, 3, "entries", "`i j q`")
    check_count(cursor, entries, count, "entries", 3)
    rows, columns = (entries.indices(slice(part, None, 3), "variable", size, 1) for part in (0, 1))
    return Matrix(size, rows, columns, entries.finite(slice(2, None, 3)))

"""Hypothesis strategies for syntax trees that a parse could have given."""

from __future__ import annotations

from functools import partial
from typing import Any

from hypothesis import strategies as st

from qevo_compiler.grammar import ast

from .helpers import SPAN

Trees = st.SearchStrategy[Any]

# soft keywords are names wherever the grammar does not ask for them
WORDS = st.sampled_from(["a", "x_1", "weight", "data", "sum", "T", "log", "bits", "where", "int", "on", "to"])
NUMBERS = st.integers(0, 10**20) | st.floats(0, allow_nan=False, allow_infinity=False)
LITERALS = NUMBERS | st.booleans()
CONSTANTS = LITERALS | st.integers(-99, -1) | st.floats(-1e9, -1e-9)


def node(cls: type[ast.Node], *fields: Trees) -> Trees:
    return st.tuples(*fields).map(lambda values: cls(*values, span=SPAN))


def some(items: Trees, least: int = 0, most: int = 3) -> Trees:
    return st.lists(items, min_size=least, max_size=most).map(tuple)


IDENTIFIERS = node(ast.Identifier, WORDS)
ENTRIES = st.recursive(some(CONSTANTS), lambda rows: some(CONSTANTS | rows), max_leaves=6)
LEAVES = node(ast.Name, WORDS) | node(ast.Literal, LITERALS) | node(ast.LiteralArray, ENTRIES)


def flat(cls: type[ast.Expr], items: tuple[ast.Expr, ...]) -> ast.Expr:
    """An n-ary node whose first item is not of its own kind, as the parser leaves it."""
    first = items[0]
    nested: tuple[ast.Expr, ...] = ()
    if isinstance(first, cls):
        nested = first.terms if isinstance(first, ast.Sum) else first.factors  # type: ignore[attr-defined]
    return cls((nested or (first,)) + items[1:], span=SPAN)  # type: ignore[call-arg]


def logical(op: ast.LogicalOperator, items: tuple[ast.Expr, ...]) -> ast.Expr:
    first = items[0]
    joined = isinstance(first, ast.Logical) and first.op is op
    operands = first.operands if joined else (first,)  # type: ignore[attr-defined]
    return ast.Logical(op, operands + items[1:], span=SPAN)


def array(items: tuple[ast.Expr, ...]) -> ast.Expr:
    return ast.Array((*items, ast.Name("a", span=SPAN)), span=SPAN)


def generators(exprs: Trees) -> Trees:
    domains = node(ast.Range, exprs, exprs) | node(ast.SetLiteral, some(exprs)) | exprs
    return node(ast.Generator, IDENTIFIERS, domains)


def compound(exprs: Trees) -> Trees:
    maybe = st.none() | exprs
    slices = node(ast.Slice, maybe, maybe, maybe)
    return st.one_of(
        some(exprs, 2).map(partial(flat, ast.Sum)),
        some(exprs, 2).map(partial(flat, ast.Product)),
        st.builds(logical, st.sampled_from(ast.LogicalOperator), some(exprs, 2)),
        node(ast.BinaryOp, st.sampled_from(ast.BinaryOperator), exprs, exprs),
        node(ast.Compare, st.sampled_from(ast.Comparison), exprs, exprs),
        node(ast.Negate, exprs),
        node(ast.Not, exprs),
        node(ast.Transpose, exprs),
        node(ast.Index, exprs, some(exprs | slices, 1)),
        node(ast.Call, IDENTIFIERS, some(exprs)),
        node(ast.Comprehension, IDENTIFIERS, exprs, some(generators(exprs), 1, 2), maybe),
        some(exprs, 0, 2).map(array),
    )


@st.composite
def exprs(draw: st.DrawFn) -> ast.Expr:  # a composite keeps the strategies' own texts short
    tree: ast.Expr = draw(st.recursive(LEAVES, compound, max_leaves=12))
    return tree


EXPRS = exprs()
SHAPES = some(EXPRS, 0, 2)
INTERVALS = node(ast.Interval, EXPRS, EXPRS)
GRIDS = node(ast.Grid, INTERVALS, EXPRS)
FILES = node(ast.File, st.sampled_from(["a.csv", "dir/a.npz:key", "b.npy"]))
ARGUMENTS = node(ast.Argument, st.none() | IDENTIFIERS, EXPRS)
DOMAINS = st.one_of(
    node(ast.BinaryDomain),
    node(ast.SpinDomain),
    node(ast.IntDomain, INTERVALS, st.none() | st.sampled_from(ast.Encoding)),
    node(ast.RealDomain, GRIDS),
    node(ast.ChoiceDomain, some(IDENTIFIERS, 1)),
)


def constraints(signs: list[ast.Comparison], last: Trees) -> Trees:
    clauses = some(generators(EXPRS), 0, 2), st.none() | EXPRS, st.none() | EXPRS
    return node(ast.Constraint, IDENTIFIERS, some(IDENTIFIERS), EXPRS, st.sampled_from(signs), EXPRS, last, *clauses)


INEQUALITIES = [ast.Comparison.LE, ast.Comparison.GE]
CONSTRAINTS = constraints([ast.Comparison.EQ, ast.Comparison.NE, *INEQUALITIES], st.none()) | constraints(
    INEQUALITIES, EXPRS
)
STATEMENTS = st.one_of(
    node(ast.Data, IDENTIFIERS, st.sampled_from(ast.DataType), SHAPES, st.none() | FILES | EXPRS),
    node(ast.Var, IDENTIFIERS, DOMAINS, SHAPES),
    node(ast.Param, IDENTIFIERS, SHAPES, FILES | EXPRS, st.none() | GRIDS),
    node(ast.Let, IDENTIFIERS, EXPRS),
    node(ast.Where, IDENTIFIERS, EXPRS),
    node(ast.Anneal, IDENTIFIERS, some(ARGUMENTS)),
    node(ast.Train, IDENTIFIERS, some(ARGUMENTS)),
    node(ast.Linearize, IDENTIFIERS, some(ARGUMENTS)),
    node(ast.Sample, some(ARGUMENTS, 1)),
    node(ast.Approximate, IDENTIFIERS, EXPRS, st.none() | INTERVALS),
    CONSTRAINTS,
)
OBJECTIVES = node(ast.Objective, st.sampled_from(ast.Sense), EXPRS)
PROGRAMS = st.builds(
    lambda name, before, objective, after: ast.Program(name, (*before, *objective, *after), span=SPAN),
    IDENTIFIERS,
    some(STATEMENTS),
    some(OBJECTIVES, 0, 1),
    some(STATEMENTS),
)

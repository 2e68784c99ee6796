"""Models of other libraries as sources: dimod's, OMMX's, QUBO matrices and dictionaries.

A library is asked for only where one of its objects is given, which has imported it. Labels become symbols as in files.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.interchange.models import BadModel
from qevo_compiler.dialects.poly import Polynomials, Vartype, arithmetic
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.dialects.problem import Domain, Sense
from qevo_compiler.interchange.cqm import stated_problem
from qevo_compiler.interchange.inputs import InputFile
from qevo_compiler.interchange.problems import StatedProblem, labelled, plain_variable, quadratic
from qevo_compiler.interchange.registry import read_problem
from qevo_compiler.ir import Module
from qevo_compiler.source import Span

Floats = NDArray[np.float64]


def read_object(source: Any, span: Span | None) -> Module | None:
    """The module that another library's model states, at the stage `polynomial`; None for any other object.

    dimod's `BinaryQuadraticModel`, `ConstrainedQuadraticModel` and `BinaryPolynomial`; an OMMX `Instance`; a square
    matrix Q [n, n] of NumPy or SciPy, which states x'Qx over bits x; a dictionary from tuples of labels to
    coefficients of products of bits. `span` is where the user's program gives it. Raises `CompileError` where it
    cannot be compiled.
    """
    root = type(source).__module__.partition(".")[0]
    if root == "ommx" and hasattr(source, "to_bytes"):
        return read_problem(InputFile("instance.ommx", source.to_bytes()), "ommx")
    if root == "dimod":
        return _of_dimod(source, span)
    if root in ("numpy", "scipy") and getattr(source, "ndim", 0) == 2:
        return _module(_of_matrix(source, span), "qubo", span)
    if isinstance(source, dict):
        return _module(_of_products(source, Domain.BINARY, span, "a QUBO dictionary"), "qubo", span)
    return None


def _of_dimod(source: Any, span: Span | None) -> Module | None:
    dimod = sys.modules["dimod"]
    if isinstance(source, dimod.BinaryQuadraticModel):
        return _module(_of_bqm(source, span), "bqm", span)
    if isinstance(source, dimod.ConstrainedQuadraticModel):
        return _module(stated_problem(source, Sense.MINIMIZE, lambda name: span), "cqm", span)
    if isinstance(source, dimod.BinaryPolynomial):
        domain = Domain.SPIN if source.vartype.name == "SPIN" else Domain.BINARY
        # The members of a term are a set; in the order of their names no hash seed decides.
        terms = {tuple(sorted(term, key=_by_kind)): bias for term, bias in source.items()}
        return _of_products(dict(sorted(terms.items(), key=_by_labels)), domain, span, "a polynomial").named(
            "hubo", span
        )
    raise CompileError(BadModel(span, f"dimod's `{type(source).__name__}`", "this kind of model is not read"))


def _module(problem: StatedProblem, name: str, span: Span | None) -> Module:
    if not any(op.size for op in problem.variables):
        raise CompileError(BadModel(span, "this model", "it has no variables"))
    return problem.named(name, span)


def _by_kind(label: Any) -> tuple[str, Any]:
    return type(label).__name__, label if isinstance(label, (int, str)) else str(label)


def _by_labels(item: tuple[tuple[Any, ...], float]) -> tuple[int, list[tuple[str, Any]]]:
    return len(item[0]), [_by_kind(label) for label in item[0]]


def _of_bqm(model: Any, span: Span | None) -> StatedProblem:
    found = model.to_numpy_vectors(return_labels=True)
    linear, (rows, columns, values), offset, labels = found
    spin = model.vartype.name == "SPIN"
    domain = Domain.SPIN if spin else Domain.BINARY
    coefficients = _finite(np.concatenate([linear, values]).astype(np.float64), span, "a binary quadratic model")
    variables, order = labelled(domain, list(labels), "s" if spin else "x")
    single = np.arange(len(linear))
    first, second = (np.concatenate([single, part]) for part in (rows, columns))
    if order is not None:
        first, second = order[first], order[second]
    return StatedProblem(variables, quadratic(float(offset), first, second, coefficients, domain))


def _of_matrix(matrix: Any, span: Span | None) -> StatedProblem:
    what = "a QUBO matrix"
    if matrix.shape[0] != matrix.shape[1]:
        raise CompileError(BadModel(span, what, f"it has the shape {tuple(matrix.shape)} and is not square"))
    if matrix.dtype.kind not in "buif":
        raise CompileError(BadModel(span, what, f"its entries are of type {matrix.dtype}"))
    if isinstance(matrix, np.ndarray):
        rows, columns = np.nonzero(matrix)
        values = matrix[rows, columns]
    else:
        entries = matrix.tocoo()
        rows, columns, values = entries.row, entries.col, entries.data
    coefficients = _finite(values.astype(np.float64), span, what)
    variables = (plain_variable("x", Domain.BINARY, (matrix.shape[0],)),)
    return StatedProblem(variables, quadratic(0.0, rows, columns, coefficients, Domain.BINARY))


def _of_products(terms: Mapping[tuple[Any, ...], Any], domain: Domain, span: Span | None, what: str) -> StatedProblem:
    """Coefficients by the tuple of labels that are multiplied; the empty tuple is the constant."""
    if not all(isinstance(key, tuple) for key in terms):
        raise CompileError(BadModel(span, what, "its keys are not all tuples of labels"))
    numbers: dict[Any, int] = {}
    by_degree: dict[int, tuple[list[int], list[Any]]] = {}
    for key, value in terms.items():
        names, values = by_degree.setdefault(len(key), ([], []))
        names += [numbers.setdefault(label, len(numbers)) for label in key]
        values.append(value)
    variables, order = labelled(domain, list(numbers), "s" if domain is Domain.SPIN else "x")
    blocks = []
    for degree, (names, values) in by_degree.items():
        try:
            coefficients = _finite(np.array(values, np.float64), span, what)
        except (TypeError, ValueError):
            raise CompileError(BadModel(span, what, "its values are not all numbers")) from None
        members = np.array(names, np.int64).reshape(len(values), degree)
        members = members if order is None else order[members]
        blocks.append((np.zeros(len(values), np.int64), members, coefficients))
    vartype = Vartype.SPIN if domain is Domain.SPIN else Vartype.BINARY
    with np.errstate(all="ignore"):
        objective: Polynomials = arithmetic.reduce_powers(pack(1, blocks), vartype)
    return StatedProblem(variables, objective)


def _finite(values: Floats, span: Span | None, what: str) -> Floats:
    if not np.isfinite(values).all():
        raise CompileError(BadModel(span, what, "it has a coefficient that is not finite"))
    return values

"""Objective and constraints over variables, restated over the bits of their codes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.dialects import anneal, poly
from qevo_compiler.dialects.poly import AffineMap, Polynomials, Vartype, arithmetic
from qevo_compiler.dialects.poly.counting import holds_counting
from qevo_compiler.dialects.poly.polynomials import pack
from qevo_compiler.ir import Array, Op
from qevo_compiler.passes.encoding.codes import (
    Code,
    Integers,
)
from qevo_compiler.passes.penalty.rounding_dust import magnitude, map_magnitude, without_dust


class BitWriter:
    """Rewrites polynomials over variables into polynomials over bits."""

    def __init__(self, codes: list[Code], firsts: Integers, vartype: Vartype) -> None:
        self._vartype = vartype
        self._affine = _whole_map(codes, firsts)
        self._same = _is_identity(self._affine)
        self._groups = _labels([code.group for code in codes], [code.count for code in codes])
        self._walls = _labels([code.wall for code in codes], [code.count for code in codes])

    def rewrite(self, op: Op) -> Op | None:
        """The op over bits, the same object where nothing changes; None for what ends with the variables."""
        match op:
            case poly.ObjectiveOp():
                polynomial = self.over_bits(op.polynomial)
                return op if polynomial is op.polynomial else replace(op, polynomial=polynomial)
            case poly.ConstraintOp():
                body = self.over_bits(op.body)
                return op if body is op.body else replace(op, body=body)
            case anneal.RequestOp() | anneal.SampleOp():
                return op
        return None

    def over_bits(self, p: Polynomials) -> Polynomials:
        if self._same:
            return self._reduced(p)
        sizes = self._reduced(arithmetic.substitute(magnitude(p), map_magnitude(self._affine)))
        return without_dust(self._reduced(arithmetic.substitute(p, self._affine)), sizes)

    def _reduced(self, p: Polynomials) -> Polynomials:
        return self._valid_only(arithmetic.reduce_powers(p, self._vartype))

    def _valid_only(self, p: Polynomials) -> Polynomials:
        """Use what valid codes satisfy: two bits of a one-hot group never meet, and in a wall d_j d_k = d_k for j < k.

        Powers of a coded integer thereby stay of degree 1 (one-hot) or lose products (domain wall).
        """
        if p.degree < 2 or (self._groups is None and self._walls is None):
            return p
        blocks = []
        for block in p.terms:
            row, names, coefficients = block.row.values, block.variables.values, block.coefficients.values
            if self._groups is not None and block.degree > 1:
                keep = ~_neighbours_alike(self._groups, names).any(axis=1)
                row, names, coefficients = row[keep], names[keep], coefficients[keep]
            if self._walls is not None and block.degree > 1:
                names = _last_of_wall(self._walls, names)
            blocks.append((row, names, coefficients))
        return arithmetic.reduce_powers(pack(p.rows, blocks), self._vartype)


def _whole_map(codes: list[Code], firsts: Integers) -> AffineMap:
    """The maps of all variables as one, over bits numbered from the module's start."""
    affine = AffineMap.concatenate([code.polynomial for code in codes])
    if len(codes) == 1 and firsts[0] == 0:
        return affine
    shifts = np.repeat(firsts[:-1], [code.polynomial.bits.size for code in codes])
    return replace(affine, bits=Array((affine.bits.values + shifts).astype(np.int32)))


def _is_identity(affine: AffineMap) -> bool:
    """Whether variable i is bit i, as for plain binaries and spins."""
    if not affine.size:
        return True
    return (
        affine.bits.size == affine.size
        and affine.offsets.least == affine.offsets.most == 0
        and affine.weights.least == affine.weights.most == 1
        and holds_counting(affine.starts)
        and holds_counting(affine.bits)
    )


def _labels(parts: list[Integers | None], counts: list[int]) -> Integers | None:
    """Labels of all bits, distinct between variables; -1 for bits without; None when no bit has one."""
    if all(part is None for part in parts):
        return None
    labels, start = [], 0
    for part, count in zip(parts, counts, strict=True):
        labels.append(np.full(count, -1) if part is None else part + start)
        start += 0 if part is None else int(part.max(initial=-1)) + 1
    return np.concatenate(labels)


def _neighbours_alike(labels: Integers, names: NDArray[np.int32]) -> NDArray[np.bool_]:
    # Bits of one label are numbered in a row, so equal labels stand side by side in a sorted term.
    found = labels[names]
    alike: NDArray[np.bool_] = (found[:, 1:] == found[:, :-1]) & (found[:, 1:] >= 0)
    return alike


def _last_of_wall(labels: Integers, names: NDArray[np.int32]) -> NDArray[np.int32]:
    names = names.copy()
    alike = _neighbours_alike(labels, names)
    for column in range(names.shape[1] - 2, -1, -1):
        here = alike[:, column]
        names[here, column] = names[here, column + 1]
    return names

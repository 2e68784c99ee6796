"""Squares written out directly are those of the general product, in canonical form; all else is left to it."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler.dialects.poly import expansion
from qevo_compiler.dialects.poly.algebra import Algebra
from qevo_compiler.dialects.poly.expansion import Expansion
from qevo_compiler.dialects.poly.polynomials import canonical
from qevo_compiler.evaluator.terms import term_kernels
from qevo_compiler.passes.expanding.affine_square import square_of_row


def algebra(count: int, kind: str) -> Algebra:
    choice = np.full(count, -1, np.int32)
    if kind == "choice":
        choice[:2] = 0
    some = np.arange(count) % 2 == 0
    binary = {"binary": ~np.zeros(count, bool), "mixed": some, "choice": ~np.zeros(count, bool)}
    flags = binary.get(kind, np.zeros(count, bool))
    return Algebra(flags, ~flags if kind in ("spin", "mixed") else np.zeros(count, bool), choice)


def affine(rng: np.random.Generator, count: int, rules: Algebra, constant: float) -> Expansion:
    parts = expansion.scale(expansion.variables(0, count), rng.integers(-4, 5, count).astype(float))
    whole = expansion.add(expansion.regroup(parts, np.zeros(count, np.int32), 1), expansion.constants([constant]))
    return rules.merged(whole)


@pytest.mark.parametrize("worth", [0, 1 << 15], ids=["compiled", "numpy"])
@pytest.mark.parametrize("kind", ["binary", "spin"])
def test_it_is_the_general_square(kind: str, worth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(term_kernels, "FEW", worth)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        count = int(rng.integers(1, 9))
        rules = algebra(count, kind)
        x = affine(rng, count, rules, float(rng.integers(-3, 4)))
        found = square_of_row(x, rules)
        if found is None:
            assert all(part.names.shape[1] == 0 for part in x.parts)
            continue
        direct = rules.polynomials(found)
        assert direct == rules.polynomials(rules.square(x))
        assert direct == canonical(direct)


@pytest.mark.parametrize("kind", ["mixed", "choice", "real"])
def test_other_variables_take_the_general_way(kind: str) -> None:
    rules = algebra(6, kind)
    x = rules.merged(expansion.regroup(expansion.variables(0, 6), np.zeros(6, np.int32), 1))
    assert square_of_row(x, rules) is None


def test_several_rows_and_unmerged_ones_take_the_general_way() -> None:
    rules = algebra(4, "binary")
    assert square_of_row(rules.merged(expansion.variables(0, 4)), rules) is None
    assert square_of_row(expansion.regroup(expansion.variables(0, 4), np.zeros(4, np.int32), 1), rules) is None

"""The packed arithmetic: laws of a commutative ring, canonical form, and sympy as an independent oracle."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from qevo_compiler.dialects.poly import AffineMap, Polynomials, Vartype, arithmetic
from qevo_compiler.dialects.poly.polynomials import canonical, pack
from qevo_compiler.ir import Array

NAMES = 5
SYMBOLS = sympy.symbols(f"x:{NAMES}")
ROWS = 3


@st.composite
def families(draw, rows=ROWS):
    """`rows` polynomials with small integer coefficients, so that all arithmetic is exact."""
    blocks = []
    for degree in range(4):
        count = draw(st.integers(0, 5))
        if count:
            row = draw(st.lists(st.integers(0, rows - 1), min_size=count, max_size=count))
            names = draw(st.lists(st.integers(0, NAMES - 1), min_size=count * degree, max_size=count * degree))
            weights = draw(st.lists(st.integers(-3, 3), min_size=count, max_size=count))
            shape = np.array(names, np.int32).reshape(count, degree)
            blocks.append((np.array(row, np.int32), shape, np.array(weights, float)))
    return pack(rows, blocks)


def to_sympy(p: Polynomials):
    found = [sympy.Integer(0)] * p.rows
    for block in p.terms:
        for row, names, weight in zip(block.row.values, block.variables.values, block.coefficients.values, strict=True):
            found[row] += int(weight) * sympy.Mul(*(SYMBOLS[name] for name in names))
    return found


def same(p: Polynomials, wanted) -> bool:
    return all(sympy.expand(a - b) == 0 for a, b in zip(to_sympy(p), wanted, strict=True))


def is_canonical(p: Polynomials) -> bool:
    degrees = [block.degree for block in p.terms]
    if degrees != sorted(set(degrees)):
        return False
    for block in p.terms:
        keys = [(r, *n) for r, n in zip(block.row.values.tolist(), block.variables.values.tolist(), strict=True)]
        rising = all(list(key[1:]) == sorted(key[1:]) for key in keys)
        if not (rising and keys == sorted(set(keys)) and keys and block.coefficients.values.all()):
            return False
    return canonical(p) == p


@settings(max_examples=60, deadline=None)
@given(families(), families(), families())
def test_ring_laws(p, q, r):
    add, multiply = arithmetic.add, arithmetic.multiply
    assert add(p, q) == add(q, p)
    assert add(add(p, q), r) == add(p, add(q, r)) == add(p, q, r)
    assert multiply(p, q) == multiply(q, p)
    assert multiply(multiply(p, q), r) == multiply(p, multiply(q, r))
    assert multiply(p, add(q, r)) == add(multiply(p, q), multiply(p, r))
    assert add(p, arithmetic.scale(p, -1.0)) == pack(ROWS, [])
    assert multiply(p, arithmetic.constants(np.ones(ROWS))) == p
    assert arithmetic.power(p, 2) == multiply(p, p)
    assert all(map(is_canonical, (p, add(p, q), multiply(p, q))))


@settings(max_examples=40, deadline=None)
@given(families(), families(), st.integers(0, 3))
def test_sympy_agrees(p, q, exponent):
    a, b = to_sympy(p), to_sympy(q)
    assert same(arithmetic.multiply(p, q), [x * y for x, y in zip(a, b, strict=True)])
    assert same(arithmetic.power(p, exponent), [x**exponent for x in a])
    assert same(arithmetic.scale(p, np.array([2.0, 0.0, -1.0])), [2 * a[0], 0, -a[2]])
    assert same(arithmetic.select(p, np.array([2, -1, 0, 2])), [a[2], 0, a[0], a[2]])
    assert same(arithmetic.sum_rows(p, np.array([1, -1, 1]), 2), [0, a[0] + a[2]])
    assert same(arithmetic.total(p), [sum(a)])
    assert same(arithmetic.stack([p, q]), [*a, *b])


@settings(max_examples=40, deadline=None)
@given(families(), st.lists(st.integers(-2, 2), min_size=2 * NAMES, max_size=2 * NAMES))
def test_substitution_agrees_with_sympy(p, numbers):
    """Variable i becomes offset_i + weight_i x_i + x_0; a form with offset 0 and one without terms occur too."""
    offsets = np.array(numbers[:NAMES], float)
    weights = np.array(numbers[NAMES:], float)
    starts = np.array([0, 0, *np.cumsum([2] * (NAMES - 1))])
    bits = np.array([[i, 0] for i in range(1, NAMES)], np.int32).reshape(-1)
    parts = np.stack([weights[1:], np.ones(NAMES - 1)], axis=1).reshape(-1)
    affine = AffineMap(Array(offsets), Array(starts), Array(bits), Array(parts))
    forms = [int(offsets[0])] + [int(offsets[i]) + int(weights[i]) * SYMBOLS[i] + SYMBOLS[0] for i in range(1, NAMES)]
    replaced = dict(zip(SYMBOLS, forms, strict=True))
    assert same(
        arithmetic.substitute(p, affine), [sympy.sympify(x).subs(replaced, simultaneous=True) for x in to_sympy(p)]
    )
    point = np.arange(NAMES) - 1.0
    want = [float(sympy.sympify(f).subs(dict(zip(SYMBOLS, point, strict=True)))) for f in forms]
    assert affine.evaluate(point).tolist() == want


@pytest.mark.parametrize(("vartype", "values"), [(Vartype.BINARY, (0, 1)), (Vartype.SPIN, (-1, 1))])
@settings(max_examples=40, deadline=None)
@given(families(), st.integers(0, 2**NAMES - 1))
def test_reduced_powers_keep_the_values(vartype, values, p, code):
    reduced = arithmetic.reduce_powers(p, vartype)
    assert is_canonical(reduced)
    for block in reduced.terms:
        assert (np.diff(block.variables.values, axis=1) > 0).all()
    point = np.array([values[code >> k & 1] for k in range(NAMES)], float)
    assert arithmetic.evaluate(reduced, point).tolist() == arithmetic.evaluate(p, point).tolist()


@settings(max_examples=60, deadline=None)
@given(families(), st.integers(0, 10**6))
def test_values_and_bounds(p, seed):
    rng = np.random.default_rng(seed)
    lower = rng.integers(-2, 2, NAMES).astype(float)
    upper = lower + rng.integers(0, 3, NAMES)
    points = rng.uniform(lower, upper, (7, NAMES))
    points[0], points[1] = lower, upper
    values = arithmetic.evaluate(p, points)
    for point, row in zip(points, values, strict=True):
        want = [float(sympy.sympify(x).subs(dict(zip(SYMBOLS, point.tolist(), strict=True)))) for x in to_sympy(p)]
        np.testing.assert_allclose(row, want, atol=1e-9)
    low, high = arithmetic.bounds(p, lower, upper)
    assert (values >= low - 1e-9).all()
    assert (values <= high + 1e-9).all()


def random_blocks(rng, largest, degree, count):
    row = rng.integers(0, 4, count).astype(np.int32)
    return row, rng.integers(0, largest, (count, degree)).astype(np.int32), rng.integers(-4, 5, count).astype(float)


@pytest.mark.parametrize(("largest", "degree"), [(9, 2), (9, 0), (2**20, 2), (2**27, 2), (2**30, 3)])
def test_every_way_of_sorting_merges_alike(largest, degree):
    """Keys that fit with their position, keys that fit alone, and tuples that fit in no integer."""
    rng = np.random.default_rng(7)
    row, names, weights = random_blocks(rng, largest, degree, 500)
    names[250:] = names[:250][:, ::-1]
    row[250:] = row[:250]
    wanted = {}
    for r, n, w in zip(row.tolist(), names.tolist(), weights.tolist(), strict=True):
        key = (r, *sorted(n))
        wanted[key] = wanted.get(key, 0.0) + w
    p = pack(4, [(row, names, weights)])
    assert is_canonical(p)
    found = {
        (r, *n): w
        for block in p.terms
        for r, n, w in zip(
            block.row.values.tolist(), block.variables.values.tolist(), block.coefficients.values.tolist(), strict=True
        )
    }
    assert found == {key: w for key, w in sorted(wanted.items()) if w}

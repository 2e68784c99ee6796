"""Make polynomials over bits quadratic with auxiliary bits.

`monomials.py` holds packed monomials, `costs.py` what they cost alone, `sharing.py` takes common parts out of those
of degree 5 and more, `cover.py` chooses among the ways to write the rest, `draft.py` collects auxiliaries and
terms, `gadgets.py` has the formulas.
"""

"""Make polynomials over bits quadratic with auxiliary bits.

`monomials.py` holds packed monomials, `costs.py` what they cost alone, `sharing.py` takes common parts out of those
of degree 5 and more, `cover.py` chooses among the ways to write the rest, `slots.py` numbers the sets of bits that
these ways share, `draft.py` collects auxiliaries and terms, `gadgets.py` has the formulas, `sums.py` adds the terms.
"""

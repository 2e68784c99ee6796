"""Tensor expressions of decision variables as polynomials: the way of `expand-polynomials` and `step-map`."""

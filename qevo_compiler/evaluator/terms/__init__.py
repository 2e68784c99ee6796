"""Kernels over the terms of quadratic energies: write, collect, merge, and sum or rename their couplings."""

"""Curvature of a loss from products with its Hessian: spectra, shares, periods for re-uploads, live weights."""

from qevo_compiler.analyses.hessian.lanczos import Spectrum, lanczos, stochastic_lanczos
from qevo_compiler.analyses.hessian.masks import magnitude_mask

__all__ = ["Spectrum", "lanczos", "magnitude_mask", "stochastic_lanczos"]

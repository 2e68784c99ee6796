"""How variables are written in bits, for `encode-variables`: codes, and polynomials over them."""

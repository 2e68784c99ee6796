"""What `penalize-constraints` is made of: rows, proved weights, energies, limits of floating point."""

"""Discrete Carleman lifting of polynomial step maps: assembly, certificates, the history system, optimizers."""

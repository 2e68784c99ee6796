"""Circuits of the quantum linear-system route: state preparation, block encodings, solvers and read-out.

Plain numpy and scipy inputs, `Fragment`s of gates out; `linear_system.linear_system_circuit` takes (L, b) to
a circuit. Qubit 0 is the most significant bit of a basis index everywhere.
"""

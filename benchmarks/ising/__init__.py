"""Expression to QUBO: our compiler against dimod, Amplify, PyQUBO and OMMX. `python -m benchmarks.ising`."""

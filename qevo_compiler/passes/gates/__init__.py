"""What the circuit passes share: exact decompositions, merging, colouring and placement."""

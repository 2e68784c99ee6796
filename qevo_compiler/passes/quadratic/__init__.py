"""The parts of the local quadratic model: which weights, their curvature, their steps, the polynomial."""

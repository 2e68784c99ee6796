import numpy as np


def prepare(monkeypatch):
    np.savez("graph.npz", edge=np.array([[0, 1], [1, 2]]), weights=np.array([0.5, 1.5]))

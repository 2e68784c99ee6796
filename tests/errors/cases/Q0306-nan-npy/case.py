import numpy as np


def prepare(monkeypatch):
    np.save("w.npy", np.array([1.5, np.inf, 2.5]))

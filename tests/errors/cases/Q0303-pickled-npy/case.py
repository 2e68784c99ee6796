import numpy as np


def prepare(monkeypatch):
    np.save("w.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)

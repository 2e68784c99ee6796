import numpy as np

from qevo_compiler.frontend.torch.load import load_model_file
from qevo_compiler.frontend.torch.state import evaluate_model


def run():
    evaluate_model(load_model_file("net.py"), {"wieght": np.zeros((2, 3))})

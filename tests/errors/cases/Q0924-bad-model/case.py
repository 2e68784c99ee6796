import numpy as np

from qevo_compiler import compile


def run():
    compile(np.ones((2, 3)))

from pathlib import Path

import numpy as np

from qevo_compiler.dialects.problem import Domain, VariableOp
from qevo_compiler.ir import Array, Builder, Module, print_module


def prepare(monkeypatch):
    builder = Builder()
    builder.append(VariableOp("k", Domain.INTEGER, (), Array(np.array(0.2)), Array(np.array(0.8))))
    Path("bad.qir").write_text(print_module(Module("bad", (builder.finish(),))))

"""PyTorch models: running a model file, importing the exported program, writing weights back.

This is the only folder of the compiler proper that imports torch. Importing it where torch is not
installed raises the diagnostic that names the extra.
"""

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.sources import MissingExtra

try:
    import torch  # noqa: F401
except ImportError:
    raise CompileError(MissingExtra(None, "a PyTorch model", "torch", "torch")) from None

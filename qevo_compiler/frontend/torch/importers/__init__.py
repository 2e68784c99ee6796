"""The importers by family of operations; importing this package registers them all."""

from qevo_compiler.frontend.torch.importers import elementwise, layers, layout, matrices, reductions

__all__ = ["elementwise", "layers", "layout", "matrices", "reductions"]

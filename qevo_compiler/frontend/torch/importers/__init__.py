"""The importers by family of operations; importing this package registers them all."""

from qevo_compiler.frontend.torch.importers import choices, elementwise, layers, layout, matrices, reductions

__all__ = ["choices", "elementwise", "layers", "layout", "matrices", "reductions"]

"""Matrix products. A product with a transposed weight is a linear layer and stays one."""

from __future__ import annotations

from qevo_compiler.dialects import nn
from qevo_compiler.frontend.torch.scope import Operand, Scope, imports, shape
from qevo_compiler.ir import Value


@imports("linear.default")
def _linear(scope: Scope, x: Operand, weight: Operand, bias: Operand | None = None) -> Value:
    if len(shape(weight)) == 1:
        product = scope.sum(scope.times(x, weight), [-1])
        return product if bias is None else scope.plus(product, bias)
    known = None if bias is None else scope.value(bias)
    return scope.add(nn.LinearOp(scope.value(x), scope.value(weight), known))


@imports("mm.default", "bmm.default", "matmul.default")
def _product(scope: Scope, x: Operand, y: Operand) -> Value:
    weight = _turned_weight(scope, y)
    if weight is not None:
        return scope.add(nn.LinearOp(scope.value(x), weight, None))
    return scope.add(nn.MatmulOp(scope.value(x), scope.value(y)))


@imports("addmm.default", "baddbmm.default")
def _affine(scope: Scope, bias: Operand, x: Operand, y: Operand, beta: float = 1, alpha: float = 1) -> Value:
    weight = _turned_weight(scope, y)
    if weight is not None and beta == alpha == 1 and shape(bias) == (shape(y)[1],):
        return scope.add(nn.LinearOp(scope.value(x), weight, scope.value(bias)))
    return scope.plus(scope.times(_product(scope, x, y), alpha), scope.times(bias, beta))


@imports("mv.default")
def _matrix_vector(scope: Scope, x: Operand, y: Operand) -> Value:
    return scope.reshape(_product(scope, x, scope.reshape(y, (*shape(y), 1))), shape(x)[:1])


@imports("dot.default")
def _dot(scope: Scope, x: Operand, y: Operand) -> Value:
    return scope.sum(scope.times(x, y))


def _turned_weight(scope: Scope, y: Operand) -> Value | None:
    """The parameter W if y is its transpose."""
    if not isinstance(y, Value):
        return None
    turned = scope.definition(y)
    if not isinstance(turned, nn.TransposeOp) or turned.axes != (1, 0):
        return None
    return turned.x if isinstance(scope.definition(turned.x), nn.ParameterOp) else None

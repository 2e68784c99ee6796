import numpy as np
import pytest

from qevo_compiler.dialects import nn, problem
from qevo_compiler.evaluator.reference import evaluate_func
from qevo_compiler.ir import Array, Builder, Module
from qevo_compiler.passes.decompose_layers import DecomposeLayers
from qevo_compiler.passes.pipeline import Pipeline

RNG = np.random.default_rng(4)


def constant(builder, *shape):
    return builder.add(nn.ConstantOp(Array(RNG.normal(size=shape))))


def linear(builder, *leading, bias=True):
    x, weight = constant(builder, *leading, 4), constant(builder, 3, 4)
    return nn.LinearOp(x, weight, constant(builder, 3) if bias else None)


def conv2d(builder, groups, bias=True):
    x, weight = constant(builder, 2, 4, 6, 5), constant(builder, 6, 4 // groups, 3, 2)
    return nn.Conv2dOp(x, weight, constant(builder, 6) if bias else None, (2, 1), (1, 2), (1, 2), groups)


def batch_norm(builder, *, affine=True):
    scale, shift = (constant(builder, 4), constant(builder, 4)) if affine else (None, None)
    variance = builder.add(nn.ConstantOp(Array(RNG.random(4))))
    return nn.BatchNormOp(constant(builder, 2, 4, 3, 3), scale, shift, constant(builder, 4), variance, 1e-4)


LAYERS = {
    "linear": lambda b: linear(b, 5),
    "linear of a vector": lambda b: linear(b, bias=False),
    "linear with leading axes": lambda b: linear(b, 2, 3),
    "conv2d": lambda b: conv2d(b, 1),
    "conv2d in groups": lambda b: conv2d(b, 2, bias=False),
    "depthwise": lambda b: nn.Conv2dOp(constant(b, 1, 3, 4, 4), constant(b, 3, 1, 2, 2), None, groups=3),
    "average pool": lambda b: nn.AveragePool2dOp(constant(b, 2, 3, 6, 5), (3, 2), (2, 1), (1, 0)),
    "batch norm": batch_norm,
    "batch norm without affine": lambda b: batch_norm(b, affine=False),
}


@pytest.mark.parametrize("name", list(LAYERS))
def test_layers_keep_their_meaning(name):
    builder = Builder()
    result = builder.add(LAYERS[name](builder))
    builder.append(nn.OutputOp(result))
    module = Module("m", (builder.finish(result),))
    lowered = Pipeline((DecomposeLayers(),)).run(module)
    assert nn.LAYERS.isdisjoint({type(op) for op in lowered.main.ops})
    np.testing.assert_allclose(
        evaluate_func(lowered.main).returns[0], evaluate_func(module.main).returns[0], atol=1e-12
    )
    assert lowered.func("loss").ops == module.main.ops
    assert DecomposeLayers().run(lowered) is lowered


def test_a_problem_without_layers_is_the_same_object():
    builder = Builder()
    builder.append(problem.ObjectiveOp(builder.add(problem.VariableOp("x", problem.Domain.BINARY, ()))))
    module = Module("m", (builder.finish(),))
    assert DecomposeLayers().run(module) is module

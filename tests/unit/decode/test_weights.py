"""Decoded weights back in the model: torch's own loss at them is what the quadratic model promised."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import qevo_compiler
from qevo_compiler import CompiledProgram, CompileError


def batch(width: int) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(3)
    return torch.randn(24, width), torch.randn(24, 2)


def linear_net() -> tuple[nn.Module, CompiledProgram]:
    """A net linear in its weights: the local quadratic model is its loss, exactly."""
    inputs, targets = batch(4)
    model = nn.Linear(4, 2)
    return model, qevo_compiler.compile(model, inputs, targets, nn.MSELoss())


def test_the_loss_at_the_decoded_weights_is_the_objective() -> None:
    model, program = linear_net()
    inputs, targets = batch(4)
    for solution in program.run(reads=5, seed=1).solutions:
        model.load_state_dict(program.state_dict(solution, model.state_dict()))
        assert nn.MSELoss()(model(inputs), targets).item() == pytest.approx(solution.objective, rel=1e-5)


def test_undecided_weights_tied_names_and_types_stay() -> None:
    torch.manual_seed(0)
    first, second = nn.Linear(12, 12), nn.Linear(12, 12)
    second.weight = first.weight
    model = nn.Sequential(first, nn.Tanh(), second, nn.Linear(12, 2), nn.BatchNorm1d(2)).eval()
    program = qevo_compiler.compile(model, *batch(12), nn.MSELoss())
    solution = program.run(reads=2, seed=0).best
    before = model.state_dict()
    after = program.state_dict(solution, before)
    assert list(after) == list(before)
    assert all(after[name].dtype is before[name].dtype for name in before)
    assert torch.equal(after["0.weight"], after["2.weight"])
    changed = sum(int((after[name] != before[name]).sum()) for name in before if name != "2.weight")
    assert changed == sum(np.size(value) for value in solution.values.values()) == 128
    (register,) = (register for register in program.provenance if register.symbol == "0.weight")
    decided = after["0.weight"].reshape(-1)[torch.tensor(register.positions.values.tolist())]
    assert np.allclose(decided.numpy(), solution.values["0.weight"], atol=1e-6)
    model.load_state_dict(after)


def test_arrays_by_name_and_states_of_another_model() -> None:
    _, program = linear_net()
    solution = program.run(reads=1, seed=0).best
    state = {"weight": np.zeros((2, 4)), "bias": np.zeros(2, np.float32)}
    after = program.state_dict(solution, state)
    assert np.allclose(after["weight"].reshape(-1), solution.values["weight"])
    assert after["bias"].dtype == np.float32
    assert not state["weight"].any()
    with pytest.raises(KeyError):
        program.state_dict(solution, {})
    with pytest.raises(ValueError, match="has the shape"):
        program.state_dict(solution, {**state, "weight": np.zeros((4, 2))})


def test_a_partly_decided_weight_is_explained_by_its_own_shape() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 24, bias=False), nn.Tanh(), nn.Linear(24, 2, bias=False))
    program = qevo_compiler.compile(model, *batch(12), nn.MSELoss())
    (register,) = (register for register in program.provenance if register.symbol == "0.weight")
    count = register.count
    assert program.explain("0.weight") == [
        f"0.weight[24, 12]: real, log encoded, {count} of 288 elements decided, s0..s{count - 1}"
    ]
    fixed = sorted(set(range(288)) - set(register.positions.values.tolist()))[0]
    with pytest.raises(CompileError) as caught:
        program.explain(f"0.weight[{fixed // 12}, {fixed % 12}]")
    assert f"it is held fixed: {count} of the 288 elements of `0.weight` are decided" in str(caught.value)
    with pytest.raises(CompileError, match="has the shape \\[24, 12\\], counted from 0"):
        program.explain("0.weight[24, 0]")

"""What a module says numerically at any stage: tensors, polynomials, bits, spins, circuits and linear systems.

`evaluate_module` answers for the most lowered thing that a func holds:

    circuit               the probability of every outcome, likeliest first
    history system, lift  the trajectory of the lifted dynamics
    step map              the optimizer's own trajectory
    spin or bit model     energies of given states
    tensors, polynomials  objective, constraint bodies and outputs at given values

Everything but tensors runs on the compiled kernels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.backends.statevector import probabilities
from qevo_compiler.decode.decoder import model_energies
from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.sources import BadArgument
from qevo_compiler.dialects import ising, linear, nn, poly, problem
from qevo_compiler.dialects.gate import CircuitOp
from qevo_compiler.dialects.ising import ProductsOp
from qevo_compiler.dialects.nn.ops import shape_of
from qevo_compiler.dialects.poly import Polynomials, Vartype
from qevo_compiler.evaluator.annealing import PolynomialModel, polynomial_energies
from qevo_compiler.evaluator.reference import evaluate_func
from qevo_compiler.ir import Func, Module

Inputs = Mapping[str, NDArray[Any]]

# Outcomes of a circuit that are listed, and the probability below which one is not.
_LISTED = 4096
_UNLIKELY = 1e-12


def evaluate_module(module: Module, inputs: Inputs, func: str = "main") -> dict[str, Any]:
    """The values of a func as a JSON object. `inputs` has values by symbol; for models, states as `spins` or `bits`.

    Raises `CompileError` for values and states that are missing or do not fit, and for a func that there is not.
    """
    chosen = module.find(func)
    if chosen is None:
        raise CompileError(BadArgument(None, f"--func {func}", f"--func {module.main.name}"))
    circuit = chosen.first(CircuitOp)
    if circuit is not None:
        return _circuit(circuit)
    if chosen.first(linear.LiftOp) is not None or chosen.first(linear.MapOp) is not None:
        return _trajectory(chosen)
    registers = chosen.ops_of(ising.RegisterOp)
    model = chosen.first(ising.ModelOp) or chosen.first(ising.QuboOp)
    if model is not None or registers:
        return {"energies": _energies(chosen, model, registers, inputs).tolist()}
    return _values(chosen, inputs)


def _values(func: Func, inputs: Inputs) -> dict[str, Any]:
    _check_values(func, inputs)
    found = evaluate_func(func, variables=inputs, parameters=inputs)
    constraints = {name: body.tolist() for name, body in found.constraints.items()}
    outputs = [output.tolist() for output in (*found.outputs, *found.returns)]
    return {"objective": found.objective, "constraints": constraints, "outputs": outputs}


def _check_values(func: Func, inputs: Inputs) -> None:
    """Raise `CompileError` for a symbol that the func does not have, and a value that is missing or does not fit."""
    shapes = {op.symbol: [op.shape, shape_of(op.result)] for op in func.ops_of(problem.VariableOp)}
    stored = {op.symbol: [shape_of(op.result)] for op in func.ops_of(nn.ParameterOp)}
    known = {**stored, **shapes}
    wrong = [name for name in inputs if name not in known or inputs[name].shape not in known[name]]
    wrong += [name for name in shapes if name not in inputs and name not in stored]
    if wrong:
        listed = ", ".join(f'"{name}": {_form(of_shape[0])}' for name, of_shape in known.items())
        raise CompileError(BadArgument(None, f"--inputs: {wrong[0]}", f"{{{listed}}}"))


def _form(shape: tuple[int, ...]) -> str:
    return f"array of shape [{', '.join(map(str, shape))}]" if shape else "number"


def _circuit(circuit: CircuitOp) -> dict[str, Any]:
    chances = probabilities(circuit)
    width = len(circuit.measured)
    order = np.argsort(-chances, kind="stable")[:_LISTED]
    listed = order[chances[order] > _UNLIKELY].tolist()
    return {"probabilities": {f"{k:0{width}b}" if width else "": float(chances[k]) for k in listed}}


def _trajectory(func: Func) -> dict[str, Any]:
    """States x(t) of the optimizer, and those that the lift gives, in the coordinates of x."""
    from qevo_compiler.analyses.carleman.aposteriori import iterate
    from qevo_compiler.analyses.carleman.lift import lift_of_op, propagate

    found: dict[str, Any] = {}
    steps, op = func.first(linear.MapOp), func.first(linear.LiftOp)
    pivot = np.zeros(0)
    if steps is not None:
        pivot = steps.pivot.values
        found["symbols"] = list(steps.symbols)
        found["optimizer"] = (iterate(steps.map, steps.start.values - pivot) + pivot).tolist()
    if op is not None:
        history = propagate(lift_of_op(op), op.initial.values, op.steps)
        first = op.monomials.values
        rows = np.flatnonzero((first[:, 0] >= 0) & (first[:, 1:] < 0).all(axis=1))
        shift = pivot[first[rows, 0]] if len(pivot) else 0.0
        found["lifted"] = (history[:, rows] + shift).tolist()
    return found


def _energies(
    func: Func, model: ising.ModelOp | ising.QuboOp | None, registers: tuple[ising.RegisterOp, ...], inputs: Inputs
) -> NDArray[np.float64]:
    products = func.first(ProductsOp)
    if isinstance(model, ising.ModelOp):
        return model_energies(model, _states(inputs, "spins", model.size), products)
    if isinstance(model, ising.QuboOp):
        first, pairs = _linear(model.linear.values), np.stack([model.rows.values, model.columns.values], axis=1)
        terms = [first, (np.zeros(len(pairs), np.int32), pairs, model.quadratic.values)]
        polynomial = poly.polynomials.pack(1, [*terms, _constant(model.offset)])
        if products is not None:
            polynomial = poly.arithmetic.add(polynomial, products.energy)
        size, vartype = model.size, Vartype.BINARY
    else:
        op = func.first(poly.ObjectiveOp)
        polynomial = op.polynomial if op is not None else Polynomials(1, ())
        size, vartype = sum(register.count for register in registers), registers[0].vartype
    states = _states(inputs, "bits" if vartype is Vartype.BINARY else "spins", size)
    return polynomial_energies(PolynomialModel.of(polynomial, vartype, size), states)


def _linear(values: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    return np.zeros(len(values), np.int32), np.arange(len(values), dtype=np.int32)[:, None], values


def _constant(value: float) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    return np.zeros(1, np.int32), np.zeros((1, 0), np.int32), np.array([value])


def _states(inputs: Inputs, kind: str, size: int) -> NDArray[np.int8]:
    """States [reads, size] in the model's own values, from `bits` or `spins`, one state or a list of them."""
    low = {"bits": 0, "spins": -1}
    for given in ("spins", "bits"):
        if given in inputs:
            states = np.atleast_2d(np.asarray(inputs[given], np.float64))
            if states.shape[1] == size and np.isin(states, (low[given], 1)).all():
                return np.where(states == 1, 1, low[kind]).astype(np.int8)
    sample = [1, low[kind], 1][: max(size, 1)]
    form = f'{{"{kind}": [[{", ".join(map(str, sample))}, ...], ...]}} with {size} in each state'
    raise CompileError(BadArgument(None, "--inputs", form))

"""Ways from a load to a quadratic model: each compiles in its own form, exports to dimod, and is read for the check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ising.exports import (
    Model,
    export_amplify,
    export_ommx,
    export_ours,
    export_pyqubo,
    read_amplify,
    read_bqm,
    read_ommx,
    read_ours,
    read_pyqubo,
)
from benchmarks.ising.loads import TOUR_PENALTY, Load


# `compile` is timed and returns the compiled thing; `export` is timed apart and makes a dimod model of it, None where
# it is one. `read` turns it into a Model outside of the clock. None: a presolved model is another one than the load's,
# checked by the tests of presolve and not here.
@dataclass(frozen=True)
class Way:
    name: str
    compile: Callable[[Load], Any]
    export: Callable[[Any], Any] | None
    read: Callable[[Load, Any], Model] | None
    prepare: Callable[[], object] = lambda: None


TEXTS = {
    "npp": """program npp
data a: int[n]
data b: int
var x: binary[n]
minimize (sum(a[i] * x[i] for i in 0..n) - b)^2
""",
    "tsp": f"""program tsp
data d: real[n, n]
var x: binary[n, n]
minimize sum(d[i, j] * x[t, i] * x[(t + 1) % n, j] for t in 0..n for i in 0..n for j in 0..n if i != j)
subject to
  time[t]: sum(x[t, i] for i in 0..n) == 1 for t in 0..n weight {TOUR_PENALTY:g}
  visit[i]: sum(x[t, i] for t in 0..n) == 1 for i in 0..n weight {TOUR_PENALTY:g}
""",
    "ineq": """program ineq
data w: int[n]
data c: int
var x: binary[n]
subject to
  fits: sum(w[i] * x[i] for i in 0..n) <= c
""",
    "cut": """program cut
data edge: int[m, 2]
var x: binary[n] where n = max(edge) + 1
minimize sum(2 * x[edge[e, 0]] * x[edge[e, 1]] - x[edge[e, 0]] - x[edge[e, 1]] for e in 0..m)
""",
    "chain": """program chain
data n: int
var x: binary[n]
minimize sum(x[i] * x[i + 1] for i in 0..n - 1) - sum(x)
""",
    "hubo": """program hubo
data v3: int[m, 3]
data c3: real[m]
data v4: int[k, 4]
data c4: real[k]
var x: binary[300]
let cubic = sum(c3[t] * x[v3[t, 0]] * x[v3[t, 1]] * x[v3[t, 2]] for t in 0..m)
let quartic = sum(c4[t] * x[v4[t, 0]] * x[v4[t, 1]] * x[v4[t, 2]] * x[v4[t, 3]] for t in 0..k)
minimize cubic + quartic
""",
}


_COUNT = count()


def compile_ours(load: Load, method: str = "hybrid", presolve: bool = False) -> Any:
    """Text and data to the quadratic model's arrays, every check on.

    Peers translate, and a presolve makes some loads trivial: without `presolve` none runs.
    """
    from qevo_compiler.dialects import ising
    from qevo_compiler.frontend.load import import_source
    from qevo_compiler.passes.pipeline import Pipeline
    from qevo_compiler.passes.pipelines import SOURCES, TARGETS

    passes = f"{SOURCES['problem']},{TARGETS['spin']}".partition(",binary-to-spin")[0]
    settings: dict[str, dict[str, Any]] = {"quadratize": {"method": method}}
    if not presolve:
        settings["presolve"] = {"persistency": False, "symmetry": False}
    data = {key: value[()] for key, value in load.data.items()}
    pipeline = Pipeline.parse(passes, settings)
    # A comment makes every text a new one: trees of texts seen before are kept, which would hide the parser's time.
    text = f"{TEXTS[load.kind]}# {next(_COUNT)}\n"
    # As in the driver, nobody keeps the imported module while the passes run.
    return pipeline.run(import_source(text, data=data).module).main.only(ising.QuboOp)


def compile_dimod(load: Load) -> Any:
    """dimod's best array call, or its dedicated one where it has one."""
    import dimod

    data, n = load.data, load.bits
    bqm = dimod.BinaryQuadraticModel("BINARY")
    if load.kind == "npp":
        bqm.add_linear_equality_constraint([(i, int(v)) for i, v in enumerate(data["a"])], 1, -int(data["b"]))
        return bqm
    if load.kind == "ineq":
        terms = [(i, int(v)) for i, v in enumerate(data["w"])]
        bqm.add_linear_inequality_constraint(terms, 1, label="c", ub=int(data["c"]), constant=0, lb=0)
        return bqm
    if load.kind == "hubo":
        terms = {
            tuple(v): c for k in (3, 4) for v, c in zip(data[f"v{k}"].tolist(), data[f"c{k}"].tolist(), strict=True)
        }
        return dimod.make_quadratic(terms, float(sum(map(abs, terms.values()))), "BINARY")
    if load.kind == "cut":
        ends = data["edge"]
        order = np.lexsort((ends[:, 1], ends[:, 0]))
        linear = -np.bincount(ends.reshape(-1), minlength=n).astype(float)
        vectors = (ends[order, 0], ends[order, 1], np.full(len(ends), 2.0))
        return dimod.BinaryQuadraticModel.from_numpy_vectors(linear, vectors, 0.0, "BINARY")
    if load.kind == "chain":
        head = np.arange(n - 1)
        return dimod.BinaryQuadraticModel.from_numpy_vectors(
            -np.ones(n), (head, head + 1, np.ones(n - 1)), 0.0, "BINARY"
        )
    return dimod.BinaryQuadraticModel.from_numpy_vectors(*_tour_vectors(data["d"]), "BINARY")


def _tour_vectors(d: NDArray[np.float64]) -> tuple[Any, ...]:
    """The tour's arrays by hand, as a user of an array interface writes them."""
    n = len(d)
    left, right = np.triu_indices(n, 1)
    step = np.arange(n)[:, None]
    a, b = np.nonzero(d)
    ends = [
        (step * n + left, step * n + right),
        (left * n + step, right * n + step),
        (step * n + a, (step + 1) % n * n + b),
    ]
    rows = np.concatenate([np.minimum(i, j).ravel() for i, j in ends])
    columns = np.concatenate([np.maximum(i, j).ravel() for i, j in ends])
    pairs = np.full(2 * n * len(left), 2 * TOUR_PENALTY)
    values = np.concatenate([pairs, np.tile(d[a, b], n)])
    order = np.lexsort((columns, rows))
    return np.full(n * n, -2 * TOUR_PENALTY), (rows[order], columns[order], values[order]), 2 * n * TOUR_PENALTY


def compile_pyqubo(load: Load) -> Any:
    import pyqubo

    data, n = load.data, load.bits
    x = [pyqubo.Binary(f"x{i}") for i in range(n)]
    strength = 1.0
    if load.kind == "npp":
        total = (sum(int(a) * v for a, v in zip(data["a"], x, strict=True)) - int(data["b"])) ** 2
    elif load.kind == "ineq":
        slack = pyqubo.LogEncInteger("s", (0, int(data["c"])))
        total = (sum(int(w) * v for w, v in zip(data["w"], x, strict=True)) + slack - int(data["c"])) ** 2
    elif load.kind == "cut":
        total = sum(2 * x[a] * x[b] - x[a] - x[b] for a, b in data["edge"].tolist())
    elif load.kind == "chain":
        total = sum(x[i] * x[i + 1] - x[i] for i in range(n - 1)) - x[n - 1]
    elif load.kind == "tsp":
        total = _pyqubo_tour(data["d"], x)
    else:
        strength = float(sum(np.abs(data[f"c{k}"]).sum() for k in (3, 4)))
        total = 0
        for k in (3, 4):
            for names, c in zip(data[f"v{k}"].tolist(), data[f"c{k}"].tolist(), strict=True):
                total = total + c * np.prod([x[i] for i in names])
    return total.compile(strength=strength)


def _pyqubo_tour(d: NDArray[np.float64], x: list[Any]) -> Any:
    n = len(d)
    rows = sum(((sum(x[t * n + i] for i in range(n)) - 1) ** 2 for t in range(n)), 0.0)
    columns = sum(((sum(x[t * n + i] for t in range(n)) - 1) ** 2 for i in range(n)), 0.0)
    a, b = np.nonzero(d)
    edges = list(zip(a.tolist(), b.tolist(), d[a, b].tolist(), strict=True))
    length = sum(w * x[t * n + i] * x[(t + 1) % n * n + j] for t in range(n) for i, j, w in edges)
    return length + TOUR_PENALTY * (rows + columns)


def compile_amplify(load: Load) -> Any:
    import amplify

    data, n = load.data, load.bits
    generator = amplify.VariableGenerator()
    x = generator.array("Binary", n)
    single = list(x) if load.kind in ("cut", "hubo") else []
    if load.kind == "npp":
        model = amplify.Model((amplify.dot(data["a"].astype(float), x) - int(data["b"])) ** 2)
    elif load.kind == "ineq":
        model = amplify.Model(amplify.less_equal(amplify.dot(data["w"].astype(float), x), int(data["c"])))
    elif load.kind == "cut":
        model = amplify.Model(
            amplify.sum([2 * single[a] * single[b] - single[a] - single[b] for a, b in data["edge"].tolist()])
        )
    elif load.kind == "chain":
        model = amplify.Model((x[:-1] * x[1:]).sum() - x.sum())
    elif load.kind == "tsp":
        size = len(data["d"])
        x = x.reshape(size, size)
        length = amplify.einsum("ij,ti,tj->", data["d"], x, x.roll(-1, axis=0))
        model = amplify.Model(length, (amplify.one_hot(x, axis=1) + amplify.one_hot(x, axis=0)) * TOUR_PENALTY)
    else:
        parts = []
        for k in (3, 4):
            for names, c in zip(data[f"v{k}"].tolist(), data[f"c{k}"].tolist(), strict=True):
                product = single[names[0]] * c
                for i in names[1:]:
                    product = product * single[i]
                parts.append(product)
        model = amplify.Model(amplify.sum(parts))
    wanted = amplify.AcceptableDegrees(objective={"Binary": "Quadratic"})
    lowered, mapping = model.to_intermediate_model(wanted, quadratization_method="Substitute")
    return lowered.to_unconstrained_poly(), mapping, x


def compile_ommx(load: Load) -> Any:
    from ommx.v1 import DecisionVariable, Instance, Linear, Quadratic

    data, n = load.data, load.bits
    variables = [DecisionVariable.binary(i) for i in range(n)]
    constraints: list[Any] = []
    options: dict[str, Any] = {}
    if load.kind == "npp":
        row = Linear(terms={i: int(a) for i, a in enumerate(data["a"])}, constant=-int(data["b"]))
        objective = row * row
    elif load.kind == "ineq":
        objective = Linear(terms={}, constant=0)
        weights = Linear(terms={i: int(w) for i, w in enumerate(data["w"])})
        constraints = [(weights <= int(data["c"])).set_id(0)]
        options = {"inequality_integer_slack_max_range": 1 << 30}
    elif load.kind == "cut":
        ends = data["edge"]
        linear = Linear(terms={i: -float(v) for i, v in enumerate(np.bincount(ends.reshape(-1), minlength=n))})
        first, second = ends[:, 0].tolist(), ends[:, 1].tolist()
        objective = Quadratic(columns=first, rows=second, values=[2.0] * len(ends), linear=linear)
    elif load.kind == "chain":
        linear = Linear(terms=dict.fromkeys(range(n), -1.0))
        objective = Quadratic(columns=list(range(n - 1)), rows=list(range(1, n)), values=[1.0] * (n - 1), linear=linear)
    else:
        objective, constraints = _ommx_tour(data["d"])
        options = {"uniform_penalty_weight": TOUR_PENALTY}
    parts = {"decision_variables": variables, "objective": objective, "constraints": constraints}
    return Instance.from_components(**parts, sense=Instance.MINIMIZE).to_qubo(**options)


def _ommx_tour(d: NDArray[np.float64]) -> tuple[Any, list[Any]]:
    from ommx.v1 import Linear, Quadratic

    n = len(d)
    a, b = np.nonzero(d)
    step = np.arange(n)[:, None]
    first, second = (step * n + a).ravel().tolist(), ((step + 1) % n * n + b).ravel().tolist()
    objective = Quadratic(columns=first, rows=second, values=np.tile(d[a, b], n).tolist())
    rows = [(Linear(terms={t * n + i: 1 for i in range(n)}) == 1).set_id(t) for t in range(n)]
    columns = [(Linear(terms={t * n + i: 1 for t in range(n)}) == 1).set_id(n + i) for i in range(n)]
    return objective, rows + columns


WAYS = {
    "qevo": Way("qevo", compile_ours, export_ours, read_ours),
    "qevo_greedy": Way("qevo_greedy", lambda load: compile_ours(load, "greedy"), export_ours, read_ours),
    "qevo_presolve": Way("qevo_presolve", lambda load: compile_ours(load, presolve=True), export_ours, None),
    "dimod": Way("dimod", compile_dimod, None, read_bqm, lambda: import_module("dimod")),
    "amplify": Way("amplify", compile_amplify, export_amplify, read_amplify, lambda: import_module("amplify")),
    "pyqubo": Way("pyqubo", compile_pyqubo, export_pyqubo, read_pyqubo, lambda: import_module("pyqubo")),
    "ommx": Way("ommx", compile_ommx, export_ommx, read_ommx, lambda: import_module("ommx.v1")),
}

"""Random small programs: written as text, built in Python, and solved by brute force without the compiler."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qevo_compiler import Problem

LABELS = ("red", "green", "blue")


@dataclass
class Variable:
    name: str
    kind: str
    size: int
    low: int = 0
    high: int = 1
    bits: int = 1
    labels: tuple[str, ...] = ()
    encoding: str = ""

    def declaration(self) -> str:
        match self.kind:
            case "int":
                domain = f"int[{self.size}] in [{self.low}, {self.high}]"
                domain += f" encoded as {self.encoding}" if self.encoding else ""
            case "real":
                domain = f"real[{self.size}] in [{self.low}, {self.high}] bits {self.bits}"
            case "choice":
                domain = f"choice {{{', '.join(self.labels)}}}[{self.size}]"
            case kind:
                domain = f"{kind}[{self.size}]"
        return f"var {self.name}: {domain}"

    def values(self) -> list[Any]:
        match self.kind:
            case "binary":
                return [0, 1]
            case "spin":
                return [-1, 1]
            case "int":
                return list(range(self.low, self.high + 1))
            case "real":
                return list(np.linspace(self.low, self.high, 2**self.bits))
        return list(self.labels)

    def build(self, problem: Problem) -> Any:
        match self.kind:
            case "int":
                return problem.integer(
                    self.name, self.size, low=self.low, high=self.high, encoding=self.encoding or None
                )
            case "real":
                return problem.real(self.name, self.size, low=self.low, high=self.high, bits=self.bits)
            case "choice":
                return problem.choice(self.name, self.size, labels=self.labels)
            case "spin":
                return problem.spin(self.name, self.size)
        return problem.binary(self.name, self.size)


@dataclass(frozen=True)
class Atom:
    """`name[index]`, or `name[index] == label` for a choice."""

    name: str
    index: int
    label: str = ""

    def text(self) -> str:
        return f"({self.name}[{self.index}] == {self.label})" if self.label else f"{self.name}[{self.index}]"

    def value(self, point: dict[str, list[Any]]) -> float:
        value = point[self.name][self.index]
        return float(value == self.label) if self.label else value

    def build(self, variables: dict[str, Any]) -> Any:
        element = variables[self.name][self.index]
        return element == self.label if self.label else element


@dataclass(frozen=True)
class Term:
    coefficient: float
    atoms: tuple[Atom, ...]

    def text(self) -> str:
        return " * ".join([_number(self.coefficient), *(atom.text() for atom in self.atoms)])

    def value(self, point: dict[str, list[Any]]) -> float:
        product = self.coefficient
        for atom in self.atoms:
            product *= atom.value(point)
        return product

    def build(self, variables: dict[str, Any]) -> Any:
        product: Any = self.coefficient
        for atom in self.atoms:
            product = product * atom.build(variables)
        return product


@dataclass(frozen=True)
class Constraint:
    name: str
    terms: tuple[Term, ...]
    relation: str
    right: float

    def holds(self, point: dict[str, list[Any]]) -> bool:
        body = sum(term.value(point) for term in self.terms) - self.right
        if self.relation == "==":
            return abs(body) < 1e-9
        return body < 1e-9 if self.relation == "<=" else body > -1e-9


@dataclass
class RandomProgram:
    sense: str
    variables: list[Variable]
    objective: tuple[Term, ...]
    constraints: list[Constraint] = field(default_factory=list)

    def text(self) -> str:
        lines = ["program random", *(variable.declaration() for variable in self.variables)]
        lines.append(f"{self.sense} {_sum_text(self.objective)}")
        if self.constraints:
            lines.append("subject to")
            lines += [f"  {c.name}: {_sum_text(c.terms)} {c.relation} {_number(c.right)}" for c in self.constraints]
        return "\n".join(lines) + "\n"

    def problem(self) -> Problem:
        problem = Problem("random")
        built = {variable.name: variable.build(problem) for variable in self.variables}
        objective = sum(term.build(built) for term in self.objective)
        (problem.minimize if self.sense == "minimize" else problem.maximize)(objective)
        for c in self.constraints:
            left = sum(term.build(built) for term in c.terms)
            comparison = {"==": left == c.right, "<=": left <= c.right, ">=": left >= c.right}[c.relation]
            problem.subject_to(comparison, name=c.name)
        return problem

    def points(self) -> Iterator[dict[str, list[Any]]]:
        spaces = [itertools.product(v.values(), repeat=v.size) for v in self.variables]
        for point in itertools.product(*(list(space) for space in spaces)):
            yield {v.name: list(values) for v, values in zip(self.variables, point, strict=True)}

    def optimum(self) -> float | None:
        """The best feasible objective by brute force; None when nothing is feasible."""
        values = [
            sum(term.value(point) for term in self.objective)
            for point in self.points()
            if all(constraint.holds(point) for constraint in self.constraints)
        ]
        if not values:
            return None
        return min(values) if self.sense == "minimize" else max(values)


def random_program(seed: int) -> RandomProgram:
    """A program with one to three arrays, products up to degree four and up to two constraints."""
    rng = np.random.default_rng(seed)
    variables = [_variable(rng, f"v{i}") for i in range(rng.integers(1, 4))]
    atoms = [atom for variable in variables for atom in _atoms(variable)]
    objective = tuple(_term(rng, atoms, 4) for _ in range(rng.integers(2, 5)))
    constraints = [_constraint(rng, atoms, i) for i in range(rng.integers(0, 3))]
    return RandomProgram(str(rng.choice(["minimize", "maximize"])), variables, objective, constraints)


def _variable(rng: np.random.Generator, name: str) -> Variable:
    kind = str(rng.choice(["binary", "binary", "spin", "int", "real", "choice"]))
    size = int(rng.integers(1, 4 if kind in ("binary", "spin") else 3))
    if kind == "int":
        low = int(rng.integers(-2, 2))
        encoding = str(rng.choice(["", "log", "unary", "onehot", "domainwall"]))
        return Variable(name, kind, size, low, low + int(rng.integers(1, 4)), encoding=encoding)
    if kind == "real":
        low = int(rng.integers(-1, 1))
        return Variable(name, kind, size, low, low + int(rng.integers(1, 3)), bits=int(rng.integers(1, 3)))
    if kind == "choice":
        return Variable(name, kind, size, labels=LABELS[: int(rng.integers(2, 4))])
    return Variable(name, kind, size)


def _atoms(variable: Variable) -> list[Atom]:
    if variable.kind == "choice":
        return [Atom(variable.name, i, label) for i in range(variable.size) for label in variable.labels]
    return [Atom(variable.name, i) for i in range(variable.size)]


def _term(rng: np.random.Generator, atoms: list[Atom], degree: int) -> Term:
    coefficient = float(rng.choice([-3, -2, -1, -0.5, 0.5, 1, 2, 3]))
    chosen = rng.choice(len(atoms), size=int(rng.integers(1, degree + 1)))
    return Term(coefficient, tuple(atoms[i] for i in chosen))


def _constraint(rng: np.random.Generator, atoms: list[Atom], index: int) -> Constraint:
    terms = tuple(_term(rng, atoms, 2) for _ in range(rng.integers(1, 3)))
    relation = str(rng.choice(["==", "<=", ">="]))
    return Constraint(f"c{index}", terms, relation, float(rng.choice([-1, 0, 0.5, 1, 2])))


def _sum_text(terms: tuple[Term, ...]) -> str:
    return " + ".join(term.text() for term in terms)


def _number(value: float) -> str:
    text = str(int(value)) if value == int(value) else str(value)
    return f"({text})" if value < 0 else text

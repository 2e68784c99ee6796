"""`.qir` files as modules: what op invariants cannot see of a text that was edited is checked here."""

from __future__ import annotations

from qevo_compiler.diagnostics import CompileError
from qevo_compiler.diagnostics.ir import InvalidModule
from qevo_compiler.dialects import ising, nn, poly, problem
from qevo_compiler.ir import Func, Module, parse_module
from qevo_compiler.source import SourceFile


def read_module(file: SourceFile) -> Module:
    """The module that a text states.

    Raises `CompileError` for text that is no module, for one without `@main`, and for polynomials over more
    variables than their func has.
    """
    module = parse_module(file)
    if module.find("main") is None:
        raise CompileError(InvalidModule(None, file.name, "it has no func @main"))
    for func in module.funcs:
        count = _variables(func)
        stated = [(op, op.polynomial) for op in func.ops_of(poly.ObjectiveOp)]
        constraints = [(op, op.body) for op in func.ops_of(poly.ConstraintOp)]
        for op, polynomial in (*stated, *constraints):
            if count is not None and any(_outside(block, count) for block in polynomial.terms):
                reason = f"@{func.name}: {op.name} has a variable beyond the {count} of the func"
                raise CompileError(InvalidModule(op.span, file.name, reason))
    return module


def _variables(func: Func) -> int | None:
    """How many variables a func's polynomials have: its bits, else its decisions; None with parameters among them."""
    registers = func.ops_of(ising.RegisterOp)
    if registers:
        return sum(register.count for register in registers)
    if func.first(nn.ParameterOp) is not None:
        return None
    return sum(op.width for op in func.ops_of(problem.VariableOp))


def _outside(block: poly.Terms, count: int) -> bool:
    names = block.variables.values
    return bool(names.size) and not (int(names.min()) >= 0 and int(names.max()) < count)

"""Encodings cover exactly the declared values, and polynomials keep their values on valid codes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ising_support import all_spins, constraint, objective, problem_module, variable

from qevo_compiler.diagnostics import CompileError, Diagnostic
from qevo_compiler.diagnostics.encoding import TrainingIgnored
from qevo_compiler.dialects import poly, problem
from qevo_compiler.dialects.ising import RegisterOp
from qevo_compiler.dialects.poly import Vartype, arithmetic
from qevo_compiler.dialects.problem import Domain, Encoding, Pivot, Relation, VariableOp
from qevo_compiler.ir import Array, Evidence, Module, verify
from qevo_compiler.passes import Context
from qevo_compiler.passes.encode_variables import EncodeVariables

LABELS = ("a", "b", "c", "d")


def encoded(*ops: object, **options: Encoding) -> Module:
    result = EncodeVariables(**options).run(problem_module(*ops))
    verify(result)
    return result


def valid_states(module: Module) -> np.ndarray:
    """All bit states of the encoded module that satisfy its implied constraints."""
    bits = (all_spins(sum(r.count for r in module.main.ops_of(RegisterOp))) + 1) // 2
    for op in module.main.ops_of(poly.ConstraintOp):
        if op.implied:
            bits = bits[(arithmetic.evaluate(op.body, bits) == 0).all(axis=1)]
    return bits


def register_values(module: Module) -> np.ndarray:
    op = module.main.ops_of(RegisterOp)[0]
    assert op.affine is not None
    return op.affine.evaluate(valid_states(module))


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize(("low", "high"), [(0, 0), (0, 1), (-3, 2), (1, 7), (4, 9), (-8, 4)])
def test_integer_codes_cover_exactly_the_range(encoding: Encoding, low: int, high: int) -> None:
    module = encoded(variable("k", Domain.INTEGER, (), low, high, encoding=encoding))
    found = register_values(module)[:, 0]
    assert sorted(set(found)) == list(range(low, high + 1))
    if encoding in (Encoding.ONE_HOT, Encoding.DOMAIN_WALL, Encoding.ORDER):
        assert len(found) == high - low + 1
    bits = module.main.ops_of(RegisterOp)[0].count
    span = high - low
    short = span.bit_length()  # spans below 16 need no bounded weight
    expected = {Encoding.LOG: short, Encoding.BOUNDED: short, Encoding.ONE_HOT: span + 1 if span else 0}
    assert bits == expected.get(encoding, span)


def test_elements_may_have_ranges_of_their_own() -> None:
    op = VariableOp("k", Domain.INTEGER, (3,), Array(np.array([0.0, 5.0, -1.0])), Array(np.array([2.0, 5.0, 3.0])))
    values = register_values(encoded(op))
    assert [sorted(set(column)) for column in values.T] == [[0, 1, 2], [5], [-1, 0, 1, 2, 3]]


def test_integers_in_a_fractional_range_are_the_whole_numbers_inside() -> None:
    assert sorted(set(register_values(encoded(variable("k", Domain.INTEGER, (), 0.5, 3.5)))[:, 0])) == [1, 2, 3]


@pytest.mark.parametrize("encoding", [Encoding.ONE_HOT, Encoding.DOMAIN_WALL])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_choice_codes_are_one_indicator_a_label(encoding: Encoding, count: int) -> None:
    found = register_values(encoded(variable("c", Domain.CHOICE, (), labels=LABELS[:count], encoding=encoding)))
    assert sorted(map(tuple, found)) == sorted(map(tuple, np.eye(count)))


def test_two_labels_take_one_bit_by_default() -> None:
    (register,) = encoded(variable("c", Domain.CHOICE, (2,), labels=("no", "yes"))).main.ops_of(RegisterOp)
    assert (register.count, register.encoding) == (2, Encoding.DOMAIN_WALL)


def test_the_variables_own_encoding_wins_over_the_option() -> None:
    module = encoded(
        variable("k", Domain.INTEGER, (), 0, 3, encoding=Encoding.UNARY),
        variable("m", Domain.INTEGER, (), 0, 3),
        integer=Encoding.ONE_HOT,
    )
    assert [r.encoding for r in module.main.ops_of(RegisterOp)] == [Encoding.UNARY, Encoding.ONE_HOT]


def test_reals_take_the_grid_points_and_record_the_step() -> None:
    module = encoded(variable("x", Domain.REAL, (2,), -1.0, 1.0, bits=3))
    np.testing.assert_allclose(np.unique(register_values(module)[:, 0].round(12)), np.linspace(-1, 1, 8))
    (entry,) = module.ledger
    assert (entry.quantity, entry.subject, entry.kind) == ("grid step", "x", Evidence.PROVED)
    assert entry.value == pytest.approx(2 / 7)


def test_all_spins_stay_spins_and_need_no_substitution() -> None:
    objective_op = objective({(0, 1): 2.0, (1,): -1.0})
    module = encoded(variable("s", Domain.SPIN, (2,)), objective_op)
    assert module.main.only(RegisterOp).vartype is Vartype.SPIN
    assert module.main.only(poly.ObjectiveOp) == objective_op


@pytest.mark.parametrize(
    "ops",
    [
        (objective({(0, 1, 2): 1.0}),),
        (objective({(0, 1): 1.0}), constraint("c", Relation.EQ, {(0,): 1.0, (1,): 1.0})),
    ],
)
def test_spins_become_bits_where_penalties_or_products_need_them(ops: tuple[object, ...]) -> None:
    module = encoded(variable("s", Domain.SPIN, (3,)), *ops)
    assert module.main.only(RegisterOp).vartype is Vartype.BINARY


@pytest.mark.parametrize("encoding", list(Encoding))
def test_polynomials_keep_their_values_on_valid_codes(encoding: Encoding) -> None:
    terms = {(0, 0, 1): 1.0, (0, 1, 2): -2.0, (1, 1): 0.5, (): 3.0, (2, 4): 1.5, (2, 3): 9.0}
    choice_code = encoding if encoding in (Encoding.ONE_HOT, Encoding.DOMAIN_WALL) else None
    module = encoded(
        variable("k", Domain.INTEGER, (2,), -1, 2, encoding=encoding),
        variable("c", Domain.CHOICE, (), labels=LABELS[:3], encoding=choice_code),
        objective(terms),
    )
    states = valid_states(module)
    registers = module.main.ops_of(RegisterOp)
    values = [r.affine.evaluate(states[:, r.first : r.first + r.count]) for r in registers if r.affine is not None]
    source = module.func("problem").only(poly.ObjectiveOp).polynomial
    over_bits = module.main.only(poly.ObjectiveOp).polynomial
    expected = arithmetic.evaluate(source, np.concatenate(values, axis=1))
    np.testing.assert_allclose(arithmetic.evaluate(over_bits, states), expected, atol=1e-12)


def test_powers_of_one_hot_integers_stay_linear() -> None:
    k = variable("k", Domain.INTEGER, (), 0, 4, encoding=Encoding.ONE_HOT)
    over_bits = encoded(k, objective({(0, 0, 0, 0): 1.0})).main.only(poly.ObjectiveOp).polynomial
    assert over_bits.degree == 1
    assert over_bits.block(1)[2].tolist() == [1.0, 16.0, 81.0, 256.0]


def test_sums_that_cancel_leave_nothing() -> None:
    op = variable("c", Domain.CHOICE, (), labels=LABELS, encoding=Encoding.DOMAIN_WALL)
    over_bits = encoded(op, objective({(0, 2): 0.65, (1, 3): 4.1})).main.only(poly.ObjectiveOp).polynomial
    assert len(over_bits) == 0


def test_a_module_without_variables_is_returned_as_it_is() -> None:
    module = problem_module(objective({(): 1.0}))
    assert EncodeVariables().run(module) is module


def refused(*ops: object, **options: Encoding) -> set[str]:
    with pytest.raises(CompileError) as caught:
        EncodeVariables(**options).run(problem_module(*ops))
    return {d.code for d in caught.value.diagnostics}


def test_bad_declarations_are_all_reported() -> None:
    codes = refused(
        variable("a", Domain.INTEGER, (), 3, 1),
        variable("b", Domain.REAL, (), 0, np.inf, bits=2),
        variable("c", Domain.CHOICE, (), labels=LABELS, encoding=Encoding.LOG),
        variable("d", Domain.INTEGER, (), 0, 10**9, encoding=Encoding.UNARY),
        variable("e", Domain.REAL, (), 0, 1, bits=60),
        problem.LinearizeOp(2, None, Pivot.ORIGIN, None),
    )
    assert codes == {"Q0222", "Q0223", "Q0610", "Q0631", "Q0632", "Q0633"}


def test_no_whole_number_in_the_range() -> None:
    assert refused(variable("a", Domain.INTEGER, (), 0.2, 0.8)) == {"Q0222"}


def test_training_directives_are_dropped_with_a_warning() -> None:
    warned: list[Diagnostic] = []
    module = problem_module(variable("x", Domain.BINARY), problem.TrainOp(0.1, 5))
    result = EncodeVariables().run(module, Context(warn=warned.append))
    assert [type(d) for d in warned] == [TrainingIgnored]
    assert not result.main.ops_of(problem.TrainOp)


def test_implied_rows_are_named_by_their_element() -> None:
    op = variable("c", Domain.CHOICE, (2, 2), labels=LABELS[:3])
    (implied,) = encoded(op).main.ops_of(poly.ConstraintOp)
    assert implied.implied
    assert implied.indices.values.tolist() == [list(p) for p in itertools.product(range(2), range(2))]

"""Split a spin model over the lines of the source: the objective, every constraint, every encoding.

What the model holds beyond the sum of their projections comes from steps after the penalties: the gadgets of
products with auxiliaries, or rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from qevo_compiler.decode.model_sums import remaining_couplings
from qevo_compiler.decode.projection import Projection
from qevo_compiler.dialects import ising
from qevo_compiler.dialects.ising import ProductsOp, Role
from qevo_compiler.dialects.poly import Polynomials, arithmetic
from qevo_compiler.ir import Array
from qevo_compiler.passes.penalty.rounding_dust import is_dust
from qevo_compiler.passes.quantities import ENERGY_ERROR


class SourceKind(Enum):
    """What part of the source adds energy; REST is what later steps add."""

    OBJECTIVE = "objective"
    CONSTRAINT = "constraint"
    ENCODING = "encoding"
    REST = "rest"


@dataclass(frozen=True)
class Source:
    """One reason why the model has energy, as a model in the final model's units (its scale included).

    `products` counts the source's terms of three and more bits; they are not in `model`, which is
    quadratic, but in what auxiliaries add.
    """

    kind: SourceKind
    symbol: str
    model: ising.ModelOp
    products: int = 0

    @property
    def title(self) -> str:
        """How the source is called where energies are listed."""
        return f"encoding of {self.symbol}" if self.kind is SourceKind.ENCODING else self.symbol


def sources_of(projection: Projection) -> tuple[Source, ...]:
    """The objective, every penalised constraint and encoding, and what is left; they sum to the model.

    Cost: that of lowering the problem once, without the search for penalty weights.
    """
    found = [_source(projection, SourceKind.OBJECTIVE, "objective", projection.objective_bits())]
    for op in projection.penalties:
        kind = SourceKind.ENCODING if op.implied else SourceKind.CONSTRAINT
        found.append(_source(projection, kind, op.symbol, arithmetic.total(projection.penalty_rows(op))))
    rest = _rest(projection, found)
    return (*found, rest) if rest is not None else tuple(found)


def _source(projection: Projection, kind: SourceKind, symbol: str, energy: Polynomials) -> Source:
    products = sum(len(block) for block in energy.terms if block.degree > 2)
    return Source(kind, symbol, projection.in_spins(energy), products)


def _rest(projection: Projection, found: list[Source]) -> Source | None:
    """The model less the sources, without what is only rounding of sums that cancel."""
    model, parts = projection.model, [source.model for source in found]
    sizes = [np.abs(part.fields.values) for part in (model, *parts)]
    fields = model.fields.values - np.sum([part.fields.values for part in parts], axis=0)
    fields = np.where(is_dust(fields, np.sum(sizes, axis=0)), 0.0, fields)
    rows, columns, couplings = remaining_couplings(model, parts)
    offset = model.offset - sum(part.offset for part in parts)
    if is_dust(np.array(offset), np.array(sum(abs(part.offset) for part in (model, *parts)))):
        offset = 0.0
    if not (offset or fields.any() or len(couplings)):
        return None
    rest = ising.ModelOp(offset, Array(fields), Array(rows), Array(columns), Array(couplings), model.scale)
    return Source(SourceKind.REST, _rest_title(projection), rest)


def _rest_title(projection: Projection) -> str:
    products = any(op.role is Role.AUXILIARY and op.count for op in projection.registers)
    known = (
        ("auxiliaries", products),
        ("products of three and more", projection.module.main.first(ProductsOp) is not None),
        ("presolve", projection.numbering.reduction is not None),
        ("rounding", any(entry.quantity == ENERGY_ERROR for entry in projection.module.ledger)),
    )
    causes = [name for name, found in known if found]
    return " and ".join(causes) or "later steps"

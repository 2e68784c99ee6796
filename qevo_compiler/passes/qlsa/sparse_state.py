"""The preparation of a sparse state: every method and order tried, the cheapest kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qevo_compiler.passes.qlsa.dense_state import dense_state, normalized
from qevo_compiler.passes.qlsa.fragment import Counts, Fragment, Ints, counts, tidy
from qevo_compiler.passes.qlsa.merge_state import merge_orders, merge_state
from qevo_compiler.passes.qlsa.permuted_state import permuted_state

MANY = 128


@dataclass(frozen=True)
class Preparation:
    """A circuit from |0...0>, the method that gave it ("merge", "permute" or "dense") and its gates."""

    fragment: Fragment
    method: str
    counts: Counts


def sparse_state(indices: ArrayLike, amplitudes: ArrayLike, qubits: Sequence[int]) -> Preparation:
    """|0...0> to the state with `amplitudes` [s] (normalised here) at basis `indices` [s], the cheapest found.

    Real signed and complex amplitudes; exact with its phase up to rounding. Least cx wins, then least one-qubit
    gates, then the first tried. Raises `ValueError` for indices that repeat or do not fit, and for amplitudes
    that are all zero or not finite.
    """
    places, values = _entries(np.asarray(indices, np.int64), normalized(amplitudes), len(qubits))
    found = [Preparation(short, name, counts(short)) for name, short in _candidates(places, values, qubits)]
    return min(found, key=lambda p: (p.counts.cnot, p.counts.one_qubit))


def sparse_vector(vector: ArrayLike, qubits: Sequence[int]) -> Preparation:
    """The preparation of a vector [2^n] given densely, by its non-zeros."""
    dense = np.asarray(vector)
    places = np.flatnonzero(dense)
    return sparse_state(places, dense[places], qubits)


def _entries(places: Ints, values: np.ndarray, count: int) -> tuple[Ints, np.ndarray]:
    if places.shape != values.shape or len(np.unique(places)) != len(places):
        raise ValueError("every amplitude needs a basis state of its own")
    if (places < 0).any() or (places >= 1 << count).any():
        raise ValueError(f"a basis state does not fit on {count} qubits")
    kept = values != 0
    order = np.argsort(places[kept], kind="stable")
    return places[kept][order], values[kept][order]


def _candidates(places: Ints, values: np.ndarray, qubits: Sequence[int]) -> Iterator[tuple[str, Fragment]]:
    count = len(qubits)
    # Both methods take s^2 m steps for an order: long lists get two orders and one permutation.
    few = len(places) > MANY
    bits = (places[:, None] >> np.arange(count)[::-1] & 1).astype(bool)
    for order in merge_orders(count)[: 2 if few else None]:
        yield "merge", tidy(merge_state(bits, values, qubits, order))
    for rotation in range(1 if few else count):
        yield "permute", tidy(permuted_state(bits, values, qubits, rotation))
    if 4 * len(places) >= 1 << count:
        dense = np.zeros(1 << count, np.complex128)
        dense[places] = values
        yield "dense", tidy(dense_state(dense, qubits))

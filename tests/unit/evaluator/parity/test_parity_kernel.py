"""The kernel of parity networks against numpy, step for step, on random products."""

from __future__ import annotations

import numpy as np
import pytest

from qevo_compiler.evaluator.parity import parity_steps


def reference(over, most, patience):
    """The contract of `parity_steps` on whole matrices."""
    over = over.astype(np.int64)
    held, clock, steps = np.eye(len(over), dtype=np.int64), np.zeros(len(over), np.int64), []
    weights = over.sum(axis=0)
    done = 1 << 40

    def cx(control, target):
        held[target] ^= held[control]
        clock[[control, target]] = clock[[control, target]].max() + 1
        steps.append([-1, control, target])

    def made():
        return sum(product < 0 for product, *_ in steps)

    while made() < most:
        for product in np.flatnonzero(weights == 1):
            steps.append([int(product), int(np.argmax(over[:, product])), -1])
            over[:, product], weights[product] = 0, done
        lightest = int(np.argmin(weights))
        if weights[lightest] == done:
            break
        members = np.flatnonzero(over[:, lightest])
        part = over[members]
        score = 2 * part @ part.T - part.sum(axis=1) - patience * np.maximum.outer(clock[members], clock[members])
        np.fill_diagonal(score, np.iinfo(np.int64).min)
        control, target = (int(members[at]) for at in divmod(int(np.argmax(score)), len(members)))
        changed = over[target] * (1 - 2 * over[control])
        weights += changed
        over[control] += changed
        cx(control, target)
    while made() < most:
        gain = 2 * held @ held.T - held.sum(axis=1)[:, None]
        np.fill_diagonal(gain, 0)
        if gain.max() <= 0:
            break
        cx(*divmod(int(np.argmax(gain)), len(held)))
    for column in range(len(held)):
        if not held[column, column]:
            cx(column + 1 + int(np.argmax(held[column + 1 :, column])), column)
        for row in np.flatnonzero(held[:, column]).tolist():
            if row != column:
                cx(column, row)
    return steps if made() < most else None


@pytest.mark.parametrize(("qubits", "products"), [(2, 1), (5, 9), (9, 64), (12, 65), (20, 130), (70, 40)])
@pytest.mark.parametrize("patience", [0, 1, 7])
def test_the_kernel_makes_the_reference_s_steps(qubits, products, patience):
    random = np.random.default_rng(qubits + patience)
    over = random.random((qubits, products)) < min(0.5, 4 / qubits)
    over[:2] |= over.sum(axis=0) < 2
    found = parity_steps(over, 10_000, patience)
    assert found.tolist() == reference(over, 10_000, patience)


def test_a_network_that_needs_more_cx_is_given_up():
    over = np.random.default_rng(1).random((8, 30)) < 0.5
    over[:2] |= over.sum(axis=0) < 2
    needed = int((parity_steps(over, 10_000, 1)[:, 0] < 0).sum())
    assert parity_steps(over, needed + 1, 1) is not None
    for most in (needed, needed // 2, 1):
        assert parity_steps(over, most, 1) is None

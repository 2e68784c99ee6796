"""A counter-based random generator for kernels: Threefry-4x32 (Salmon, Moraes, Dror and Shaw, "Parallel random
numbers: as easy as 1, 2, 3", SC 2011).

Words depend on a key and a counter alone: a replica's numbers are the same whatever thread or vector lane
computes them. 12 rounds are the fewest that the paper reports to pass BigCrush; 20 are its recommendation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qevo_compiler.evaluator.llvm import Kernel, Operand
from qevo_compiler.evaluator.llvm.control import Variable

ROUNDS = 12
_ROTATIONS = ((10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20))
_PARITY = 0x1BD11BDA

Words = NDArray[np.uint32]


def threefry(k: Kernel, key: Sequence[Operand], counter: Sequence[Operand], rounds: int = ROUNDS) -> list[Operand]:
    """Write the generator: four i32 operands (vectors or scalars of one type) from 4 key and 4 counter words."""
    schedule = [*key, key[0] ^ key[1] ^ key[2] ^ key[3] ^ _PARITY]
    x = [c + w for c, w in zip(counter, schedule[:4], strict=True)]
    for turn in range(rounds):
        for (a, b), by in zip(_pairs(turn), _ROTATIONS[turn % 8], strict=True):
            x[a] = x[a] + x[b]
            x[b] = rotated(k, x[b], by) ^ x[a]
        if turn % 4 == 3:
            number = turn // 4 + 1
            x = [word + schedule[(number + i) % 5] for i, word in enumerate(x)]
            x[3] = x[3] + number
    return x


def rotated(k: Kernel, word: Operand, by: int) -> Operand:
    """The word turned left by `by` bits."""
    return k.intrinsic("fshl", word.type, word, word, k.constant(word.type, by))


def threefry_reference(key: ArrayLike, counter: ArrayLike, rounds: int = ROUNDS) -> Words:
    """The same words by numpy: key [4] and counters [..., 4] of 32-bit words give [..., 4]."""
    ks: Words = np.asarray(key, np.uint64).astype(np.uint32)
    schedule = np.append(ks, np.bitwise_xor.reduce(ks) ^ np.uint32(_PARITY))
    x: Words = np.asarray(counter, np.uint64).astype(np.uint32) + schedule[:4]
    for turn in range(rounds):
        for (a, b), by in zip(_pairs(turn), _ROTATIONS[turn % 8], strict=True):
            x[..., a] += x[..., b]
            x[..., b] = ((x[..., b] << np.uint32(by)) | (x[..., b] >> np.uint32(32 - by))) ^ x[..., a]
        if turn % 4 == 3:
            number = turn // 4 + 1
            x += schedule[[(number + i) % 5 for i in range(4)]]
            x[..., 3] += np.uint32(number)
    return x


def key_words(seed: int, stream: int) -> Words:
    """The key of a stream of a seed (0 .. 2^64 - 1): streams never share numbers."""
    return np.array([seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF, stream & 0xFFFFFFFF, stream >> 32], np.uint32)


def xorshift(state: Variable) -> Operand:
    """The next word of a 64-bit xorshift generator (Marsaglia 2003), for work that is done in one order only."""
    word = state.get()
    word = word ^ (word << 13)
    word = word ^ word.shift_right(7)
    word = word ^ (word << 17)
    state.set(word)
    return word


def below(state: Variable, count: Operand) -> Operand:
    """The generator's next number, scaled to 0 .. `count` - 1 (`count` < 2^31)."""
    return (xorshift(state).shift_right(32) * count).shift_right(32)


def _pairs(turn: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return ((0, 1), (2, 3)) if turn % 2 == 0 else ((0, 3), (2, 1))

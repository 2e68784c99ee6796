"""What all annealers share: seeds, first states, and a watch over long runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from qevo_compiler.evaluator.random import Words, key_words, threefry_reference

Spins = NDArray[np.int8]

# Streams of a seed: numbers of one never meet those of another.
FIRST_STATES, FLIPS, SWAPS, TENURES = range(4)
_BITS = 128


@dataclass
class Watch:
    """Called between chunks of work: `progress` with the part done, from 0 to 1; `interrupted` true ends the run.

    A run that ends early gives the states that it has.
    """

    progress: Callable[[float], None] | None = None
    interrupted: Callable[[], bool] | None = None
    _done: float = 0.0
    _stopped: bool = False
    _lock: Lock = field(default_factory=Lock, repr=False)

    def advance(self, part: float) -> bool:
        """Add to what is done; whether to go on."""
        with self._lock:
            self._done = min(1.0, self._done + part)
            if self.progress is not None:
                self.progress(self._done)
            if self.interrupted is not None and self.interrupted():
                self._stopped = True
            return not self._stopped

    def stop(self) -> None:
        """End the run at its next look."""
        self._stopped = True


def flip_key(seed: int, stream: int = FLIPS) -> list[int]:
    """The four key words of a stream as signed 32-bit numbers, as kernels take them."""
    return [int(word) for word in key_words(seed, stream).view(np.int32)]


def first_states(seed: int, replicas: int, size: int, initial: Spins | None = None) -> Spins:
    """[replicas, size]: the given states [k, size] repeated in turn, or random ones that depend on replica and spin."""
    if initial is not None:
        return np.asarray(initial, np.int8)[np.arange(replicas) % len(initial)]
    blocks = -(-size // _BITS)
    counters = np.zeros((replicas, blocks, 4), np.uint32)
    counters[..., 0] = np.arange(blocks)
    counters[..., 2] = np.arange(replicas)[:, None]
    words: Words = threefry_reference(key_words(seed, FIRST_STATES), counters)
    bits = np.unpackbits(words.astype("<u4").view(np.uint8).reshape(replicas, blocks * _BITS // 8), axis=1, count=size)
    return bits.astype(np.int8) * np.int8(2) - np.int8(1)

"""The thread policy: whatever the compiler has torch compute, it computes in one thread.

Sums in torch are split over threads, so their last bits depend on how many there are. One thread
makes weights, losses and gradients the same on any number of cores. A model file that calls
`torch.set_num_threads` itself gets what it asks for, while it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Run the body in one thread and restore the number of threads afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

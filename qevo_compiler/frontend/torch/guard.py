"""How the compiler lets torch and the user's code run: in one thread, and without writing to stdout.

Sums in torch are split over threads, so their last bits depend on how many there are. One thread
makes weights, losses and gradients the same on any number of cores. A model file that calls
`torch.set_num_threads` itself gets what it asks for, while it runs. What a model prints goes to
stderr, since stdout belongs to the compiler's product.
"""

from __future__ import annotations

import io
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import torch


@contextmanager
def guarded() -> Iterator[None]:
    """Run the body in one thread with stdout sent to stderr; the number of threads is put back afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def exactly() -> Iterator[None]:
    """`guarded`, and what a model makes while it runs, as `torch.zeros(n)`, is in double precision like its weights."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with guarded():
            yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def silenced() -> Iterator[None]:
    """Keep torch's exporter from logging; what it has to say comes back as a diagnostic."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
